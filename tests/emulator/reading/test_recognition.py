"""With an engine, images are really downloaded and read, in time and fairly."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.support.asking import IMAGE, PATIENCE, arrived, ask, body_of, gone, send, sign, until

pytest.importorskip("PIL")
from PIL import Image

from aliocr.emulator import Emulator
from aliocr.emulator.engine import Found, Recognized
from aliocr.emulator.reading import download
from aliocr.emulator.reading.download import MAX_BYTES
from aliocr.emulator.reading.service import PLACES_AT_READER
from aliocr.models import Region, Scan
from aliocr.pictures import size_limits
from tests.support.album import Album, plain
from tests.support.drawing import encoded


@pytest.fixture
async def album() -> AsyncIterator[Album]:
    """A running host of pictures."""
    async with Album() as found:
        yield found


async def test_a_picture_is_downloaded_and_read(album: Album) -> None:
    """With an engine, an image says what is in it."""
    async with album.emulator() as emulator:
        emulator.text("https://example.com/", "scripted all the same")
        urls = (album.url("/width/20"), album.url("/width/1"), "https://example.com/")
        read, blank, scripted = (a["results"][0] for a in (await ask(emulator, *urls)).data)
    assert (read["ocrData"], read["label"]) == (["20 wide"], "ocr")
    assert read["ocrLocations"] == [{"text": "20 wide", "x": 0.0, "y": 0.0, "w": 20.0, "h": 1.0}]
    assert blank == {"scene": "ocr", "label": "normal", "suggestion": "pass", "rate": 99.9}
    assert scripted["ocrData"] == ["scripted all the same"]


async def test_calls_keep_what_was_read_without_an_object_for_each_region(album: Album) -> None:
    """A test may read all regions, and hundreds of thousands stall no garbage collection."""

    class Page:
        def recognize(self, picture: Image.Image) -> tuple[Recognized, ...]:
            return tuple(
                Recognized(f"{picture.width}", 0, 10 * line, 9, 9, 1) for line in range(60)
            )

    def regions() -> int:
        gc.collect()
        return sum(isinstance(each, Region) for each in gc.get_objects())

    before = regions()
    async with Emulator(Page, requests_per_second=None) as emulator:
        gif = body_of(album.url("/sample/anim4.gif"), interval=1, maxFrames=4)
        assert (await send(emulator, gif, sign(emulator, gif))).codes == [200]
        heard = await ask(emulator, *(album.url(f"/width/{width}") for width in range(2, 12)))
        assert {len(answer["results"][0]["ocrLocations"]) for answer in heard.data} == {60}
        assert regions() - before == 0
        animated, plain = (call.answers for call in emulator.calls)
        scans = [answer for _, answer in animated + plain if isinstance(answer, Scan)]
        assert [len(scan.regions) for scan in scans] == [240] + 10 * [60]
        assert [frame.regions[1].y for frame in scans[0].frames] == [10] * 4
        assert scans[3].regions[2] == Region("4", 0, 20, 9, 9)


async def test_a_page_in_an_unknown_script_has_no_high_rate(album: Album) -> None:
    """Letters that were seen and not read: that is no blank page for certain."""

    class Foreign:
        def recognize(self, picture: Image.Image) -> Found:
            found = Found()
            found.missed = float(picture.width)
            return found

    async with Emulator(Foreign, requests_per_second=None) as emulator:
        heard = await ask(emulator, album.url("/width/3"), album.url("/width/30"))
    assert [answer["results"][0]["rate"] for answer in heard.data] == [99.9, 0.0]


async def test_places_in_a_picture_that_was_made_smaller_are_those_of_the_file(
    album: Album, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine reads a quarter of a phone's photo; its strips know their places, too."""
    monkeypatch.setattr(size_limits, "MAX_FRAME_PIXELS", 100_000)
    photo, wide = Image.new("L", (600, 500)), Image.new("L", (600, 200), 255)
    urls = [album.post(encoded(each, "JPEG"), "a.jpg", "image/jpeg") for each in (photo, wide)]
    async with album.emulator() as emulator:
        bodies = [body_of(url, interval=1, maxFrames=9) for url in urls]
        heard = [await send(emulator, body, sign(emulator, body)) for body in bodies]
    small, strips = (each.data[0]["results"][0] for each in heard)
    assert small["ocrLocations"] == [{"text": "300 wide", "x": 0, "y": 0, "w": 600, "h": 2}]
    places = [frame["ocrLocations"][0] for frame in strips["frames"]]
    assert [place["x"] for place in places] == [0, places[0]["w"], places[0]["w"] + places[1]["w"]]
    assert sum(place["w"] for place in places) == 600
    async with album.emulator(whole_pictures=True) as emulator:
        heard = [await send(emulator, body, sign(emulator, body)) for body in bodies]
    for (uncut,), size in zip(
        (each.data[0]["results"] for each in heard), ((600, 500), (600, 200)), strict=True
    ):
        assert (uncut["width"], uncut["height"]) == size
        assert uncut["ocrLocations"][0]["w"] == 600


