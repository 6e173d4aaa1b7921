"""The service on this machine: the emulator with its engine, and files served to it on loopback."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import attrs
from aiohttp import web

from aliocr.emulator import Emulator
from aliocr.emulator.engine import RapidOCREngine
from aliocr.emulator.reading.download import MAX_BYTES
from aliocr.limits import Limits
from aliocr.models import Outcome
from aliocr.pictures.bounds import PictureError
from aliocr.pictures.picture import FrameCount, count_frames
from aliocr.session import Session

AHEAD = 2
"""Pictures under way for each processor: one being read, one fetched meanwhile."""


class Turns:
    """The limiter of a service that has no rate, only hands: so many pictures under way."""

    def __init__(self, most: int) -> None:
        self._free = asyncio.Semaphore(most)

    async def acquire(self) -> None:
        """Wait for a free hand."""
        await self._free.acquire()

    def done(self) -> None:
        """One picture is read."""
        self._free.release()


@attrs.define
class Files:
    """Serves files that were asked for, each under an address that nobody can guess."""

    url: str = ""
    _paths: dict[str, Path] = attrs.field(factory=dict)

    def serve(self, path: Path) -> str:
        """The URL of a file, good until `forget`."""
        token = secrets.token_urlsafe(16)
        self._paths[token] = path
        return f"{self.url}/{token}/{quote(os.fsencode(path.name))[-1500:]}"

    def forget(self, url: str) -> None:
        """Serve it no more."""
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
class Local:
    """An open session on the local service, which reads files too."""

    session: Session
    _files: Files
    _turns: Turns

    def serve(self, path: Path) -> str:
        """The URL to read a file by."""
        return self._files.serve(path)

    def done(self, outcome: Outcome) -> None:
        """One picture is read: another may take its place."""
        self._turns.done()
        self._files.forget(outcome.image.url)

    def frames_of(self, path: Path) -> FrameCount | None:
        """How many frames a picture has, by a look into it; None for what will not be read."""
        try:
            return count_frames(path.read_bytes()) if path.stat().st_size <= MAX_BYTES else None
        except (OSError, PictureError):
            return None


@asynccontextmanager
async def local_service() -> AsyncIterator[Local]:
    """Run all of it.

    Raises:
        ImportError: The extra `emulator` is missing; the message says how to get it.
    """
    files = Files()
    app = web.Application()
    app.router.add_get(r"/{token}/{name:[\s\S]*}", files.handle)  # a name may have line breaks
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        files.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        turns = Turns(AHEAD * (os.cpu_count() or 1))
        # A slow machine is not a fault: no rate, no deadline. One picture a request, so that each
        # is shown as soon as it is read.
        async with (
            Emulator(RapidOCREngine, requests_per_second=None, deadline=None) as emulator,
            Session(
                credentials=emulator.credentials,
                endpoint=emulator.url,
                limits=Limits(images_per_request=1),
                limiter=turns,
                timeout=None,
                max_retries=0,
            ) as session,
        ):
            yield Local(session, files, turns)
    finally:
        await runner.cleanup()
