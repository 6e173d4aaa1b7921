"""The backend on this machine: the emulator with its engine, and files served to it on loopback."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import attrs
from aiohttp import web

from aliocr.cli.frame_choice import ALL, FIRST, FrameChoice
from aliocr.cli.sources import Source
from aliocr.emulator import Emulator
from aliocr.emulator.engine import RapidOCREngine
from aliocr.emulator.reading.download import MAX_BYTES
from aliocr.limits import Limits
from aliocr.models import Image, Outcome
from aliocr.pictures.picture import FrameCount, count_frames
from aliocr.pictures.size_limits import PictureError
from aliocr.session import Session

AHEAD = 2
"""Pictures in flight for each processor: one is read, while the next is fetched."""


class ConcurrencyLimiter:
    """A limiter without a rate, which bounds the number of pictures in flight."""

    def __init__(self, most: int) -> None:
        self._free = asyncio.Semaphore(most)

    async def acquire(self) -> None:
        """Wait until one picture more may be read."""
        await self._free.acquire()

    def done(self) -> None:
        """Make room for another picture."""
        self._free.release()


@attrs.define
class FileServer:
    """Serves single files, each at an address that cannot be guessed."""

    url: str = ""
    _paths: dict[str, Path] = attrs.field(factory=dict)

    def serve(self, path: Path) -> str:
        """Return the URL of a file, valid until `forget`."""
        token = secrets.token_urlsafe(16)
        self._paths[token] = path
        return f"{self.url}/{token}/{quote(os.fsencode(path.name))[-1500:]}"

    def forget(self, url: str) -> None:
        """Stop serving a file; other URLs are ignored."""
        self._paths.pop(url.removeprefix(self.url).split("/")[1], None)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one download."""
        path = self._paths.get(request.match_info["token"])
        if path is None or not path.is_file():
            raise web.HTTPNotFound
        if not os.access(path, os.R_OK):
            raise web.HTTPForbidden
        return web.FileResponse(path)


@attrs.frozen
class LocalBackend:
    """This machine, which reads files, too; has the methods of `RemoteBackend`."""

    session: Session
    _frames: FrameChoice | None
    _files: FileServer
    _limiter: ConcurrencyLimiter

    def image_of(self, source: Source) -> tuple[Image, FrameCount | None]:
        """Return the image of a source, at an address of this machine if it is a file."""
        if source.path is None:
            return (self._frames or ALL).image(source.name), None
        counted = None
        with suppress(OSError, PictureError):  # errors of the file show when it is read
            if source.path.stat().st_size <= MAX_BYTES:
                counted = count_frames(source.path.read_bytes())
        # All frames that can be read, since they cost nothing.
        default = FIRST if counted and not counted.readable else ALL
        return (self._frames or default).image(self._files.serve(source.path)), counted

    def done(self, outcome: Outcome) -> None:
        """Make room for another picture, and stop serving this one."""
        self._limiter.done()
        self._files.forget(outcome.image.url)


@asynccontextmanager
async def open_local(frames: FrameChoice | None) -> AsyncIterator[LocalBackend]:
    """Run the file server, the emulator and a session for the block."""
    files = FileServer()
    app = web.Application()
    app.router.add_get(r"/{token}/{name:[\s\S]*}", files.handle)  # a name may have line breaks
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        files.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        limiter = ConcurrencyLimiter(AHEAD * (os.cpu_count() or 1))
        # A slow machine is no error: no rate, no deadline. One picture a request, so that each
        # is shown as soon as it is read.
        async with (
            Emulator(RapidOCREngine, requests_per_second=None, deadline=None) as emulator,
            Session(
                credentials=emulator.credentials,
                endpoint=emulator.url,
                limits=Limits(images_per_request=1),
                limiter=limiter,
                timeout=None,
                max_retries=0,
            ) as session,
        ):
            yield LocalBackend(session, frames, files, limiter)
    finally:
        await runner.cleanup()
