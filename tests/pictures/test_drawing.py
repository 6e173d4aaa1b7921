"""Drawings show what was read where it stands: checked in their pixels."""

import copy
import io
import math
import pickle
from pathlib import Path
from typing import Any

import pytest

import aliocr
from aliocr import Drawing, Failure, Frame, Image, OCRError, PictureError, Region, Scan, Unread
from aliocr.job.output.result import Read
from tests.support.truth import SAMPLES, TRUTH

pytest.importorskip("PIL")
pytest.importorskip("numpy")

import numpy as np
from PIL import Image as Picture

from aliocr.pictures import drawing as drawing_room
from aliocr.pictures import fonts
from aliocr.pictures.fonts import CHINESE_FONTS, FontError, Lettering, installed
from aliocr.pictures.panel import NumberedText, Style, Tag, TextRun, Typesetter
from aliocr.pictures.sheet import FRAME, INK, PAPER
from aliocr.pictures.sheet_plan import TAG
from aliocr.pictures.tags import Tags, colour_of

URL = "https://example.com/a.png"
ALL = Image(URL, interval=1, max_frames=100)
NOWHERE: dict[str, tuple[str, ...]] = {"linux": ()}


@pytest.fixture
def no_fonts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has no font but Pillow's."""
    monkeypatch.setattr(fonts, "FOLDERS", NOWHERE)


def regions_of(lines: list[dict[str, Any]]) -> tuple[Region, ...]:
    """The lines of a sample, each as one region."""
    return tuple(Region(**line) for line in lines)


def truth(name: str) -> Scan:
    """Return the scan of a sample by a faultless engine."""
    said = TRUTH[name]
    frames = tuple(Frame("", regions_of(lines)) for lines in said.get("frames", ()))
    regions = [region for frame in frames for region in frame.regions]
    return Scan(ALL, "", tuple(regions) or regions_of(said["lines"]), frames)


def encoded(picture: Picture.Image, form: str = "PNG", **options: Any) -> bytes:
    """The picture as a file's bytes."""
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def page(*regions: Region) -> Scan:
    """Return the scan of a still picture."""
    return Scan(ALL, "", regions)


def blank(width: int, height: int) -> bytes:
    """A white picture."""
    return encoded(Picture.new("RGB", (width, height), "white"))


def is_boxed(drawing: Drawing, region: Region, number: int, frame: int = 0) -> bool:
    """All four edges of its box are drawn around it, in the colour of its number."""
    place = drawing.frames[frame]
    left, top = place.x + math.floor(region.x * place.scale), math.floor(region.y * place.scale)
    right = place.x + math.ceil((region.x + region.w) * place.scale)
    bottom = place.y + math.ceil((region.y + region.h) * place.scale)
    top += place.y
    x, y = (left + right) // 2, (top + bottom) // 2
    edges = ((left - 1, y), (right, y), (x, top - 1), (x, bottom))
    inside = ((left, y), (right - 1, y), (x, top), (x, bottom - 1))
    pixel, colour = drawing.picture.getpixel, colour_of(number)
    return all(pixel(at) == colour for at in edges) and all(pixel(at) != colour for at in inside)


@pytest.mark.parametrize("name", [name for name in TRUTH if TRUTH[name]["lines"]])
def test_boxes_stand_where_the_text_is(name: str) -> None:
    """On every sample, in every frame of the GIF and all over the long picture."""
    drawing = aliocr.draw(SAMPLES / name, truth(name))
    frames = TRUTH[name].get("frames", [TRUTH[name]["lines"]])
    number = 0
    for index, lines in enumerate(frames):
        for region in regions_of(lines):
            number += 1
            assert is_boxed(drawing, region, number, index), region.text
    assert len(drawing.frames) == len(frames)
    assert drawing.texts == number


