"""Peers without a library for the service: thirty lines of code on top of an HTTP client."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Awaitable, Callable, Iterator, Sequence
from email.utils import formatdate
from typing import Any

from benchmarks.peers.contract import IN_FLIGHT, Note, absent, batches
from benchmarks.tally import CREDENTIALS

PATH = "/green/image/scan"


def _request(images: Sequence[str]) -> tuple[bytes, dict[str, str]]:
    """Return the body and the signed headers of a request."""
    tasks = [{"dataId": str(uuid.uuid4()), "url": image} for image in images]
    body = json.dumps({"scenes": ["ocr"], "tasks": tasks}).encode()
    headers = {
        "Accept": "application/json",
        "Content-MD5": base64.b64encode(hashlib.md5(body).digest()).decode(),  # noqa: S324
        "Content-Type": "application/json",
        "Date": formatdate(usegmt=True),
        "x-acs-signature-method": "HMAC-SHA1",
        "x-acs-signature-nonce": str(uuid.uuid4()),
        "x-acs-signature-version": "1.0",
        "x-acs-version": "2018-05-09",
    }
    first, custom = list(headers.items())[:4], list(headers.items())[4:]
    lines = ["POST", *(value for _, value in first), *(f"{n}:{value}" for n, value in custom), PATH]
    secret = CREDENTIALS.access_key_secret.encode()
    signature = base64.b64encode(hmac.digest(secret, "\n".join(lines).encode(), "sha1")).decode()
    return body, headers | {"Authorization": f"acs {CREDENTIALS.access_key_id}:{signature}"}


async def _all(
    ask: Callable[[bytes, dict[str, str]], Awaitable[Any]],
    requests: Iterator[list[str]],
    note: Note,
    in_flight: int,
) -> None:
    async def work() -> None:
        for batch in requests:
            reply = await ask(*_request(batch))
            read = [answer for answer in reply["data"] if answer["code"] == 200]
            note(len(read), read)

    await asyncio.gather(*(work() for _ in range(in_flight)))


class AiohttpByHand:
    """aiohttp with its default options. Replies are dictionaries."""

    name = "aiohttp by hand"
    imports = "import aiohttp"

    def missing(self) -> None:
        """Return None, because aliocr depends on aiohttp."""

    async def read_images(
        self,
        url: str,
        images: Iterator[str],
        note: Note,
        *,
        per_request: int = 100,
        in_flight: int = IN_FLIGHT,
    ) -> None:
        """Read all images; see `Peer`."""
        import aiohttp

        async with aiohttp.ClientSession() as client:

            async def ask(body: bytes, headers: dict[str, str]) -> Any:
                async with client.post(url + PATH, data=body, headers=headers) as response:
                    return await response.json()

            await _all(ask, batches(images, per_request), note, in_flight)


class HttpxByHand:
    """httpx with its default options. Replies are dictionaries."""

    name = "httpx by hand"
    imports = "import httpx"

    def missing(self) -> str | None:
        """Return a sentence if httpx is not installed, otherwise None."""
        return absent(self.name, "httpx")

    async def read_images(
        self,
        url: str,
        images: Iterator[str],
        note: Note,
        *,
        per_request: int = 100,
        in_flight: int = IN_FLIGHT,
    ) -> None:
        """Read all images; see `Peer`."""
        import httpx

        async with httpx.AsyncClient(trust_env=False) as client:

            async def ask(body: bytes, headers: dict[str, str]) -> Any:
                return (await client.post(url + PATH, content=body, headers=headers)).json()

            await _all(ask, batches(images, per_request), note, in_flight)
