"""The documents' rules on images, each shown over real sockets with a real file."""

from __future__ import annotations

import io
import zipfile
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.asking import Heard, ask, body_of, send, sign

pytest.importorskip("PIL")
import numpy as np
from PIL import Image

from aliocr.emulator import Emulator
from aliocr.emulator.codes import CODE_NAMES
from aliocr.emulator.engine import Recognized
from aliocr.emulator.reading.download import MAX_BYTES
from tests.support.album import SAMPLES, Album
from tests.support.drawing import BLACK, GREEN, RED, WHITE, animated, encoded, png_that_declares
from tests.support.uploading import BUCKET, desk_of, put

FORMATS = {"PNG": "png", "JPEG": "jpg", "BMP": "bmp", "GIF": "gif", "WEBP": "webp"}


class InkFinder:
    """An engine that finds one box around all dark pixels; its text is the box's size."""

    def recognize(self, picture: Image.Image) -> tuple[Recognized, ...]:
        """The box; none on a white page."""
        box = picture.convert("L").point([255] * 100 + [0] * 156).getbbox()
        if box is None:
            return ()
        left, top, right, bottom = box
        text = f"{right - left}x{bottom - top}"
        return (Recognized(text, left, top, right - left, bottom - top, 1.0),)


@pytest.fixture
async def album() -> AsyncIterator[Album]:
    """A running host of pictures."""
    async with Album() as found:
        yield found


@pytest.fixture
async def finder() -> AsyncIterator[Emulator]:
    """An emulator that finds the ink of real pictures."""
    async with Emulator(InkFinder, requests_per_second=None, deadline=None) as emulator:
        yield emulator


def inked(size: tuple[int, int] = (60, 40), mode: str = "RGB") -> Image.Image:
    """A white page with a black box of 20 × 10 pixels at (5, 15)."""
    page = Image.new("RGB", size, WHITE)
    page.paste(BLACK, (5, 15, 25, 25))
    return page.convert(mode)


BOX = {"text": "20x10", "x": 5.0, "y": 15.0, "w": 20.0, "h": 10.0}


async def framed(emulator: Emulator, url: str, interval: int, most: int) -> list[Any]:
    """The frames of an image in the reply."""
    body = body_of(url, interval=interval, maxFrames=most)
    heard = await send(emulator, body, sign(emulator, body))
    frames: list[Any] = heard.data[0]["results"][0].get("frames", [])
    return frames


def boxes(heard: Heard) -> list[Any]:
    """Where text was found, image by image."""
    return [answer["results"][0].get("ocrLocations") for answer in heard.data]


def said(heard: Heard) -> list[tuple[int, str]]:
    """Code and message, image by image."""
    return [(answer["code"], answer["msg"]) for answer in heard.data]


async def test_png_jpg_jpeg_bmp_gif_and_webp_are_read(album: Album, finder: Emulator) -> None:
    """Source: "Limits on images"."""
    files = [(form, f"a.{suffix}") for form, suffix in FORMATS.items()] + [("JPEG", "a.jpeg")]
    urls = [album.post(encoded(inked(), form), name) for form, name in files]
    heard = await ask(finder, *urls)
    assert heard.codes == [200] * 6
    for answer in heard.data:
        (place,) = answer["results"][0]["ocrLocations"]
        assert (place["x"], place["y"]) == pytest.approx((5, 15), abs=1)


