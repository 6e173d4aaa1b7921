"""Pictures as the landing page's script sends them, and the answers."""

from __future__ import annotations

import asyncio
import base64
import io
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from aliocr.emulator import Emulator
from tests.support.asking import PATIENCE, Heard, ask, until

pytest.importorskip("PIL")
from PIL import Image

from aliocr.emulator.http.page_read import READ
from aliocr.emulator.reading.download import MAX_BYTES
from aliocr.emulator.reading.reader import PictureReader
from aliocr.pictures.size_limits import PictureError
from tests.support.album import SAMPLES, Album
from tests.support.truth import TRUTH, squeezed


@pytest.fixture
async def album() -> AsyncIterator[Album]:
    """An engine that reads how wide a picture is."""
    async with Album() as found:
        yield found


async def view(emulator: Emulator, data: bytes | AsyncIterator[bytes], query: str = "") -> Heard:
    """Send a picture as the page does."""
    body = io.BytesIO(data) if isinstance(data, bytes) else data
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            emulator.url + READ + query, data=body, headers={"Origin": emulator.url}
        ) as response,
    ):
        return Heard(response.status, response.headers, await response.read())


def file_of(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """A picture as a file."""
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def shown(page: dict[str, Any]) -> Image.Image:
    """Return the picture that the page shows."""
    head, _, data = page["picture"].partition(",")
    assert head == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


# --- what is read ---------------------------------------------------------------------------------


async def test_a_picture_comes_back_with_what_was_read_in_it(album: Album) -> None:
    """Its text, its boxes, and the size in pixels that the boxes are measured in."""
    async with album.emulator() as emulator:
        heard = await view(emulator, file_of(Image.new("RGB", (40, 30), "red")))
    found = heard.json
    (page,) = found.pop("pages")
    assert found == {
        "code": 200,
        "msg": "OK",
        "text": "40 wide",
        "frames_total": 1,
        "frames_read": 1,
    }
    assert shown(page).size == (page["width"], page["height"]) == (40, 30)
    assert page["regions"] == [{"text": "40 wide", "x": 0.0, "y": 0.0, "w": 40.0, "h": 1.0}]
    assert page["frame"] is None


async def test_a_view_is_of_no_account(album: Album) -> None:
    """It is not recorded, not charged, and counts against no rate limit or quota."""
    async with album.emulator(images_per_second=1) as emulator:
        await view(emulator, file_of(Image.new("RGB", (5, 5))))
        assert (await ask(emulator, album.url("/width/7"))).codes == [200]
        assert (len(emulator.calls), emulator.charged) == (1, 1)


async def test_a_picture_is_shown_as_it_was_read(album: Album) -> None:
    """Upright and on white, so that the boxes fit."""
    turned = Image.new("RGBA", (40, 20), (255, 0, 0, 0))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    async with album.emulator() as emulator:
        heard = await view(emulator, file_of(turned, exif=exif))
    (page,) = heard.json["pages"]
    assert (page["width"], page["height"], heard.json["text"]) == (20, 40, "20 wide")
    assert shown(page).getpixel((10, 20)) == (255, 255, 255)


async def test_a_large_picture_is_shown_smaller_and_measured_whole(album: Album) -> None:
    """A browser gets at most four megapixels; boxes are still in pixels of the file."""
    async with album.emulator() as emulator:
        heard = await view(emulator, file_of(Image.new("RGB", (5000, 2400)), "JPEG"))
    (page,) = heard.json["pages"]
    assert (page["width"], page["height"]) == (5000, 2400)
    width, height = shown(page).size
    assert width * height <= 4_000_000
    assert width / height == pytest.approx(5000 / 2400, rel=0.01)


async def test_the_frames_of_a_gif_come_one_by_one(album: Album) -> None:
    """By default only the first frame; others on request, each with its number and regions."""
    gif = (SAMPLES / "anim4.gif").read_bytes()
    async with album.emulator() as emulator:
        first = (await view(emulator, gif)).json
        some = (await view(emulator, gif, "?interval=2&max_frames=9")).json
    assert (first["frames_total"], first["frames_read"]) == (4, 1)
    assert [page["frame"] for page in first["pages"]] == [0]
    assert (some["frames_total"], some["frames_read"]) == (4, 2)
    assert [page["frame"] for page in some["pages"]] == [0, 2]
    assert all(len(page["regions"]) == 1 for page in some["pages"])
    pixels = [shown(page).getpixel((5, 5)) for page in some["pages"]]
    assert pixels[0] != pixels[1]


async def test_a_long_picture_is_one_page(album: Album) -> None:
    """Its strips are read, but the whole is shown; boxes are in pixels of the whole."""
    long = (SAMPLES / "long_portrait.png").read_bytes()
    async with album.emulator() as emulator:
        first = (await view(emulator, long)).json
        every = (await view(emulator, long, "?interval=1&max_frames=100")).json
    for found, strips in ((first, 1), (every, 7)):
        (page,) = found["pages"]
        assert (page["width"], page["height"], page["frame"]) == (600, 4200, None)
        assert (found["frames_total"], found["frames_read"]) == (7, strips)
        tops = [region["y"] for region in page["regions"]]
        assert len(tops) == strips
        assert tops == sorted(set(tops))


async def test_a_picture_that_is_looked_at_twice_is_read_once(album: Album) -> None:
    """Views and requests share the result."""
    data = file_of(Image.new("RGB", (12, 10)))
    async with album.emulator() as emulator:
        await view(emulator, data)
        await view(emulator, data)
        await ask(emulator, album.url("/width/12"))  # the same picture, byte for byte
    assert album.read == [12]


@pytest.mark.engine
@pytest.mark.parametrize("name", [name for name in TRUTH if name != "long_portrait.png"])
async def test_the_samples_say_what_stands_in_them(name: str) -> None:
    """The real engine reads all frames, and at least 90 % of the lines word for word."""
    pytest.importorskip("rapidocr")
    from aliocr.emulator.engine import RapidOCREngine

    async with Emulator(RapidOCREngine) as emulator:
        heard = await view(emulator, (SAMPLES / name).read_bytes(), "?interval=1&max_frames=9")
    truth = TRUTH[name].get("frames", [TRUTH[name]["lines"]])
    pages = heard.json["pages"]
    assert len(pages) == len(truth)
    for page, lines in zip(pages, truth, strict=True):
        assert [page["width"], page["height"]] == TRUTH[name]["size"]
        said = {squeezed(region["text"]) for region in page["regions"]}
        right = [line for line in lines if squeezed(line["text"]) in said]
        assert len(right) >= 0.9 * len(lines)
        assert len(page["regions"]) == len(lines)


# --- what is refused ------------------------------------------------------------------------------


async def chunks(size: int) -> AsyncIterator[bytes]:
    """Yield this many bytes without announcing the length."""
    for start in range(0, size, 65_536):
        yield bytes(min(65_536, size - start))


@pytest.mark.parametrize(
    ("data", "code", "name", "words"),
    [
        (b"", 590, "BAD_FORMAT", "an empty file"),
        (b"<svg/>", 590, "BAD_FORMAT", "an unknown format"),
        ((SAMPLES / "receipt_mixed.jpg").read_bytes()[:20_000], 590, "BAD_FORMAT", "truncated"),
        (bytes(MAX_BYTES + 1), 589, "TOO_LARGE", "20 MB"),
        (file_of(Image.new("1", (30_001, 2))), 480, "DOWNLOAD_FAILED", "too many pixels"),
    ],
    ids=["empty", "unknown", "truncated", "large", "pixels"],
)
async def test_a_picture_is_refused_as_the_service_refuses_it(
    album: Album, data: bytes, code: int, name: str, words: str
) -> None:
    """With code, name and message; the engine is not called."""
    async with album.emulator() as emulator:
        heard = await view(emulator, data)
    assert heard.status == 200
    found = heard.json
    assert (found["code"], found["msg"]) == (code, name)
    assert words in found["message"]
    assert str(code) not in found["message"]
    assert set(found) == {"code", "msg", "message"}
    assert not album.begun


async def test_the_limit_holds_without_an_announced_length(album: Album) -> None:
    """20 MB and a byte are too many; 20 MB of zeros are a bad picture."""
    async with album.emulator() as emulator:
        assert (await view(emulator, chunks(MAX_BYTES + 1))).json["code"] == 589
        assert (await view(emulator, chunks(MAX_BYTES))).json["code"] == 590


@pytest.mark.parametrize(
    "query",
    [
        "?interval=1",
        "?max_frames=1",
        "?interval=0&max_frames=1",
        "?interval=1&max_frames=-1",
        "?interval=1.5&max_frames=1",
        "?interval=²&max_frames=1",
        "?interval=1&max_frames=101",
        "?interval=99999999999999999999&max_frames=1",
    ],
)
async def test_an_invalid_frame_choice_is_refused(album: Album, query: str) -> None:
    """400, with the name of the wrong one."""
    async with album.emulator() as emulator:
        heard = await view(emulator, file_of(Image.new("RGB", (5, 5))), query)
    assert (heard.status, heard.json["code"], heard.json["msg"]) == (200, 400, "BAD_REQUEST")
    assert "max_frames" in heard.json["message"] or "interval" in heard.json["message"]


async def test_an_engine_that_fails_is_said(album: Album) -> None:
    """With 586, as in the service."""

    class Broken:
        def recognize(self, _: object) -> tuple[()]:
            raise ValueError("broken")

    async with Emulator(Broken) as emulator:
        heard = await view(emulator, file_of(Image.new("RGB", (5, 5))))
    assert (heard.json["code"], heard.json["msg"]) == (586, "ALGO_FAILED")


async def test_without_an_engine_it_says_so() -> None:
    """The page then shows that this emulator reads no pictures."""
    async with Emulator() as emulator:
        heard = await view(emulator, b"")
    assert heard.status == 503
    assert "without an engine" in heard.json["error"]


@pytest.mark.parametrize(
    ("rest", "status"),
    [
        (b"Content-Length: 9\r\n\r\n1", 408),
        (b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello", 408),
        (b"Transfer-Encoding: chunked\r\n\r\n5\r\nhelloXX\r\n0\r\n\r\n", 400),
    ],
)
async def test_a_picture_that_does_not_come_is_not_waited_for(
    album: Album,
    virtual_clock: None,
    monkeypatch: pytest.MonkeyPatch,
    rest: bytes,
    status: int,
) -> None:
    """A browser that stops halfway, or sends a malformed body, does not hold memory for ever."""
    monkeypatch.setattr("aliocr.emulator.http.page_read.SENDING", 0.05)
    async with album.emulator() as emulator:
        port = int(emulator.url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"POST {READ} HTTP/1.1\r\nHost: e\r\n".encode() + rest)
        async with asyncio.timeout(PATIENCE):
            heard = await reader.readline()
        writer.close()
        assert int(heard.split()[1]) == status


async def test_pictures_that_are_being_sent_do_not_fill_the_memory(
    album: Album, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pictures wait for free memory, and the wait does not count as sending time."""
    monkeypatch.setattr("aliocr.emulator.http.page_read.MAX_HELD_BYTES", MAX_BYTES)
    async with album.emulator() as emulator:
        port = int(emulator.url.rpartition(":")[2])
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        head = f"POST {READ} HTTP/1.1\r\nHost: e\r\nContent-Length: {MAX_BYTES}\r\n\r\n"
        writer.write(head.encode() + bytes(1000))
        await until(lambda: emulator.under_way)
        await asyncio.sleep(0.01)  # for its time to begin
        monkeypatch.setattr("aliocr.emulator.http.page_read.SENDING", 0.03)
        picture = file_of(Image.new("RGB", (40, 30)))
        views = [asyncio.create_task(view(emulator, picture)) for _ in range(3)]
        await until(lambda: emulator.under_way == 4)
        await asyncio.sleep(0.05)
        assert not any(each.done() for each in views)
        writer.close()
        async with asyncio.timeout(PATIENCE):
            assert [heard.json["code"] for heard in await asyncio.gather(*views)] == [200] * 3


# --- leaving --------------------------------------------------------------------------------------


async def test_the_picture_of_a_client_that_leaves_is_not_read(album: Album) -> None:
    """A picture without a waiting client is not read, and the next one is."""
    album.gate.clear()
    async with album.emulator() as emulator:
        views = [
            asyncio.create_task(view(emulator, file_of(Image.new("RGB", (width, 5)))))
            for width in range(10, 20)
        ]
        await until(lambda: album.begun)
        for each in views:
            each.cancel()
        await asyncio.gather(*views, return_exceptions=True)
        last = asyncio.create_task(view(emulator, file_of(Image.new("RGB", (9, 5)))))
        await asyncio.sleep(0.01)
        album.gate.set()
        assert (await last).json["text"] == "9 wide"
    assert len(album.begun) < 10


async def test_a_reader_lends_its_workers_until_it_is_closed() -> None:
    """Between pictures; an error has the service's code and frees the worker."""
    reader = PictureReader(Album, workers=1)

    def broken() -> None:
        raise ValueError("broken")

    for _ in range(3):
        with pytest.raises(PictureError, match="586"):
            await reader.lend(broken)
    assert await reader.lend(sum, (1, 2)) == 3
    await reader.aclose()
    with pytest.raises(RuntimeError, match="closed"):
        await reader.lend(sum, (1, 2))
