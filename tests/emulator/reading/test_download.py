"""Images are downloaded with the service's time and size limits."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from aliocr.emulator.reading import download
from aliocr.emulator.reading.download import Downloader
from aliocr.errors import APIError, DownloadError


class ImageHost:
    """A host of images, good and bad, on a port of this machine."""

    def __init__(self) -> None:
        app = web.Application()
        app.router.add_get("/status/{status}", self._status)
        app.router.add_get("/size/{size}", self._size)
        app.router.add_get("/stream/{size}", self._stream)
        app.router.add_get("/slow/{part}", self._slow)
        app.router.add_get("/cut", self._cut)
        app.router.add_get("/redirect/{times}", self._redirect)
        app.router.add_get("/away", self._away)
        self.server = TestServer(app)
        self.most_at_once = 0
        self.written = 0
        self._at_once = 0

    def url(self, path: str) -> str:
        """The address of one of its images."""
        return str(self.server.make_url(path))

    async def _status(self, request: web.Request) -> web.Response:
        return web.Response(status=int(request.match_info["status"]), body=b"not an image")

    async def _size(self, request: web.Request) -> web.Response:
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        await asyncio.sleep(0.01)
        self._at_once -= 1
        return web.Response(body=bytes(int(request.match_info["size"])))

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        """Announce no length, so that only counting helps."""
        response = web.StreamResponse()
        await response.prepare(request)
        left = int(request.match_info["size"])
        while left:
            chunk = min(left, 1 << 16)
            await response.write(bytes(chunk))
            self.written += chunk
            left -= chunk
        return response

    async def _slow(self, request: web.Request) -> web.StreamResponse:
        """Stops before the headers, or after the first byte of the body."""
        response = web.StreamResponse()
        if request.match_info["part"] == "body":
            await response.prepare(request)
            await response.write(b"x")
        await asyncio.Event().wait()
        return response

    async def _cut(self, _: web.Request) -> web.Response:
        response = web.Response(body=b"half", headers={"Content-Length": "8"})
        response.force_close()
        return response

    async def _redirect(self, request: web.Request) -> web.Response:
        left = int(request.match_info["times"])
        if left:
            raise web.HTTPFound(f"/redirect/{left - 1}")
        return web.Response(body=b"found")

    async def _away(self, request: web.Request) -> web.Response:
        raise web.HTTPFound(request.query["to"])


@pytest.fixture
async def host() -> AsyncIterator[ImageHost]:
    """A running image host."""
    found = ImageHost()
    await found.server.start_server()
    try:
        yield found
    finally:
        await found.server.close()


async def failure(url: str, *, timeout: float = 2.0, max_bytes: int = 100_000) -> APIError:  # noqa: ASYNC109
    """Fetch a URL that fails; return the error."""
    async with Downloader(timeout=timeout, max_bytes=max_bytes) as downloader:
        with pytest.raises(APIError) as caught:
            await fetched(downloader, url)
    return caught.value


async def fetched(downloader: Downloader, url: str) -> bytes:
    """All of an image."""
    async with downloader.fetch(url) as data:
        return data


async def test_an_image_is_fetched_whole(host: ImageHost) -> None:
    """All bytes arrive, with an announced length or without, up to the largest allowed size."""
    async with Downloader(max_bytes=100_000) as downloader:
        assert await fetched(downloader, host.url("/size/100000")) == bytes(100_000)
        assert await fetched(downloader, host.url("/stream/100000")) == bytes(100_000)
        assert await fetched(downloader, host.url("/size/0")) == b""


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (404, 404),
        (410, 404),
        (401, 403),
        (403, 403),
        (204, 480),
        (206, 480),
        (304, 480),
        (400, 480),
        (500, 480),
        (503, 480),
    ],
)
async def test_a_hosts_refusal_is_told_by_its_code(host: ImageHost, status: int, code: int) -> None:
    """Missing, forbidden, and any other status."""
    error = await failure(host.url(f"/status/{status}"))
    assert error.code == code
    assert isinstance(error, DownloadError)


@pytest.mark.parametrize("part", ["headers", "body"])
async def test_a_slow_host_is_given_up(host: ImageHost, part: str) -> None:
    """The time runs to the last byte, not to the first."""
    error = await failure(host.url(f"/slow/{part}"), timeout=0.03)
    assert error.code == 592
    assert error.transient


async def test_an_image_too_large_is_refused_by_its_announced_length(host: ImageHost) -> None:
    """No byte of the body is downloaded."""
    error = await failure(host.url("/size/100001"))
    assert error.code == 589
    assert str(error).count("larger than") == 1


async def test_an_image_too_large_is_refused_while_it_comes(host: ImageHost) -> None:
    """A host that announces no length cannot fill the memory."""
    error = await failure(host.url("/stream/1000000000"))
    assert error.code == 589
    assert host.written < 100_000_000


async def test_redirections_are_followed_within_bounds(host: ImageHost) -> None:
    """Five redirects are followed; a loop ends."""
    async with Downloader() as downloader:
        assert await fetched(downloader, host.url("/redirect/5")) == b"found"
    assert (await failure(host.url("/redirect/6"))).code == 480


@pytest.mark.parametrize("target", ["http://", "http://[::1/a.png", "http://127.0.0.1:99999/"])
async def test_a_redirection_to_no_web_address_is_a_failed_download(
    host: ImageHost, target: str
) -> None:
    """The host is at fault, not the caller's URL."""
    url = host.server.make_url("/away").with_query(to=target)
    assert (await failure(str(url))).code == 480


async def test_a_body_cut_short_is_a_failed_download(host: ImageHost) -> None:
    """Half an image is no image."""
    assert (await failure(host.url("/cut"))).code == 480