async def test_any_other_format_is_590(album: Album, finder: Emulator) -> None:
    """TIFF, SVG, PDF and other formats; an error page, an archive, an empty body."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("a.png", encoded(inked()))
    page = inked()
    others = [
        *(encoded(page, form) for form in ("TIFF", "PDF", "ICO", "PPM", "TGA", "PCX")),
        b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><text>hello</text></svg>',
        b"<!DOCTYPE html><title>Not found</title>",
        b"\0\0\0\x1cftypavif\0\0\0\0avifmif1" + bytes(99),
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(99),
        archive.getvalue(),
        b"plain text",
        b"",
    ]
    heard = await ask(finder, *(album.post(data) for data in others))
    assert heard.codes == [590] * len(others)
    assert all(message.startswith("BAD_FORMAT: ") for _, message in said(heard))


async def test_the_content_decides_and_not_its_label(album: Album, finder: Emulator) -> None:
    """A PNG called .txt and text/html is read; a page called .png and image/png is not."""
    urls = (
        album.post(encoded(inked()), "a.txt", "text/html"),
        album.post(encoded(inked(), "GIF"), "a.jpg", "image/jpeg"),
        album.post(encoded(inked()), "a", "application/octet-stream"),
        album.post(b"<html>not found</html>", "a.png", "image/png"),
    )
    heard = await ask(finder, *urls)
    assert heard.codes == [200, 200, 200, 590]


async def test_a_truncated_picture_is_590(album: Album, finder: Emulator) -> None:
    """Any format, cut at any place."""
    files = [encoded(Image.effect_noise((99, 99), 90), form) for form in FORMATS]
    parts = [data[: len(data) * share // 10] for data in files for share in (1, 5, 9)]
    heard = await ask(finder, *map(album.post, parts))
    assert heard.codes == [590] * len(parts)


async def test_of_what_failed_no_bytes_are_kept(album: Album, finder: Emulator) -> None:
    """An error with its traceback would hold the file as long as its call is kept."""
    url = album.post(encoded(inked(), "PNG")[:-40])
    assert (await ask(finder, url)).codes == [590]
    ((_, error),) = finder.calls[0].answers
    assert isinstance(error, Exception)
    assert (error.__traceback__, error.__context__, error.__cause__) == (None, None, None)


async def test_a_truncated_gif_has_the_frames_before_the_cut(
    album: Album, finder: Emulator
) -> None:
    """Two of three are whole: they are read and charged, though all three were asked for."""
    whole = animated("GIF", BLACK, RED, GREEN)
    part = whole[: whole.rindex(b"\x2c") + 12]
    url = album.post(part)
    assert (await ask(finder, url)).codes == [200]
    body = body_of(url, interval=1, maxFrames=9)
    assert (await send(finder, body, sign(finder, body))).codes == [200]
    assert [call.charged for call in finder.calls] == [1, 2]


async def test_20_megabytes_are_read_and_one_byte_more_is_589(
    album: Album, finder: Emulator
) -> None:
    """Source: "Limits on images"; what follows a picture's end is no part of it."""
    data = encoded(inked()).ljust(MAX_BYTES, b"\0")
    heard = await ask(finder, album.post(data), album.post(data + b"\0"))
    assert heard.codes == [200, 589]
    assert said(heard)[1][1].startswith("TOO_LARGE: ")


async def test_a_small_picture_is_read(album: Album, finder: Emulator) -> None:
    """256 × 256 pixels are recommended, and no more than that."""
    heard = await ask(finder, album.post(encoded(Image.new("RGB", (1, 1), BLACK))))
    assert boxes(heard) == [[{"text": "1x1", "x": 0.0, "y": 0.0, "w": 1.0, "h": 1.0}]]


async def test_too_many_pixels_are_480(album: Album, finder: Emulator) -> None:
    """A GIF is refused with the service's own word, a zip bomb before it is decoded."""
    large_gif = encoded(Image.new("L", (2_049, 2_048)), "GIF")
    urls = (
        album.post(large_gif),
        album.post(png_that_declares(12_000, 12_000)),
        album.post(encoded(Image.new("1", (30_001, 1)))),
        album.post(encoded(Image.new("L", (2_048, 2_048)), "GIF")),
    )
    heard = await ask(finder, *urls)
    assert heard.codes == [480, 480, 480, 200]
    assert "GIF_TOO_MUCH_PIXELS" in said(heard)[0][1]
    assert all("DOWNLOAD_FAILED: " in message for _, message in said(heard)[:3])


@pytest.mark.parametrize("orientation", range(1, 9))
async def test_boxes_are_in_pixels_of_the_upright_picture(
    album: Album, finder: Emulator, orientation: int
) -> None:
    """For any orientation in the file."""
    lie = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = inked().transpose(lie[orientation]) if orientation in lie else inked()
    exif = Image.Exif()
    exif[0x0112] = orientation
    heard = await ask(finder, album.post(encoded(stored, exif=exif.tobytes())))
    assert boxes(heard) == [[BOX]]


