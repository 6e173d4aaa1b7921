"""From bytes to pixels: promises on what is read, what is refused, and with which code."""

from __future__ import annotations

import random
import struct
import weakref
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("PIL")

import numpy as np
from PIL import Image, ImageDraw

from aliocr.errors import api_error
from aliocr.pictures import size_limits
from aliocr.pictures.opening import FORMATS
from aliocr.pictures.picture import count_frames, decode, whole_frames
from aliocr.pictures.size_limits import PictureError
from tests.support.drawing import (
    BLACK,
    BLUE,
    GREEN,
    RED,
    WHITE,
    animated,
    damaged,
    decoded,
    encoded,
    png_that_declares,
)

SAMPLES = Path(__file__).parents[1] / "samples"


def only_frame(data: bytes) -> Image.Image:
    """The picture of a file that has one frame."""
    (frame,) = decoded(data)
    assert (frame.index, frame.x, frame.y) == (0, 0, 0)
    assert frame.picture.mode == "RGB"
    return frame.picture


def code_of(data: bytes, **choice: int) -> int:
    """The code a picture is refused with."""
    with pytest.raises(PictureError) as refusal:
        decoded(data, **choice)
    assert str(refusal.value) == f"{refusal.value.code}: {refusal.value.message}"
    return refusal.value.code


@pytest.mark.parametrize("form", ["PNG", "JPEG", "BMP", "GIF", "WEBP"])
def test_every_documented_format_is_read(form: str) -> None:
    """The formats the documents name are the formats that work."""
    picture = only_frame(encoded(Image.new("RGB", (64, 48), RED), form))
    assert picture.size == (64, 48)
    assert np.abs(np.asarray(picture, np.int32) - RED).max() <= 3


@pytest.mark.parametrize("form", ["TIFF", "ICO", "PPM", "TGA"])
def test_other_formats_are_refused(form: str) -> None:
    """A picture the service does not know is refused here as well, though Pillow reads it."""
    assert code_of(encoded(Image.new("RGB", (32, 32)), form)) == 590