def test_the_picture_is_as_it_was_beside_the_boxes() -> None:
    """Pixel by pixel; in a box it shines through the colour."""
    drawing = aliocr.draw(SAMPLES / "small_en.png", truth("small_en.png"))
    original = np.asarray(Picture.open(SAMPLES / "small_en.png").convert("RGB"), np.int32)
    (place,) = drawing.frames
    corner = (place.x, place.y, place.x + original.shape[1], place.y + original.shape[0])
    shown = np.asarray(drawing.picture.crop(corner), np.int32)
    assert (shown[150:] == original[150:]).all()
    assert (shown[:50] == original[:50]).all()
    region = truth("small_en.png").regions[0]
    box = np.s_[region.y : region.y + region.h, region.x : region.x + region.w]
    assert 0 < np.abs(shown[box] - original[box]).max() < 60


def test_each_box_has_its_number_beside_it_and_in_the_panel() -> None:
    """At the same height, as a tag that hides no text."""
    drawing = aliocr.draw(SAMPLES / "receipt_mixed.jpg", truth("receipt_mixed.jpg"))
    (place,) = drawing.frames
    regions = truth("receipt_mixed.jpg").regions
    for number, region in enumerate(regions, 1):
        in_picture, in_panel = sorted(tags_of(drawing, number, round(TAG * 28)))
        assert place.x < in_picture[0] < place.x + region.x - 15
        assert in_panel[0] > place.x + TRUTH["receipt_mixed.jpg"]["size"][0]
        for _, top in (in_picture, in_panel):
            assert abs(top + 5 - (place.y + region.y + region.h / 2)) < 3


def tags_of(drawing: Drawing, number: int, size: int) -> list[tuple[int, int]]:
    """Return the places of a number's tag, found by its pixels between the round corners."""
    tags = Tags(Lettering().own, size)
    chip = Picture.new("RGB", (tags.width(number), tags.height))
    tags.draw(chip, (0, 0), number)
    wanted = np.asarray(chip)[5:-5, 2:-2]
    h, w = wanted.shape[:2]
    pixels = np.asarray(drawing.picture)
    starts = (pixels == colour_of(number)).all(axis=2)
    return [
        (int(x), int(y))
        for y, x in zip(*np.nonzero(starts[: 1 - h, : 1 - w]), strict=True)
        if (pixels[y : y + h, x : x + w] == wanted).all()
    ]


def test_numbers_are_in_reading_order() -> None:
    """Columns one after the other, and each piece of a line of several has its own."""
    left = [Region(f"left column {n}", 20, 20 + 40 * n, 220, 20) for n in range(4)]
    right = [Region(f"right column {n}", 320, 20 + 40 * n, 220, 20) for n in range(4)]
    mixed = [piece for pair in zip(right, left, strict=True) for piece in pair]
    drawing = aliocr.draw(blank(600, 200), page(*mixed))
    for number, region in enumerate((*left, *right), 1):
        assert is_boxed(drawing, region, number)
    table = page(Region("price", 300, 20, 60, 20), Region("tea", 20, 22, 40, 20))
    drawing = aliocr.draw(blank(400, 100), table)
    assert is_boxed(drawing, table.regions[1], 1)
    assert is_boxed(drawing, table.regions[0], 2)
    assert drawing.texts == 2


def test_a_photo_that_lies_on_its_side_is_drawn_upright() -> None:
    """With the boxes where an engine, and the service, see the text."""
    upright = Picture.open(SAMPLES / "small_en.png").convert("RGB")
    exif = Picture.Exif()
    exif[0x0112] = 6
    lying = upright.transpose(Picture.Transpose.ROTATE_90)
    drawing = aliocr.draw(encoded(lying, "PNG", exif=exif), truth("small_en.png"))
    for number, region in enumerate(truth("small_en.png").regions, 1):
        assert is_boxed(drawing, region, number)
    (place,) = drawing.frames
    below = drawing.picture.crop((place.x, place.y + 150, place.x + 400, place.y + 200))
    assert below.tobytes() == upright.crop((0, 150, 400, 200)).tobytes()


