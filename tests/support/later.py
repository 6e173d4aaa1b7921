"""Submits images to an emulator, asks for results, and receives callbacks."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.test_utils import TestServer

from aliocr.credentials import Credentials
from aliocr.emulator import Emulator
from aliocr.protocol import signing
from aliocr.protocol.async_wire import encode_results_request
from tests.support.asking import IMAGE, Heard, body_of, send, until


async def post(
    emulator: Emulator, path: str, body: bytes, credentials: Credentials | None = None
) -> Heard:
    """Send a well signed request."""
    headers = signing.signed_headers(
        body,
        credentials or emulator.credentials,
        timestamp=time.time(),
        nonce=str(uuid.uuid4()),
        path=path,
    )
    return await send(emulator, body, headers, path=path)


async def submit(emulator: Emulator, *urls: str, **fields: Any) -> Heard:
    """Submit images with data ids d0, d1, …, with more fields of the request."""
    body = msgspec.json.decode(body_of(*(urls or (IMAGE,)))) | fields
    return await post(emulator, signing.ASYNC_SCAN_PATH, msgspec.json.encode(body))


async def submitted(emulator: Emulator, *urls: str, **fields: Any) -> list[str]:
    """Submit images that are accepted, and return their task ids."""
    return [item["taskId"] for item in (await submit(emulator, *urls, **fields)).data]


async def results(
    emulator: Emulator, task_ids: Sequence[str], credentials: Credentials | None = None
) -> Heard:
    """Ask for results once."""
    return await post(emulator, signing.RESULTS_PATH, encode_results_request(task_ids), credentials)


async def finished(emulator: Emulator, task_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Ask for results until none is unfinished; the test's timeout limits the wait."""
    while True:
        heard = await results(emulator, task_ids)
        if 280 not in heard.codes:
            return heard.data
        await asyncio.sleep(0.001)


class Receiver:
    """Receives callbacks, and answers with the next of `statuses`, then with 200.

    Attributes:
        bodies: The bodies as they came, oldest first.
        types: Their content types.
        forms: Their fields.
        redirected: How many of them followed a redirect.
        url: The address.
    """

    def __init__(self, *statuses: int) -> None:
        self._statuses = list(statuses)
        self.bodies: list[bytes] = []
        self.types: list[str] = []
        self.forms: list[dict[str, str]] = []
        self.redirected = 0
        self.url = ""

    async def receive(self, request: web.Request) -> web.Response:
        """Take one callback."""
        self.bodies.append(await request.read())
        self.types.append(request.headers["Content-Type"])
        self.forms.append({name: str(value) for name, value in (await request.post()).items()})
        status = self._statuses.pop(0) if self._statuses else 200
        self.redirected += "moved" in request.query
        moved = {"Location": f"{self.url}?moved"} if status == 307 else {}
        return web.Response(status=status, headers=moved)

    async def came(self, number: int) -> None:
        """Wait until so many callbacks have come."""
        await until(lambda: len(self.forms) >= number)


@asynccontextmanager
async def receiving(*statuses: int) -> AsyncIterator[Receiver]:
    """Serve a receiver."""
    receiver = Receiver(*statuses)
    app = web.Application()
    app.router.add_post("/cb", receiver.receive)
    async with TestServer(app) as server:
        receiver.url = str(server.make_url("/cb"))
        yield receiver