@pytest.mark.parametrize(
    "data", [b"", b"\0", b"<html>not found</html>", b"GIF89a", b"\xff\xd8\xff"]
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    """An empty file or an error page gets a code, not a crash."""
    assert code_of(data) == 590


@pytest.mark.parametrize("form", ["PNG", "JPEG", "BMP", "GIF", "WEBP"])
def test_a_truncated_picture_is_refused(form: str) -> None:
    """Half a download is not read as half a picture."""
    noise = np.random.default_rng(1).integers(0, 255, (90, 120, 3), np.uint8)
    data = encoded(Image.fromarray(noise), form)
    assert code_of(data[: len(data) // 2]) == 590


@pytest.mark.parametrize("form", ["PNG", "JPEG", "BMP", "GIF", "WEBP"])
def test_damage_never_escapes_as_another_error(form: str) -> None:
    """Any bytes give a picture or a documented code."""
    dice = random.Random(form)
    whole = (
        animated(form, RED, GREEN) if form == "GIF" else encoded(Image.new("RGB", (60, 40)), form)
    )
    codes = set()
    for _ in range(200):
        try:
            decoded(damaged(whole, dice), interval=1, max_frames=3)
        except PictureError as refusal:
            codes.add(refusal.code)
    assert 590 in codes
    assert codes <= {480, 590}


@given(st.binary(max_size=200))
def test_random_bytes_are_refused(data: bytes) -> None:
    """Noise is no picture."""
    assert code_of(data) == 590


def test_what_is_no_picture_says_how_and_the_advice_the_rest() -> None:
    """The message of the client is one sentence that says nothing twice."""
    cut = encoded(Image.new("RGB", (99, 99)), "PNG")[:60]
    said = {b"": "an empty file", b"text": "an unknown format", cut: "damaged or truncated"}
    for data, words in said.items():
        with pytest.raises(PictureError) as refusal:
            decoded(data)
        error = api_error(refusal.value.code, refusal.value.message)
        cause, _, _ = str(error).partition(";")
        assert cause == f"590 {words}: not a readable PNG, JPG, JPEG, BMP, GIF or WEBP"


# Where the upper left corner of a picture lies in the file, and whether its rows lie as columns.
LYING = {
    1: ("upper left", False),
    2: ("upper right", False),
    3: ("lower right", False),
    4: ("lower left", False),
    5: ("upper left", True),
    6: ("lower left", True),
    7: ("lower right", True),
    8: ("upper right", True),
}


@pytest.mark.parametrize("orientation", LYING)
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_photo_is_turned_upright(form: str, orientation: int) -> None:
    """A phone's photo is read the way it was held, not the way the sensor stores it."""
    corner, lies = LYING[orientation]
    stored = Image.new("RGB", (40, 60) if lies else (60, 40), WHITE)
    left = 0 if "left" in corner else stored.width - 20
    top = 0 if "upper" in corner else stored.height - 20
    stored.paste(BLACK, (left, top, left + 20, top + 20))
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = only_frame(encoded(stored, form, exif=exif.tobytes(), quality=95))
    assert upright.size == (60, 40)
    assert max(upright.getpixel((10, 10))) < 40  # type: ignore[arg-type]
    assert min(upright.getpixel((50, 30))) > 215  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
@pytest.mark.parametrize("orientation", [0, 9, 65_535])
def test_a_photo_with_a_broken_tag_is_read_as_it_lies(orientation: int) -> None:
    """As a viewer shows it."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    for tags in (exif.tobytes(), b"Exif\0\0II*\0\x08\0\0\0" + bytes(range(40)), b"Exif\0\0no"):
        assert only_frame(encoded(Image.new("RGB", (60, 40)), "JPEG", exif=tags)).size == (60, 40)


JPEGS: dict[str, dict[str, Any]] = {
    "RGB": {},
    "L": {},
    "CMYK": {},
    "RGB in several scans": {"progressive": True},
}
"""Kinds of JPEG, with the options of the encoder."""


@pytest.mark.parametrize("kind", JPEGS)
def test_a_jpeg_without_its_end_mark_is_read(kind: str) -> None:
    """Browsers show it. What lacks more than a few lines stays refused, as half a download is."""
    noise = np.random.default_rng(6).integers(0, 255, (160, 120, 3), np.uint8)
    picture = Image.fromarray(noise).convert(kind.partition(" ")[0])
    whole = encoded(picture, "JPEG", quality=90, **JPEGS[kind])
    pixels = only_frame(whole).tobytes()
    for end in (b"", b"\xff", bytes(40)):
        assert only_frame(whole[:-2] + end).tobytes() == pixels
    assert only_frame(whole[:-40]).size == (120, 160)
    if kind != "RGB in several scans":  # an earlier scan of such a picture shows all its lines
        assert code_of(whole[: len(whole) * 4 // 5]) == 590
    for cut in (len(whole) // 2, len(whole) // 10):
        assert code_of(whole[:cut]) == 590


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize(("form", "mode"), [("JPEG", "RGB"), ("PNG", "L"), ("PNG", "P")])
def test_a_very_large_picture_is_decoded_smaller(
    form: str, mode: str, orientation: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frames say their place and size in pixels of the file, turned as the camera was held."""
    monkeypatch.setattr(size_limits, "MAX_FRAME_PIXELS", 100 * 50)
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = Image.new("RGB", (421, 141), WHITE)
    picture.paste(BLACK, (280, 0, 421, 141))
    data = encoded(picture.convert(mode), form, exif=exif.tobytes())
    sides = (421, 141) if orientation == 1 else (141, 421)
    frames = decoded(data, interval=1, max_frames=9)
    assert {frame.scale for frame in frames} == {4}
    assert len(frames) == 3
    spans = [(frame.width, frame.height)[:: 1 if orientation == 1 else -1] for frame in frames]
    assert sum(long for long, _ in spans) == 421
    assert {short for _, short in spans} == {141}
    (whole,) = whole_frames(data)
    assert (whole.width, whole.height) == sides
    assert whole.picture.size == tuple(-(-side // 4) for side in sides)
    first, last = (0, 0), tuple(side - 1 for side in whole.picture.size)
    assert min(whole.picture.getpixel(first)) > 215  # type: ignore[arg-type]
    assert max(whole.picture.getpixel(last)) < 40  # type: ignore[arg-type]


KINDS = {
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "JPEG": ("L", "RGB", "CMYK"),
    "BMP": ("1", "L", "P", "RGB"),
    "GIF": ("1", "L", "P", "RGB", "RGBA"),
    "WEBP": ("RGB", "RGBA"),
}
"""Each format that is read, with all kinds of pixels that it has."""


def inked(mode: str, ink: int, paper: int) -> Image.Image:
    """A bar of grey ink on paper: the paper is transparent, if this kind of pixels can be."""
    mask = Image.new("L", (40, 30), 0)
    mask.paste(255, (10, 5, 20, 25))
    if mode == "I;16":
        grey = np.where(np.asarray(mask) > 0, ink, paper).astype(np.uint16) * 257
        return Image.fromarray(grey)
    if mode in ("RGBA", "LA"):
        picture = Image.new(mode, mask.size, (ink,) * (len(mode) - 1) + (0,))
        picture.putalpha(mask)
        return picture
    picture = Image.new("L", mask.size, paper)
    picture.paste(ink, mask=mask)
    return picture.convert(mode)


def test_every_format_is_walked() -> None:
    """A new format gets its kinds of pixels."""
    assert set(KINDS) == set(FORMATS)


@pytest.mark.parametrize(("form", "mode"), [(f, mode) for f in KINDS for mode in KINDS[f]])
@pytest.mark.parametrize(("ink", "paper"), [(0, 255), (255, 0)])
def test_ink_contrasts_with_its_paper(form: str, mode: str, ink: int, paper: int) -> None:
    """Black and white letters, in every format and kind of pixels; on paper or on none."""
    options: dict[str, Any] = {"lossless": True} if form == "WEBP" else {}
    page = only_frame(encoded(inked(mode, ink, paper), form, **options))
    assert np.abs(np.asarray(page)[10, 14].astype(int) - ink).max() <= 3
    assert np.abs(np.asarray(page)[2, 2].astype(int) - paper).max() <= 3


def test_a_palette_with_transparent_paper_keeps_white_letters() -> None:
    """Whether the palette has one transparent colour, or an alpha for each."""
    bar = inked("P", 1, 0)
    bar.putpalette([255, 255, 255, 255, 255, 255])
    for transparency in (0, b"\0\xff"):
        page = only_frame(encoded(bar, transparency=transparency))
        assert (page.getpixel((2, 2)), page.getpixel((14, 10))) == (BLACK, WHITE)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_is_white(mode: str) -> None:
    """Black text on no background stays readable."""
    picture = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    picture.paste((0, 0, 0, 255), (10, 10, 20, 20))
    data = encoded(picture, "GIF") if mode == "P" else encoded(picture.convert(mode))
    page = only_frame(data)
    assert page.getpixel((2, 2)) == WHITE
    assert page.getpixel((15, 15)) == BLACK


def test_a_transparent_colour_of_a_palette_is_white() -> None:
    """PNGs with a palette or a single transparent colour are treated alike."""
    picture = Image.new("P", (20, 20), 1)
    picture.putpalette([9, 9, 9, 0, 0, 0])
    picture.paste(0, (5, 5, 10, 10))
    page = only_frame(encoded(picture, transparency=1))
    assert page.getpixel((0, 0)) == WHITE
    assert page.getpixel((7, 7)) == (9, 9, 9)


def test_half_transparent_ink_is_grey() -> None:
    """Soft edges of letters stay soft."""
    page = only_frame(encoded(Image.new("RGBA", (8, 8), (0, 0, 0, 128))))
    assert page.getpixel((4, 4)) == (127, 127, 127)


def test_a_scan_in_16_bit_grey_keeps_its_greys() -> None:
    """Values above 255 are not all white."""
    grey = np.array([[0, 20_000, 40_000, 65_535]] * 4, np.uint16)
    page = np.asarray(only_frame(encoded(Image.fromarray(grey))))
    assert page[0].tolist() == [[0] * 3, [78] * 3, [156] * 3, [255] * 3]


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK"])
def test_every_kind_of_pixel_becomes_rgb(mode: str) -> None:
    """Engines see one kind of picture."""
    form = "JPEG" if mode == "CMYK" else "PNG"
    page = only_frame(encoded(Image.new("RGB", (16, 16), WHITE).convert(mode), form))
    assert min(page.getpixel((8, 8))) >= 253  # type: ignore[arg-type]


def test_a_gif_gives_the_frames_that_were_chosen() -> None:
    """One of every `interval`, in order, each as a viewer would show it."""
    colours = (RED, GREEN, BLUE, WHITE, BLACK)
    frames = decoded(animated("GIF", *colours), interval=2, max_frames=10)
    assert [frame.index for frame in frames] == [0, 2, 4]
    assert [frame.picture.getpixel((30, 20)) for frame in frames] == [RED, BLUE, BLACK]
    assert {(frame.x, frame.y, frame.picture.size) for frame in frames} == {(0, 0, (60, 40))}


def test_a_gif_gives_its_first_frame_unless_asked() -> None:
    """Without `interval` an animation is its first picture."""
    assert only_frame(animated("GIF", RED, GREEN)).getpixel((30, 20)) == RED


def test_a_damaged_gif_gives_the_frames_before_the_damage() -> None:
    """Wherever it was cut: as many as are whole, the same ones, and 590 without any."""
    noise = np.random.default_rng(3).integers(0, 255, (5, 20, 30), np.uint8)
    first, *others = (Image.fromarray(each) for each in noise)
    whole = encoded(first, "GIF", save_all=True, append_images=others)
    shown = [frame.picture.tobytes() for frame in decoded(whole, interval=1, max_frames=9)]
    counts = []
    for length in range(1, len(whole)):
        try:
            frames = decoded(whole[:length], interval=1, max_frames=9)
        except PictureError as error:
            counts.append(0 if error.code == 590 else -1)
            continue
        assert [frame.index for frame in frames] == list(range(len(frames)))
        assert [frame.picture.tobytes() for frame in frames] == shown[: len(frames)]
        assert count_frames(whole[:length]).total in (len(frames), len(frames) + 1)
        counts.append(len(frames))
    assert counts == sorted(counts)
    assert set(counts) == set(range(6))


def test_damage_in_a_frame_that_was_left_out_ends_a_gif_too() -> None:
    """The frames after it build on it."""
    noise = np.random.default_rng(4).integers(0, 255, (5, 40, 60), np.uint8)
    first, *others = (Image.fromarray(each) for each in noise)
    whole = encoded(first, "GIF", save_all=True, append_images=others)
    frames = decoded(whole[: len(whole) * 7 // 10], interval=2, max_frames=9)  # within the fourth
    assert [frame.index for frame in frames] == [0, 2]


@pytest.mark.parametrize("side", [3_000, 14_000])
def test_a_gif_with_a_colossal_frame_is_refused(side: int) -> None:
    """It is not damaged: what it has before that frame is no whole of it."""
    noise = np.random.default_rng(5).integers(0, 255, (4, 20, 30), np.uint8)
    first, *others = (Image.fromarray(each) for each in noise)
    before, *parts = encoded(first, "GIF", save_all=True, append_images=others).split(
        place := b",\0\0\0\0" + struct.pack("<HH", 30, 20)
    )
    colossal = b",\0\0\0\0" + struct.pack("<HH", side, side)
    assert len(parts) == 4
    whole = before + place.join([b"", *parts[:2]]) + colossal + place.join(parts[2:])
    assert code_of(whole, interval=1, max_frames=9) == 480
    assert len(decoded(whole)) == 1


def test_frames_are_decoded_when_they_are_asked_for() -> None:
    """A long animation never is in memory as a whole, nor decoded further than anybody wants."""
    data = animated("GIF", *((red, 0, 0) for red in range(0, 240, 8)))
    pictures: list[weakref.ref[Image.Image]] = []
    for frame in decode(data, interval=1, max_frames=100):
        pictures.append(weakref.ref(frame.picture))
        del frame
        assert sum(picture() is not None for picture in pictures) <= 1
    assert len(pictures) == 30


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_other_animations_are_their_first_frame(form: str) -> None:
    """The documents speak of frames of GIFs only."""
    (frame,) = decoded(animated(form, RED, GREEN), interval=1, max_frames=10)
    assert frame.picture.getpixel((30, 20)) == RED


def striped(portrait: bool) -> Image.Image:
    """A long image of 60 "lines" of ink, 24 pixels each, with 16 pixels of paper between."""
    picture = Image.new("RGB", (400, 2_400), WHITE)
    draw = ImageDraw.Draw(picture)
    for top in range(8, 2_400, 40):
        for left in range(20, 380, 12):
            draw.rectangle((left, top, left + 6, top + 23), fill=BLACK)
    return picture if portrait else picture.transpose(Image.Transpose.ROTATE_90)


@pytest.mark.parametrize("portrait", [True, False])
def test_a_long_image_is_cut_between_its_lines(portrait: bool) -> None:
    """No line of a long chat is lost to a cut, and none is read twice."""
    whole = striped(portrait)
    frames = decoded(encoded(whole), interval=1, max_frames=100)
    assert [frame.index for frame in frames] == list(range(6))
    glued = Image.new("RGB", whole.size)
    for frame in frames:
        glued.paste(frame.picture, (frame.x, frame.y))
        pixels = np.asarray(frame.picture)
        ends = (pixels[0], pixels[-1]) if portrait else (pixels[:, 0], pixels[:, -1])
        assert all((end == 255).all() for end in ends)
    assert glued.tobytes() == whole.tobytes()


def test_cuts_stay_near_the_nominal_ones() -> None:
    """A strip without a calm place is cut somewhere near; no strip grows out of bounds."""
    noise = np.random.default_rng(2).integers(0, 255, (1_500, 300, 3), np.uint8)
    frames = decoded(encoded(Image.fromarray(noise)), interval=1, max_frames=100)
    assert [frame.y for frame in frames] == pytest.approx([0, 300, 600, 900, 1_200], abs=24)
    assert sum(frame.picture.height for frame in frames) == 1_500


def test_a_strip_knows_its_place_when_others_are_left_out() -> None:
    """Positions count from the picture, whichever strips were asked for."""
    frames = decoded(encoded(striped(portrait=True)), interval=3, max_frames=2)
    assert [frame.index for frame in frames] == [0, 3]
    assert frames[1].y == pytest.approx(1_200, abs=32)


def test_a_long_image_is_its_first_strip_unless_asked() -> None:
    """Without `interval` only the top of a long image is read, as the documents say."""
    (frame,) = decoded(encoded(striped(portrait=True)))
    assert (frame.x, frame.y, frame.picture.width) == (0, 0, 400)
    assert frame.picture.height == pytest.approx(400, abs=32)


def test_the_thinnest_long_image_has_a_strip_per_pixel() -> None:
    """A hairline is odd, not an error."""
    frames = decoded(encoded(Image.new("RGB", (1, 450))), interval=1, max_frames=1_000)
    assert len(frames) == 450
    assert {frame.picture.size for frame in frames} == {(1, 1)}


def test_a_turned_photo_is_measured_after_turning() -> None:
    """A panorama held upright is cut from above, wherever the sensor thought the top was."""
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(Image.new("RGB", (900, 200), WHITE), "JPEG", exif=exif.tobytes())
    frames = decoded(data, interval=1, max_frames=10)
    assert [frame.x for frame in frames] == [0] * 5
    assert sum(frame.picture.height for frame in frames) == 900


def test_the_sample_pictures_have_the_frames_they_should() -> None:
    """The shipped samples: a GIF of four frames and a long image of seven strips."""
    for name, count in (("anim4.gif", 4), ("long_portrait.png", 7), ("receipt_mixed.jpg", 1)):
        data = (SAMPLES / name).read_bytes()
        assert len(decoded(data, interval=1, max_frames=100)) == count
        counted = count_frames(data)
        assert (counted.total, counted.moves) == (count, name.endswith("gif"))


def test_frames_are_counted_as_they_are_cut() -> None:
    """Of turned photos and of animations that are no GIFs too; what is refused is not counted."""
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = encoded(Image.new("RGB", (900, 200), WHITE), "JPEG", exif=exif.tobytes())
    assert count_frames(turned).total == len(decoded(turned, interval=1, max_frames=100))
    assert count_frames(animated("WEBP", RED, GREEN)).total == 1
    for data, code in ((b"", 590), (png_that_declares(12_000, 12_000), 480)):
        with pytest.raises(PictureError) as refusal:
            count_frames(data)
        assert refusal.value.code == code