def test_what_is_transparent_is_drawn_on_white() -> None:
    """Black text on nothing can be seen."""
    clear = Picture.new("RGBA", (400, 300))
    drawing = aliocr.draw(encoded(clear), page(Region("here", 100, 100, 80, 30)))
    (place,) = drawing.frames
    assert drawing.picture.getpixel((place.x + 10, place.y + 10)) == (255, 255, 255)


@pytest.mark.parametrize("colour", ["black", "white", "gray", colour_of(1)])
def test_a_box_is_seen_on_any_picture(colour: str | tuple[int, int, int]) -> None:
    """Its line or the white one around it differs from whatever is there."""
    region = Region("here", 100, 100, 80, 30)
    drawing = aliocr.draw(encoded(Picture.new("RGB", (400, 300), colour)), page(region))
    (place,) = drawing.frames
    across = [drawing.picture.getpixel((place.x + x, place.y + 115)) for x in range(178, 190)]
    assert max(contrast(one, across[-1]) for one in across) > 3


def contrast(one: Any, other: Any) -> float:
    """As the Web Content Accessibility Guidelines define it."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(pixel: tuple[int, int, int]) -> float:
    """Return the brightness, from 0 to 1."""
    linear = [((c / 255 + 0.055) / 1.055) ** 2.4 if c > 10 else c / 255 / 12.92 for c in pixel]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(
    "size", [(64, 200), (30, 12), (1, 1), (1280, 800), (4000, 300), (300, 4000), (30_000, 20)]
)
def test_any_shape_is_drawn(size: tuple[int, int]) -> None:
    """Tiny ones larger, so that they can be read; none without its box."""
    width, height = size
    regions = [
        Region(f"line {n}", 0.1 * width, y, 0.8 * width, height / 10)
        for n, y in enumerate(np.linspace(0.05, 0.75, 4) * height)
    ]
    drawing = aliocr.draw(blank(*size), page(*regions))
    assert drawing.texts == 4
    (place,) = drawing.frames
    assert drawing.picture.width > width * place.scale
    assert (place.scale > 1) == (max(size) < 200 or height < 140)
    assert min(drawing.picture.size) > 40
    if min(size) > 60:
        assert all(is_boxed(drawing, region, n) for n, region in enumerate(regions, 1))


def test_a_drawing_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Picture, boxes and all become smaller together, and that is said."""
    monkeypatch.setattr(drawing_room, "MAX_DRAWN_PIXELS", 500_000)
    drawing = aliocr.draw(SAMPLES / "long_portrait.png", truth("long_portrait.png"))
    assert drawing.picture.width * drawing.picture.height <= 500_000
    (place,) = drawing.frames
    assert place.scale < 0.6
    assert drawing.remarks[-1] == f"drawn at {place.scale:.0%} of the picture's size"
    for number, region in enumerate(truth("long_portrait.png").regions, 1):
        assert drawing.picture.getpixel(
            (place.x + int(300 * place.scale), place.y + math.floor(region.y * place.scale) - 1)
        ) == colour_of(number)
    monkeypatch.setattr(drawing_room, "MAX_DRAWN_PIXELS", 40_000)
    moving = aliocr.draw(SAMPLES / "anim4.gif", truth("anim4.gif"))
    assert moving.picture.width * moving.picture.height <= 50_000
    assert len(moving.frames) == 4


def test_more_text_than_there_is_room_for_leaves_the_numbers() -> None:
    """No panel a mile long is made, and it is said."""
    endless = [Region("words " * 50_000, 10, 10 + 50 * n, 100, 20) for n in range(3)]
    drawing = aliocr.draw(blank(300, 200), page(*endless))
    assert drawing.picture.width < 400
    assert drawing.remarks == ("too much text for one picture, so only the numbers are drawn",)
    assert is_boxed(drawing, endless[0], 1)


