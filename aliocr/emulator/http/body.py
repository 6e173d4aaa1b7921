"""Request bodies: read as a whole, within a time limit."""

from __future__ import annotations

import asyncio

from aiohttp import web
from aiohttp.http import HttpProcessingError

BODY_TIMEOUT = 6.0
"""Seconds that a body may take to arrive. aiohttp alone would wait for the rest of a malformed
chunked body for as long as the client stays."""

MALFORMED = (web.RequestPayloadError, HttpProcessingError)
"""Raised for a malformed body; the second where aiohttp has no compiled parser."""


class BodyError(Exception):
    """A body that did not arrive as a whole, with the HTTP status for it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


async def read_body(request: web.Request) -> bytes:
    """Return the whole body of a request; `BodyError` if it is late, too large or malformed."""
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