async def test_every_kind_of_pixel_is_read_as_a_person_sees_it(
    album: Album, finder: Emulator
) -> None:
    """Transparency on white, 1 bit, 16 bit, palettes, CMYK: the ink is at its place."""
    clear = Image.new("RGBA", (60, 40), (0, 0, 0, 0))
    clear.paste((0, 0, 0, 255), (5, 15, 25, 25))
    deep = Image.fromarray(np.asarray(inked(mode="L")).astype(np.uint16) * 257)
    data = [
        *(encoded(inked(mode=mode)) for mode in ("1", "L", "P", "RGB", "RGBA", "LA")),
        encoded(deep),
        *(encoded(clear.convert(mode)) for mode in ("RGBA", "LA")),
        encoded(clear, "GIF"),
        encoded(clear, "WEBP", lossless=True),
        encoded(clear.quantize()),
    ]
    heard = await ask(finder, *map(album.post, data))
    assert boxes(heard) == [[BOX]] * len(data)
    ((place,),) = boxes(await ask(finder, album.post(encoded(inked(mode="CMYK"), "JPEG"))))
    assert (place["x"], place["y"]) == pytest.approx((5, 15), abs=1)


async def test_only_the_first_frame_is_read_unless_asked(album: Album, finder: Emulator) -> None:
    """Source: "interval": of a GIF and of a long image alike; `frames` is left out."""
    gif, long_image = animated("GIF", BLACK, RED, GREEN), inked((100, 700))
    long_image.paste(BLACK, (0, 300, 50, 310))
    heard = await ask(finder, album.post(gif), album.post(encoded(long_image)))
    assert [answer["results"][0]["ocrData"] for answer in heard.data] == [["60x40"], ["20x10"]]
    assert not any("frames" in answer["results"][0] for answer in heard.data)


@pytest.mark.parametrize(
    ("interval", "most", "count"), [(1, 10, 10), (2, 10, 5), (3, 10, 4), (1, 4, 4), (1, 6, 5)]
)
async def test_one_of_every_interval_frames_is_read(
    album: Album, finder: Emulator, interval: int, most: int, count: int
) -> None:
    """At most `maxFrames`; where that does not reach, the interval grows to ceil(10 / maxFrames).

    Source: "interval", "maxFrames".
    """
    gif = animated("GIF", *((number, 0, 0) for number in range(10)))
    assert len(await framed(finder, album.post(gif), interval, most)) == count


async def test_frames_are_left_out_when_one_was_captured(album: Album, finder: Emulator) -> None:
    """Source: "frames": "If no more than one frame is captured, this parameter is not returned"."""
    gif = album.post(animated("GIF", BLACK, RED))
    assert await framed(finder, gif, 1, 1) == []
    assert await framed(finder, gif, 5, 9) == []
    assert await framed(finder, album.post(encoded(inked())), 1, 9) == []
    assert len(await framed(finder, gif, 1, 9)) == 2


@pytest.mark.parametrize(
    ("size", "frames"),
    [
        ((160, 400), 0),  # 400 pixels are not more than 400
        ((160, 401), 3),
        ((200, 500), 0),  # 2.5 : 1 is not more than 2.5 : 1
        ((200, 501), 3),
        ((200, 690), 3),  # 3.45
        ((200, 700), 4),  # 3.5
        ((100, 450), 5),  # 4.5
    ],
)
async def test_a_long_image_is_cut_into_its_rounded_ratio_of_frames(
    album: Album, finder: Emulator, size: tuple[int, int], frames: int
) -> None:
    """More than 400 pixels and more than 2.5 : 1, upright or lying. Source: "interval"."""
    for shape in (size, size[::-1]):
        url = album.post(encoded(Image.new("L", shape, 255)))
        assert len(await framed(finder, url, 1, 100)) == frames


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
async def test_other_animations_than_gifs_are_their_first_frame(
    album: Album, finder: Emulator, form: str
) -> None:
    """The documents speak of frames of GIFs and long images only."""
    moving = album.post(animated(form, BLACK, WHITE, WHITE))
    assert await framed(finder, moving, 1, 100) == []
    assert [box["text"] for (box,) in boxes(await ask(finder, moving))] == ["60x40"]