@pytest.mark.parametrize(
    "text",
    [
        "word " * 200,
        "w" * 500,
        "WWW.EXAMPLE.COM/" * 30,
        "a, b; c: " * 100,
        "AV" * 300,
    ],
)
@pytest.mark.parametrize("size", [(600, 400), (1600, 200), (100, 900)])
def test_the_panel_never_cuts_a_text(text: str, size: tuple[int, int]) -> None:
    """It is wrapped, and there is paper around all ink: beside a picture and below one."""
    drawing = aliocr.draw(blank(*size), page(Region(text, 10, 10, 50, 20)))
    pixels = np.asarray(drawing.picture)
    paper = (pixels == FRAME).all(axis=2)
    rows, columns = np.nonzero(paper)
    inside = pixels[rows.min() + 1 : rows.max(), columns.min() + 1 : columns.max()]
    assert (inside[:3] == PAPER).all()
    assert (inside[-3:] == PAPER).all()
    assert (inside[:, -3:] == PAPER).all()
    assert (inside == INK).all(axis=2).any()
    outside = pixels.copy()
    outside[rows.min() : rows.max(), columns.min() : columns.max()] = 255
    assert not (outside == INK).all(axis=2).any()


def test_wrapping_loses_no_letter(no_fonts: None) -> None:
    """Words stay whole where they can, and a comma never begins a row."""
    lettering = Lettering()
    style = Style.of(16, 20)
    text = "The quick brown fox, which jumps over dogs, and" * 9 + "x" * 200
    block = Typesetter(lettering, Tags(lettering.own, 12), style).block(
        [NumberedText(text, 1), NumberedText("second", 2), NumberedText("third", 3)]
    )
    rows = [[item for item in row if isinstance(item, TextRun)] for row in block.rows]
    assert block.width <= style.widest
    assert "".join(item.text for row in rows for item in row).replace(" ", "") == (
        f"{text}secondthird".replace(" ", "")
    )
    assert all(row[0].text[0] not in ",;. " for row in rows)
    numbers = [item.number for row in block.rows for item in row if isinstance(item, Tag)]
    assert numbers == [1, 2, 3]


def test_texts_without_a_font_are_numbers_only(no_fonts: None) -> None:
    """The others are written, and one sentence says what helps."""
    drawing = aliocr.draw(SAMPLES / "anim4.gif", truth("anim4.gif"))
    assert (drawing.texts, drawing.unwritten) == (4, 1)
    (remark,) = drawing.remarks
    assert remark.startswith(
        "1 of 4 texts are numbers only, because no font has 第 三 帧 ： 樱 桃; install"
    )
    regions = tuple(Region("樱桃", 20, y, 200, 30) for y in (20, 80, 140))
    none = aliocr.draw(blank(600, 200), page(*regions))
    assert none.unwritten == none.texts == 3
    assert none.picture.width < 700  # no panel: it would be empty
    assert is_boxed(none, regions[2], 3)


def test_what_a_font_has_of_a_text_is_written(no_fonts: None) -> None:
    """Prices and English of a mixed receipt, a box for each character that is lacking."""
    lettering = Lettering()
    assert lettering.written("美式咖啡 Americano x2") == "□□□□ Americano x2"
    assert lettering.written("号，（！)") == lettering.written("， 号") == ""
    assert lettering.written("tea: ...") == "tea: ..."
    style = Style.of(16, 20)
    block = Typesetter(lettering, Tags(lettering.own, 12), style).block(
        [NumberedText("小计 36.00", 1)]
    )
    assert [each.text for each in block.rows[0] if isinstance(each, TextRun)] == ["□□ 36.00"]
    receipt = aliocr.draw(SAMPLES / "receipt_mixed.jpg", truth("receipt_mixed.jpg"))
    assert (receipt.texts, receipt.unwritten) == (11, 10)
    (remark,) = receipt.remarks
    assert remark.startswith("10 of 11 texts are not written whole, because no font has 星 河 咖")
    assert ink_pixels(receipt, receipt.frames[0].x + TRUTH["receipt_mixed.jpg"]["size"][0] + 60)