async def test_what_cannot_be_read_is_told_by_its_code(album: Album) -> None:
    """A missing image and a bad one fail; the good one between them is read."""
    urls = (album.url("/none"), album.url("/width/9"), album.url("/sample/ground_truth.json"))
    async with album.emulator() as emulator:
        assert (await ask(emulator, *urls)).codes == [404, 200, 590]


async def test_frames_come_only_when_more_than_one_was_captured(album: Album) -> None:
    """One of every two frames of a GIF of four; the first alone if nothing is said."""
    async with album.emulator() as emulator:
        body = body_of(album.url("/sample/anim4.gif"), interval=2, maxFrames=10)
        several = (await send(emulator, body, sign(emulator, body))).data[0]["results"][0]
        single = (await ask(emulator, album.url("/sample/anim4.gif"))).data[0]["results"][0]
    assert len(several["frames"]) == 2
    assert all(frame["ocrData"] and frame["ocrLocations"] for frame in several["frames"])
    assert all(frame["url"].startswith(emulator.url) for frame in several["frames"])
    assert "frames" not in single


async def test_a_host_that_is_slow_costs_its_own_image_only(album: Album) -> None:
    """Each image has its own 3 seconds."""
    async with album.emulator(download_timeout=0.04) as emulator:
        emulator.text(IMAGE, "done")
        assert (await ask(emulator, album.url("/slow"), IMAGE)).codes == [592, 200]


async def test_at_the_deadline_what_is_done_is_answered(album: Album) -> None:
    """A slow download and a slow engine give 581; finished images are answered."""
    async with album.emulator(deadline=0.24) as emulator:
        emulator.text(IMAGE, "done")
        album.gate.clear()
        heard = await ask(emulator, album.url("/slow"), IMAGE, album.url("/width/5"))
        assert heard.codes == [581, 200, 581]
        assert heard.json["code"] == 200
        album.gate.set()


async def test_what_the_deadline_interrupts_is_finished_for_the_next(album: Album) -> None:
    """581 means "ask again": the picture in work is read to its end, and only once."""
    async with album.emulator(deadline=0.24) as emulator:
        album.gate.clear()
        (answer,) = (await ask(emulator, album.url("/width/5"))).data
        assert (answer["code"], answer["msg"][:9]) == (581, "TIMEOUT: ")
        album.gate.set()
        await until(lambda: album.read)
        assert (await ask(emulator, album.url("/width/5"))).codes == [200]
    assert album.begun == [5]


async def test_a_picture_under_many_addresses_is_read_once(album: Album) -> None:
    """Equal bytes are read once, in one request or several, at the same time or later."""
    urls = [album.url(f"/width/5?copy={number}") for number in range(20)]
    async with album.emulator(deadline=None) as emulator:
        for heard in await asyncio.gather(*(ask(emulator, *urls) for _ in range(3))):
            assert heard.codes == [200] * 20
        await ask(emulator, *urls)
    assert album.begun == [5]


async def test_a_client_that_leaves_harms_no_other(album: Album) -> None:
    """Its queued pictures are not read; only work at a worker is finished."""
    album.gate.clear()
    async with album.emulator(deadline=None) as emulator:
        urls = [album.url(f"/width/{100 + number}") for number in range(60)]
        leaving = asyncio.create_task(ask(emulator, *urls))
        await until(lambda: album.begun)
        staying = asyncio.create_task(ask(emulator, urls[0], album.url("/width/7")))
        await until(lambda: 7 in album.served)
        leaving.cancel()
        await asyncio.wait([leaving])
        await asyncio.sleep(0.03)  # for its connection to be seen closed
        album.gate.set()
        assert (await staying).codes == [200, 200]
    assert len(album.read) < 10