async def test_a_host_that_does_not_listen_is_a_failed_download() -> None:
    """No connection."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        error = await failure(f"http://127.0.0.1:{taken.getsockname()[1]}/a.png")
    assert error.code == 480
    assert error.message == "DOWNLOAD_FAILED: no connection to its host"
    assert error.transient


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:99999/a.png", f"http://{'a' * 64}.example/a.png", "http://", "a.png"]
)
async def test_a_url_that_leads_nowhere_is_a_bad_request(url: str) -> None:
    """Such a host name is impossible."""
    assert (await failure(url)).code == 400


async def test_waiting_for_a_connection_is_not_the_images_fault(
    host: ImageHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wait for a connection does not count as time, and connections are bounded."""
    monkeypatch.setattr(download, "CONNECTIONS", 2)
    async with Downloader(timeout=0.2) as downloader:
        fetches = (fetched(downloader, host.url("/size/1")) for _ in range(40))
        assert await asyncio.gather(*fetches) == [b"\0"] * 40
    assert host.most_at_once == 2


async def test_one_requests_slow_images_leave_connections_to_another(
    host: ImageHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next connection goes to the request with the fewest, not to ninety earlier images."""
    monkeypatch.setattr(download, "CONNECTIONS", 3)
    async with Downloader(timeout=0.05) as downloader, asyncio.TaskGroup() as group:
        slow = [group.create_task(late(downloader, host, "slow")) for _ in range(30)]
        await asyncio.sleep(0)
        async with downloader.fetch(host.url("/size/1"), "quick") as data:
            assert data == b"\0"
        assert sum(each.done() for each in slow) <= 3


async def late(downloader: Downloader, host: ImageHost, owner: str) -> None:
    """An image that comes too late."""
    with pytest.raises(APIError):
        async with downloader.fetch(host.url("/slow/body"), owner):
            pass


async def test_many_downloads_leave_the_loop_its_turns(host: ImageHost) -> None:
    """Downloads begin one by one, each in its own turn of the loop."""
    turn, begun = 0, list[int]()

    class Noting(Downloader):
        def _socket(self, address_info: tuple[Any, ...]) -> socket.socket:
            begun.append(turn)
            return super()._socket(address_info)

    async with Noting() as downloader:
        fetches = asyncio.gather(*(fetched(downloader, host.url("/size/1")) for _ in range(60)))
        while not fetches.done():
            await asyncio.sleep(0)
            turn += 1
        assert await fetches == [b"\0"] * 60
    assert max(map(begun.count, begun)) <= 2


async def test_images_that_wait_to_be_read_do_not_fill_the_memory(
    host: ImageHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other images wait for free memory, and this wait makes no image late."""
    monkeypatch.setattr(download, "MAX_HELD_BYTES", 250_000)
    held, most = 0, 0

    async def hold(path: str) -> int:
        nonlocal held, most
        async with downloader.fetch(host.url(path)) as data:
            held += len(data)
            most = max(most, held)
            await asyncio.sleep(0.03)
            held -= len(data)
            return len(data)

    async with Downloader(timeout=0.2, max_bytes=100_000) as downloader:
        paths = ["/size/100000", "/stream/100000", "/size/10"] * 8
        sizes = await asyncio.gather(*(hold(path) for path in paths))
    assert sizes == [100_000, 100_000, 10] * 8
    assert 200_000 <= most <= 250_000


async def test_an_image_that_announces_nothing_gives_back_what_it_did_not_need(
    host: ImageHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory for the largest image is reserved until the real size is known."""
    monkeypatch.setattr(download, "MAX_HELD_BYTES", 150_000)
    async with Downloader(max_bytes=100_000) as downloader, AsyncExitStack() as held:
        for _ in range(10):
            await held.enter_async_context(downloader.fetch(host.url("/stream/5000")))
        assert await fetched(downloader, host.url("/size/50000")) == bytes(50_000)


async def test_a_failed_download_gives_its_memory_back(
    host: ImageHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No kind of failure leaks memory."""
    monkeypatch.setattr(download, "MAX_HELD_BYTES", 100_000)
    async with Downloader(max_bytes=100_000, timeout=0.05) as downloader:
        for path in ("/cut", "/stream/100001", "/slow/body", "/status/500") * 3:
            with pytest.raises(APIError):
                await fetched(downloader, host.url(path))
        cancelled = asyncio.create_task(fetched(downloader, host.url("/slow/body")))
        await asyncio.sleep(0.02)
        cancelled.cancel()
        await asyncio.wait([cancelled])
        assert await fetched(downloader, host.url("/size/100000")) == bytes(100_000)


async def test_a_failure_names_no_url(host: ImageHost) -> None:
    """The query of a signed URL is a key to the image."""
    error = await failure(host.url("/status/500?signature=secret"))
    assert "secret" not in f"{error} {error!r}"
    assert "127.0.0.1" not in str(error)


async def test_nothing_is_left_behind(host: ImageHost) -> None:
    """Cancelled in the middle, a download leaves no connection and no task."""
    before = asyncio.all_tasks()
    async with Downloader() as downloader:
        fetch = asyncio.create_task(fetched(downloader, host.url("/slow/body")))
        await asyncio.sleep(0.03)
        fetch.cancel()
        with pytest.raises(asyncio.CancelledError):
            await fetch
    await asyncio.sleep(0.02)
    assert asyncio.all_tasks() == before


async def test_a_downloader_that_was_not_opened_says_so() -> None:
    """Wrong use raises another error than a failed download."""
    with pytest.raises(RuntimeError, match="async with"):
        await fetched(Downloader(), "http://127.0.0.1/a.png")
