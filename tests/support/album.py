"""A host of pictures and an engine that reads them, both controlled by the test."""

from __future__ import annotations

import asyncio
import io
import threading
from pathlib import Path
from typing import Any, Self

from aiohttp import web
from aiohttp.test_utils import TestServer
from PIL import Image

from aliocr.emulator import Emulator
from aliocr.emulator.engine import Recognized

SAMPLES = Path(__file__).parents[1] / "samples"


def plain(width: int) -> bytes:
    """A black PNG of this width."""
    buffer = io.BytesIO()
    Image.new("RGB", (width, 10)).save(buffer, "PNG")
    return buffer.getvalue()


class Album:
    """A host of pictures whose name is their width, and an engine that reads the width.

    Runs within its `async with` block. The engine waits while `gate` is closed. `served` are the
    widths downloaded, `begun` the widths given to the engine, `read` the widths it has read, each
    in order; `stalled` counts the downloads of `/slow`.
    """

    def __init__(self) -> None:
        app = web.Application()
        app.router.add_get("/width/{width}", self._picture)
        app.router.add_get("/sample/{name}", self._sample)
        app.router.add_get("/slow", self._slow)
        app.router.add_get("/posted/{name}", self._posted)
        self.server = TestServer(app)
        self.gate = threading.Event()
        self.gate.set()
        self.served: list[int] = []
        self.stalled = 0
        self._files: dict[str, tuple[bytes, str]] = {}
        self.begun: list[int] = []
        self.read: list[int] = []

    async def __aenter__(self) -> Self:
        await self.server.start_server()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.gate.set()
        await self.server.close()

    def emulator(self, **options: Any) -> Emulator:
        """An emulator with this engine and no rate limit."""
        return Emulator(lambda: self, requests_per_second=None, **options)

    def url(self, path: str) -> str:
        """The address of one of its pictures."""
        return str(self.server.make_url(path))

    def post(self, data: bytes, name: str = "a.png", content_type: str = "image/png") -> str:
        """Serve these bytes from now on; return their address."""
        path = f"{len(self._files)}-{name}"
        self._files[path] = (data, content_type)
        return self.url(f"/posted/{path}")

    def recognize(self, picture: Image.Image) -> tuple[Recognized, ...]:
        """The engine: the width as text; no text in a picture 1 pixel wide."""
        self.begun.append(picture.width)
        assert self.gate.wait(10)
        self.read.append(picture.width)
        text = f"{picture.width} wide"
        return (Recognized(text, 0, 0, picture.width, 1, 1.0),) if picture.width > 1 else ()

    async def _picture(self, request: web.Request) -> web.Response:
        width = int(request.match_info["width"])
        self.served.append(width)
        return web.Response(body=plain(width))

    async def _sample(self, request: web.Request) -> web.FileResponse:
        return web.FileResponse(SAMPLES / request.match_info["name"])

    async def _posted(self, request: web.Request) -> web.Response:
        body, content_type = self._files[request.match_info["name"]]
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def _slow(self, _: web.Request) -> web.Response:
        self.stalled += 1
        await asyncio.Event().wait()
        return web.Response()
