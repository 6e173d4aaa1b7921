"""A slow name lookup delays only the images of that host."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from aliocr.emulator.reading import resolver
from aliocr.emulator.reading.download import Downloader
from aliocr.errors import APIError
from tests.support.asking import PATIENCE, until


class Directory:
    """Stands for the system's name service, and for a host of images that it knows.

    Names that end in `slow.example` are not answered before `gate` is open, and then not known.
    """

    def __init__(self) -> None:
        app = web.Application()
        app.router.add_get("/a.png", self._picture)
        self.server = TestServer(app)
        self.gate = threading.Event()
        self.at_once = self.most_at_once = 0
        self._system = socket.getaddrinfo
        self._lock = threading.Lock()

    def look_up(self, host: Any, *rest: Any, **more: Any) -> Any:
        """In place of `socket.getaddrinfo`."""
        if not str(host).endswith(".example"):
            return self._system(host, *rest, **more)
        with self._lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if host.endswith("slow.example"):
                self.gate.wait()
                raise socket.gaierror(socket.EAI_NONAME, "not known")
            return self._system("127.0.0.1", *rest, **more)
        finally:
            with self._lock:
                self.at_once -= 1

    def url(self, host: str) -> str:
        """The address of the image."""
        return f"http://{host}:{self.server.port}/a.png"

    async def _picture(self, _: web.Request) -> web.Response:
        return web.Response(body=b"picture")


@pytest.fixture
async def directory(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Directory]:
    """A running one; its gate is opened in the end."""
    found = Directory()
    await found.server.start_server()
    monkeypatch.setattr(socket, "getaddrinfo", found.look_up)
    yield found
    found.gate.set()
    await until(lambda: not found.at_once)
    await found.server.close()


async def fetched(downloader: Downloader, url: str, owner: str = "") -> bytes | int | str:
    """The image, or the code of the failure."""
    try:
        async with downloader.fetch(url, owner) as data:
            return data
    except APIError as error:
        return error.code


async def test_slow_names_keep_no_other_image_waiting(directory: Directory) -> None:
    """However many there are, a name that is known at once is found at once."""
    async with Downloader(timeout=PATIENCE) as downloader, asyncio.TaskGroup() as group:
        slow = [
            group.create_task(fetched(downloader, directory.url(f"{number}.slow.example")))
            for number in range(100)
        ]
        await until(lambda: directory.at_once == 100)
        assert await fetched(downloader, directory.url("fast.example")) == b"picture"
        assert not any(each.done() for each in slow)
        directory.gate.set()
    assert {each.result() for each in slow} == {480}


async def test_a_name_that_is_not_answered_in_time_is_late(directory: Directory) -> None:
    """The lookup counts as the image's time."""
    async with Downloader(timeout=0.03) as downloader:
        assert await fetched(downloader, directory.url("slow.example")) == 592


async def test_who_waits_to_look_a_name_up_is_not_late(
    directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threads are bounded: abandoned lookups keep theirs; other images wait with a paused clock.

    The next thread goes to the owner with the fewest, not to the earliest image.
    """
    monkeypatch.setattr(resolver, "LOOKUPS", 3)
    async with Downloader(timeout=0.2) as downloader, asyncio.TaskGroup() as group:
        slow = [
            group.create_task(fetched(downloader, directory.url(f"{number}.slow.example"), "slow"))
            for number in range(20)
        ]
        await until(lambda: directory.at_once == 3)
        fast = group.create_task(fetched(downloader, directory.url("fast.example"), "fast"))
        # Whoever waits has by then waited as long as an image may take.
        await until(lambda: sum(each.done() for each in slow) == 3)
        await asyncio.sleep(0.02)
        assert not fast.done()
        assert directory.at_once == 3
        directory.gate.set()
        assert await fast == b"picture"
    assert [each.result() for each in slow] == [592] * 3 + [480] * 17
    assert directory.most_at_once == 3


async def test_what_was_given_up_is_looked_up_for_those_who_stay(
    directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that leaves while it waits for a thread does not fail others with the same name."""
    monkeypatch.setattr(resolver, "LOOKUPS", 1)
    async with Downloader(timeout=PATIENCE) as downloader, asyncio.TaskGroup() as group:
        group.create_task(fetched(downloader, directory.url("slow.example")))
        await until(lambda: directory.at_once)
        leaves, stays = (
            asyncio.create_task(fetched(downloader, directory.url("fast.example"), owner))
            for owner in ("leaves", "stays")
        )
        await asyncio.sleep(0.01)
        leaves.cancel()
        await asyncio.wait([leaves])
        directory.gate.set()
        assert await stays == b"picture"


async def test_leaving_waits_for_no_lookup(directory: Directory) -> None:
    """The system may take half a minute, and cannot be interrupted."""
    before = asyncio.all_tasks()
    async with Downloader(timeout=PATIENCE) as downloader:
        slow = asyncio.create_task(fetched(downloader, directory.url("slow.example")))
        await until(lambda: directory.at_once)
        slow.cancel()
        await asyncio.wait([slow])
    assert directory.at_once == 1
    await until(lambda: asyncio.all_tasks() == before)


async def test_without_threads_a_name_is_not_known(
    directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The image fails, its place is free again, and the next one is found."""
    monkeypatch.setattr(resolver, "LOOKUPS", 1)

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    async with Downloader() as downloader:
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuse)
            assert await fetched(downloader, directory.url("other.example")) == 480
        assert await fetched(downloader, directory.url("fast.example")) == b"picture"