def ink_pixels(drawing: Drawing, left: int) -> int:
    """Count the pixels of text in the panel, from `left` on."""
    return int((np.asarray(drawing.picture)[:, left:] == INK).all(axis=2).sum())


def test_a_font_has_a_character_if_it_draws_more_than_a_gap() -> None:
    """The sign for a missing character is no glyph, and an empty glyph is none."""
    own = Lettering().own
    assert all(own.has(each) for each in "aZ09.,()")
    assert not any(own.has(each) for each in "第你\U000f1234\u200b")
    assert fonts.plain(" a\n\tb\u200b\u00ad\ud800  c ") == "a b c"


def test_chinese_is_written_where_there_is_a_font_for_it() -> None:
    """Found among the fonts of the machine, or given as a file."""
    found = next(installed(CHINESE_FONTS), None)
    if found is None:
        pytest.skip("no font with Chinese on this machine")
    for font in (None, found[0]):
        drawing = aliocr.draw(SAMPLES / "small_zh.png", truth("small_zh.png"), font=font)
        assert (drawing.unwritten, drawing.remarks) == (0, ())


@pytest.mark.parametrize("name", ["ground_truth.json", "nothing.ttf", "."])
def test_a_file_that_is_no_font_is_a_value_error(name: str) -> None:
    """Its message names the file."""
    with pytest.raises(FontError, match="font"):
        aliocr.draw(blank(9, 9), page(), font=SAMPLES / name)


def test_no_text_is_the_picture_without_boxes() -> None:
    """And a frame without text among others is drawn all the same."""
    drawing = aliocr.draw(SAMPLES / "blank_white.png", truth("blank_white.png"))
    assert (drawing.texts, drawing.remarks) == (0, ())
    frames = (*truth("anim4.gif").frames[:3], Frame(""))
    drawing = aliocr.draw(SAMPLES / "anim4.gif", Scan(ALL, "", frames=frames))
    assert (drawing.texts, len(drawing.frames)) == (3, 4)


def test_only_the_captured_frames_are_drawn() -> None:
    """Every other one, or the first alone if no more were asked for."""
    every = truth("anim4.gif").frames
    some = Scan(Image(URL, interval=2, max_frames=9), "", frames=every[::2])
    drawing = aliocr.draw(SAMPLES / "anim4.gif", some)
    assert [frame.index for frame in drawing.frames] == [0, 2]
    assert is_boxed(drawing, every[2].regions[0], 2, 1)
    first = aliocr.draw(SAMPLES / "anim4.gif", Scan(Image(URL), "", every[0].regions))
    assert [frame.index for frame in first.frames] == [0]


def test_what_a_job_has_read_is_drawn_like_a_scan() -> None:
    """Pixel for pixel."""
    scan = truth("anim4.gif")
    read = Read(
        row=1,
        source=URL,
        text="",
        regions=scan.regions,
        frames=scan.frames,
        interval=1,
        max_frames=100,
    )
    one, other = (aliocr.draw(SAMPLES / "anim4.gif", each) for each in (scan, read))
    assert one.picture.tobytes() == other.picture.tobytes()


@pytest.mark.parametrize("row", [False, True])
def test_a_failure_cannot_be_drawn(*, row: bool) -> None:
    """Its error says why there is nothing to draw."""
    error = aliocr.APIError(580, "no", maybe_charged=True)
    failed: Failure | Unread = Failure(ALL, error)
    if row:
        failed = Unread(row=1, source=URL, kind="APIError", error=str(error), maybe_charged=True)
    with pytest.raises(OCRError, match="580 no") as caught:
        aliocr.draw(blank(300, 200), failed)
    assert caught.value.maybe_charged
    assert row or caught.value is error


