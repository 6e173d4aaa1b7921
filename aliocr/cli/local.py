"""The backend on this machine: the emulator with its engine, and a file server on loopback."""

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
from aliocr.emulator.content import FRAME_FIELDS
from aliocr.emulator.engine import RapidOCREngine
from aliocr.emulator.reading.download import MAX_BYTES
from aliocr.limits import Limits
from aliocr.models import Image, Outcome
from aliocr.pictures.picture import FrameCount, count_frames
from aliocr.pictures.size_limits import PictureError
from aliocr.session import Session

AHEAD = 2
"""Number of pictures in flight per processor: while one is read, the next one is fetched."""


class ConcurrencyLimiter:
    """Limits the number of pictures in flight, but not their rate."""

    def __init__(self, most: int) -> None:
        self._free = asyncio.Semaphore(most)

    async def acquire(self) -> None:
        """Wait until one more picture may be read."""
        await self._free.acquire()

    def done(self) -> None:
        """Make room for another picture."""
        self._free.release()


@attrs.define
class FileServer:
    """Serves single files, each at a URL that cannot be guessed."""

    url: str = ""
    _paths: dict[str, Path] = attrs.field(factory=dict)

    def serve(self, path: Path) -> str:
        """Return a URL of a file; the URL is valid until `forget` is called."""
        token = secrets.token_urlsafe(16)
        self._paths[token] = path
        return f"{self.url}/{token}/{quote(os.fsencode(path.name))[-1500:]}"

    def forget(self, url: str) -> None:
        """Stop serving the file at a URL; ignore a URL of another server."""
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
    """This machine, which also reads files; has the same methods as `RemoteBackend`."""

    session: Session
    _frames: FrameChoice | None
    _files: FileServer
    _limiter: ConcurrencyLimiter

    def image_of(self, source: Source) -> tuple[Image, FrameCount | None]:
        """Return the image of a source, and its frame count if the source is a file.

        The call blocks while it reads the file. The image of a file has a URL of this machine.
        """
        if source.path is None:
            return (self._frames or ALL).image(source.name), None
        counted = None
        with suppress(OSError, PictureError):  # the engine reports these errors later
            if source.path.stat().st_size <= MAX_BYTES:
                counted = count_frames(source.path.read_bytes())
        # By default read all frames, because they cost nothing. If all frames together have too
        # many pixels, read only the first frame.
        default = FIRST if counted and not counted.readable else ALL
        return (self._frames or default).image(self._files.serve(source.path)), counted

    def done(self, outcome: Outcome) -> None:
        """Make room for another picture, and stop serving this picture."""
        self._limiter.done()
        self._files.forget(outcome.image.url)


LASTING = tuple(field for field in FRAME_FIELDS if field != "url")
"""Fields of frames, without the address, which is valid only while the emulator runs."""


@asynccontextmanager
async def open_local(frames: FrameChoice | None) -> AsyncIterator[LocalBackend]:
    """Run the file server, the emulator and a session during the block."""
    files = FileServer()
    app = web.Application()
    app.router.add_get(r"/{token}/{name:[\s\S]*}", files.handle)  # names may contain line breaks
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        files.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        limiter = ConcurrencyLimiter(AHEAD * (os.cpu_count() or 1))
        # Set no maximum rate and no deadline, because a slow machine must not cause errors. Send
        # one picture per request, so that each result is shown as soon as its picture is read.
        async with (
            Emulator(
                RapidOCREngine,
                requests_per_second=None,
                deadline=None,
                frame_fields=LASTING,
                whole_pictures=True,
            ) as emulator,
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
