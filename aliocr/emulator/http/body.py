"""Reads whole request bodies within a time limit."""

from __future__ import annotations

import asyncio

from aiohttp import web
from aiohttp.http import HttpProcessingError

BODY_TIMEOUT = 6.0
"""Maximum time for a body to arrive, in seconds. Reason: without a limit aiohttp would wait for the
rest of a malformed chunked body until the client leaves."""

MALFORMED = (web.RequestPayloadError, HttpProcessingError)
"""Exceptions for a malformed body. The second is raised if aiohttp has no compiled parser."""


class BodyError(Exception):
    """A body that could not be read completely; `status` is the HTTP status of the answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


async def read_body(request: web.Request) -> bytes:
    """Return the whole body; raise `BodyError` if the body is late, too large or malformed."""
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            return await request.read()
    except TimeoutError:
        words = f"request body did not arrive within {BODY_TIMEOUT:g} s"
        raise BodyError(408, words) from None
    except web.HTTPRequestEntityTooLarge:
        raise BodyError(413, "request body is too large") from None
    except MALFORMED:
        raise BodyError(400, "request body is malformed") from None
