"""Sends signed requests to an emulator over a real socket."""

from __future__ import annotations

import asyncio
import io
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
import attrs
import msgspec

from aliocr.emulator import Emulator
from aliocr.protocol import signing

SCAN = "/green/image/scan"
PATIENCE = 10.0
"""Seconds for what should happen at once; whatever it must not wait for takes longer."""

IMAGE = "https://example.com/a.png"


@attrs.frozen
class Heard:
    """An HTTP reply as received."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The body."""
        found: dict[str, Any] = msgspec.json.decode(self.body)
        return found

    @property
    def data(self) -> list[dict[str, Any]]:
        """The answers, one by one."""
        found: list[dict[str, Any]] = self.json["data"]
        return found

    @property
    def codes(self) -> list[int]:
        """The answers' codes."""
        return [answer["code"] for answer in self.data]


def body_of(*urls: str, **fields: Any) -> bytes:
    """Return a request's body for URLs, with data ids d0, d1, … in order."""
    tasks = [{"dataId": f"d{number}", "url": url} | fields for number, url in enumerate(urls)]
    return msgspec.json.encode({"scenes": ["ocr"], "tasks": tasks})


def sign(emulator: Emulator, body: bytes, nonce: str = "") -> dict[str, str]:
    """Return the headers of a good request, signed now."""
    return signing.signed_headers(
        body, emulator.credentials, timestamp=time.time(), nonce=nonce or str(uuid.uuid4())
    )


def port_of(emulator: Emulator) -> int:
    """Return the emulator's port, also after the stop."""
    return int(emulator.url.rpartition(":")[2])


async def send(
    emulator: Emulator,
    body: bytes,
    headers: Mapping[str, str],
    *,
    path: str = SCAN,
    method: str = "POST",
    session: aiohttp.ClientSession | None = None,
) -> Heard:
    """Send this request as it is, and read the whole reply."""
    if session is None:
        async with aiohttp.ClientSession() as own:
            return await send(emulator, body, headers, path=path, method=method, session=own)
    url = emulator.url + path
    async with session.request(method, url, data=io.BytesIO(body), headers=headers) as response:
        return Heard(response.status, response.headers, await response.read())


async def ask(
    emulator: Emulator, *urls: str, session: aiohttp.ClientSession | None = None
) -> Heard:
    """Send a good request for URLs, or for one image by default."""
    body = body_of(*(urls or (IMAGE,)))
    return await send(emulator, body, sign(emulator, body), session=session)


async def until(claim: Callable[[], object]) -> None:
    """Wait until a condition holds; the test's timeout limits the wait."""
    while not claim():  # noqa: ASYNC110 (threads and sockets set no event of the loop)
        await asyncio.sleep(0.001)


async def arrived(emulator: Emulator, count: int) -> None:
    """Wait until this many requests have been assigned to an account."""
    await until(lambda: sum(call.account is not None for call in emulator.calls) >= count)


async def gone(before: set[asyncio.Task[Any]]) -> None:
    """Wait until only these tasks are left."""
    await until(lambda: asyncio.all_tasks() == before)