def test_a_drawing_is_printed_saved_and_copied(tmp_path: Path) -> None:
    """As people try: a line about it, a file by its name, the same picture in another process."""
    drawing = aliocr.draw(blank(300, 200), page(Region("odd", -9, 10, 20, 20)))
    size = f"{drawing.picture.width} × {drawing.picture.height} pixels"
    assert str(drawing) == f"a drawing of 1 text, {size}; {drawing.remarks[0]}"
    drawing.save(tmp_path / "a.png")
    with Picture.open(tmp_path / "a.png") as saved:
        assert saved.tobytes() == drawing.picture.tobytes()
    for other in (copy.deepcopy(drawing), pickle.loads(pickle.dumps(drawing))):  # noqa: S301
        assert other == drawing


def test_another_picture_than_the_one_that_was_read_is_noticed() -> None:
    """By boxes that reach out of it, or frames that it does not have."""
    drawing = aliocr.draw(blank(300, 200), truth("receipt_mixed.jpg"))
    assert any("boxes reach out of the picture" in remark for remark in drawing.remarks)
    frames = (Frame("text"),) * 5
    with pytest.raises(ValueError, match="5 frames were read, but the picture has only 4"):
        aliocr.draw(SAMPLES / "anim4.gif", Scan(ALL, "", frames=frames))


def test_text_without_a_place_is_in_the_panel() -> None:
    """The service does not promise places; nor can any number be trusted to be one."""
    drawing = aliocr.draw(blank(300, 200), Scan(ALL, "text alone"))
    assert (drawing.texts, drawing.remarks) == (1, ())
    assert drawing.picture.width > 400
    odd = [Region("odd", value, 10, 20, 20) for value in (math.nan, math.inf, -1e300)]
    drawing = aliocr.draw(blank(300, 200), page(*odd))
    assert drawing.texts == 3
    assert "3 boxes reach out" in drawing.remarks[0]
    drawing = aliocr.draw(blank(300, 200), page(odd[0]))
    assert drawing.remarks[0].startswith("1 box reaches out of the picture")


@pytest.mark.parametrize("data", [b"", b"junk", (SAMPLES / "small_en.png").read_bytes()[:900]])
def test_what_is_no_picture_is_a_picture_error(data: bytes) -> None:
    """With the code that the service would use."""
    with pytest.raises(PictureError, match="590"):
        aliocr.draw(data, page())


def test_tags_keep_off_each_other_and_off_the_text() -> None:
    """On a page of narrow cells and close lines."""
    regions = [
        Region(f"{row}.{column}", 40 + 140 * column, 20 + 24 * row, 90, 20)
        for row in range(19)
        for column in range(6)
    ]
    drawing = aliocr.draw(blank(900, 500), page(*regions))
    pixels = np.asarray(drawing.picture)
    (place,) = drawing.frames
    for region in regions:
        x, y = int(place.x + region.x), int(place.y + region.y)
        inside = pixels[y : y + int(region.h), x : x + int(region.w)].reshape(-1, 3)
        assert len(np.unique(inside, axis=0)) == 1, region.text  # its colour on white, no tag


def test_a_path_may_be_a_string(tmp_path: Path) -> None:
    """And what is not there is the usual error."""
    name = str(SAMPLES / "small_en.png")
    assert aliocr.draw(name, truth("small_en.png")).texts == 2
    with pytest.raises(FileNotFoundError):
        aliocr.draw(tmp_path / "nothing.png", page())


@pytest.mark.parametrize(
    ("picture", "says"),
    [
        ("https://example.com/a.png?token=x", r"'https://example.com/a.png\?…'; download it"),
        ("HTTP://example.com/a.png", "download it"),
        (Path("https://example.com/a.png"), "download it"),
        (Image(URL), "not Image"),
        (None, "not NoneType"),
    ],
    ids=str,
)
def test_what_is_no_file_is_said_to_be_none(picture: Any, says: str) -> None:
    """A URL is no path: the message says what to do, and keeps the query to itself."""
    with pytest.raises(ValueError, match=says):
        aliocr.draw(picture, Scan(Image(URL), ""))