async def test_positions_in_a_long_image_count_from_the_whole(
    album: Album, finder: Emulator
) -> None:
    """For any chosen strips."""
    page = inked((100, 700))
    page.paste(BLACK, (30, 650, 70, 660))
    first, *_, last = await framed(finder, album.post(encoded(page)), 1, 100)
    assert first["ocrLocations"] == [BOX]
    assert last["ocrLocations"] == [{"text": "40x10", "x": 30.0, "y": 650.0, "w": 40.0, "h": 10.0}]


async def test_every_refusal_has_its_documented_word_and_no_key(album: Album) -> None:
    """400, 401, 403, 404, 480, 589, 590 and 592 in one reply, beside an image that is read."""
    secret = "?OSSAccessKeyId=a&Signature=secret"
    refused = {
        "http://127.0.0.1:99999/a.png": 400,
        "ftp://example.com/a.png": 400,
        "http://169.254.169.254/latest": 401,
        "oss://bucket/a.png": 403,
        album.url("/none"): 404,
        "http://127.0.0.1:9/a.png": 480,
        album.url("/slow"): 592,
        album.post(png_that_declares(30_001, 1)): 480,
        album.post(bytes(MAX_BYTES + 1)): 589,
        album.post(b"no picture"): 590,
    }
    urls = [url + secret for url in refused] + [album.url("/width/5")]
    async with album.emulator(download_timeout=0.5, deadline=None) as emulator:
        heard = await ask(emulator, *urls)
    assert heard.codes == [*refused.values(), 200]
    for code, message in said(heard)[:-1]:
        assert message.startswith(f"{CODE_NAMES[code]}: ")
        assert "secret" not in message


async def test_an_engine_that_fails_is_586_for_its_picture_only(album: Album) -> None:
    """The engine is asked again the next time, as a failure is not kept."""
    broken = {5}

    class Engine(InkFinder):
        def recognize(self, picture: Image.Image) -> tuple[Recognized, ...]:
            if picture.width in broken:
                raise SystemExit(f"no luck with {picture.width}")
            return super().recognize(picture)

    urls = [album.url("/width/4"), album.url("/width/5"), album.url("/width/6")]
    async with Emulator(Engine, deadline=None) as emulator:
        heard = await ask(emulator, *urls)
        assert heard.codes == [200, 586, 200]
        assert said(heard)[1][1] == "ALGO_FAILED: the engine failed (SystemExit)"
        broken.clear()
        assert (await ask(emulator, *urls)).codes == [200] * 3


async def test_an_engine_that_cannot_be_made_again_is_586(album: Album) -> None:
    """The first engine is made at the start; a later one fails, and its picture with it."""
    made: list[InkFinder] = []

    def factory() -> InkFinder:
        if made:
            raise RuntimeError("no memory for another")
        made.append(InkFinder())
        return made[0]

    async with Emulator(factory, deadline=None) as emulator:
        heard = await ask(emulator, *(album.url(f"/width/{number}") for number in range(2, 40)))
    assert set(heard.codes) <= {200, 586}
    assert heard.codes.count(200) >= 1


async def test_an_emulator_can_be_kept_from_private_addresses(album: Album) -> None:
    """A public emulator must not download private images for its clients."""
    async with album.emulator(private_addresses=False) as emulator:
        heard = await ask(emulator, album.url("/width/5"))
    assert (heard.codes, album.served) == ([401], [])


async def test_an_uploaded_picture_is_read_like_any_other(finder: Emulator) -> None:
    """From the storage, with its frames; bytes that are no picture fail alone."""
    desk = await desk_of(finder)
    pictures = {
        "a": encoded(inked()),
        "gif": (SAMPLES / "anim4.gif").read_bytes(),
        "none": b"no picture",
    }
    for name, data in pictures.items():
        assert (await put(finder, desk, data, desk.name(name))).status == 200
    urls = [f"oss://{BUCKET}/{desk.name(name)}" for name in pictures]
    heard = await ask(finder, *urls, f"{urls[0]}-gone")
    assert heard.codes == [200, 200, 590, 404]
    assert heard.data[0]["results"][0]["ocrLocations"] == [BOX]
    assert len(await framed(finder, urls[1], 1, 4)) == 4
    assert finder.charged == 6