async def test_large_pictures_of_many_clients_do_not_fill_the_memory(
    album: Album, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pictures wait for memory until others have been read, and no wait is endless."""
    monkeypatch.setattr(download, "MAX_HELD_BYTES", MAX_BYTES)
    urls = [album.post(plain(width).ljust(MAX_BYTES // 4, b"\0")) for width in range(2, 8)]
    album.gate.clear()
    async with album.emulator(deadline=None) as emulator:
        clients = [asyncio.create_task(ask(emulator, *urls)) for _ in range(4)]
        await until(lambda: album.begun)
        album.gate.set()
        for heard in await asyncio.gather(*clients):
            assert heard.codes == [200] * 6


async def test_without_a_deadline_everything_is_waited_for(album: Album) -> None:
    """Slow machines need this."""
    album.gate.clear()
    async with album.emulator(deadline=None) as emulator:
        asked = asyncio.create_task(ask(emulator, album.url("/width/5")))
        await until(lambda: album.begun)
        assert not asked.done()
        album.gate.set()
        assert (await asked).codes == [200]


def jobs() -> int:
    """Return the number of pictures at the reader, being read or waiting."""
    coroutines = (task.get_coro() for task in asyncio.all_tasks())
    return sum("PictureReader._work" in repr(coroutine) for coroutine in coroutines)


async def test_a_big_request_does_not_starve_the_next_client(album: Album) -> None:
    """A picture that comes after a request of sixty is read among its first, not after its last."""
    album.gate.clear()
    async with album.emulator(deadline=None) as emulator:
        urls = [album.url(f"/width/{100 + number}") for number in range(60)]
        big = asyncio.create_task(ask(emulator, *urls))
        await arrived(emulator, 1)
        small = asyncio.create_task(ask(emulator, album.url("/width/7")))
        await until(lambda: jobs() == PLACES_AT_READER + 1)
        album.gate.set()
        assert (await small).codes == [200]
        assert (await big).codes == [200] * 60
    assert album.read.index(7) < 20


async def test_a_request_for_slow_images_does_not_starve_the_next_client(
    album: Album, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next connection goes to the request with the fewest."""
    monkeypatch.setattr(download, "CONNECTIONS", 3)
    async with album.emulator(deadline=None, download_timeout=0.05) as emulator:
        slow = asyncio.create_task(ask(emulator, *[album.url("/slow")] * 30))
        await arrived(emulator, 1)
        assert (await ask(emulator, album.url("/width/7"))).codes == [200]
        assert album.stalled < 10
        assert (await slow).codes == [592] * 30


async def test_a_failure_inside_is_the_services_and_no_page(
    album: Album, caplog: pytest.LogCaptureFixture
) -> None:
    """HTTP 500 in the gateway's shape; the log has the traceback, and no key of a signed URL."""

    class Broken:
        def recognize(self, picture: object) -> tuple[Recognized, ...]:  # noqa: ARG002
            raise ImportError("at https://example.com/?signature=secret")

    async with Emulator(Broken) as emulator:
        heard = await ask(emulator, album.url("/width/5"), album.url("/width/6"))
        assert (heard.status, heard.json["Code"]) == (500, "InternalError")
        assert emulator.calls[0].code == "InternalError"
    assert "Traceback" in caplog.text
    assert "secret" not in caplog.text


async def test_a_request_that_fails_at_its_beginning_leaves_nothing_running(
    album: Album, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Images begun before the unexpected error are cancelled with the request."""
    album.gate.clear()
    async with album.emulator(deadline=None) as emulator, aiohttp.ClientSession() as session:
        await ask(emulator, "http://", session=session)
        before = asyncio.all_tasks()

        def fail(url: str) -> None:
            if url.endswith("third"):
                raise LookupError

        monkeypatch.setattr(emulator._instructions, "next_outcome", fail)
        urls = [album.url(f"/slow?{name}") for name in ("first", "second", "third")]
        heard = await ask(emulator, *urls, session=session)
        assert heard.json["Code"] == "InternalError"
        await gone(before)
        album.gate.set()
    assert "LookupError" in caplog.text


async def test_stopping_ends_everything_at_once(album: Album) -> None:
    """Hanging requests, slow downloads and idle connections go; no task, thread or socket stays."""
    before, threads = asyncio.all_tasks(), threading.active_count()
    async with aiohttp.ClientSession() as session:
        emulator = album.emulator()
        await emulator.start()
        await ask(emulator, album.url("/width/5"), session=session)  # leaves an idle connection
        emulator.hang()
        requests = [asyncio.create_task(ask(emulator, IMAGE, session=session))]
        await arrived(emulator, 2)
        emulator.delay(60)
        requests += [
            asyncio.create_task(ask(emulator, url, session=session))
            for url in (album.url("/width/5"), album.url("/slow"))
        ]
        await arrived(emulator, 4)
        async with asyncio.timeout(PATIENCE):
            await emulator.stop()
        ends = await asyncio.gather(*requests, return_exceptions=True)
        assert all(isinstance(end, aiohttp.ClientError | OSError) for end in ends)
    await gone(before)
    assert threading.active_count() == threads
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(emulator.url.rpartition(":")[2])), timeout=1)
