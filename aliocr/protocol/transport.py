"""One signed POST under one deadline; aiohttp's errors become ours.

What matters of a network failure is whether the service may have acted on the request: an image
whose request never left is free to go again, any other may be charged twice.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

import aiohttp
import attrs

from aliocr.credentials import Credentials
from aliocr.errors import OCRError, ScanTimeoutError, TransportError
from aliocr.protocol import signing
from aliocr.version import __version__

CONNECT_TIMEOUT = 3.0
"""Seconds to reach the service. Source: the vendor's samples for this operation."""

KEEPALIVE_TIMEOUT = 4.0
"""Seconds an idle connection is kept. Fronts of this vendor have been seen to drop idle ones after
about 10 s, and a POST on a dropped connection is lost without aiohttp sending it again."""


MAX_ANSWER = 64 * 1024 * 1024
"""Bytes of an answer, at most: a hundred times what 100 images full of text need."""


@attrs.frozen
class Answer:
    """Whatever came back, unread.

    Args:
        status: HTTP status.
        body: The whole body.
        date: The `Date` header, None if there was none.
        retry_after: Seconds after which to ask again, as the service said; None if it did not.
    """

    status: int
    body: bytes = attrs.field(repr=False)
    date: str | None
    retry_after: float | None


class Transport:
    """Signs and sends; knows nothing of images.

    Args:
        base_url: Scheme and host, no path.
        timeout: Seconds for one request, from connecting to the last byte of the answer; None for
            no limit.
        http: An `aiohttp.ClientSession` to use and leave open; None for one of its own.
    """

    def __init__(
        self, base_url: str, *, timeout: float | None, http: aiohttp.ClientSession | None
    ) -> None:
        self._url = base_url + signing.SCAN_PATH
        self._timeout = aiohttp.ClientTimeout(
            total=timeout,
            sock_connect=CONNECT_TIMEOUT,
            # aiohttp rounds timeouts above 5 s up to a whole second of the loop's clock, unless
            # told not to; beside the service's own 6 s that decides who gives up first.
            ceil_threshold=math.inf,
        )
        self._theirs = http
        self._own: aiohttp.ClientSession | None = None
        self._clock_offset = 0.0

    async def open(self) -> None:
        """Make the connection pool, on the running loop."""
        if self._theirs is None:
            self._own = aiohttp.ClientSession(
                # The limiter decides how many requests are under way. A bound here would make
                # them wait inside their deadline, after their date was signed.
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEPALIVE_TIMEOUT),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": f"aliocr/{__version__}", "Accept-Encoding": "identity"},
            )

    async def close(self) -> None:
        """Close the pool, if it is ours."""
        if self._own is not None:
            await self._own.close()

    async def post(self, body: bytes, credentials: Credentials) -> Answer:
        """Send one body, signed as of now, and read the whole answer, whatever it is.

        Raises:
            ScanTimeoutError: No connection, or no whole answer, in time.
            TransportError: Anything else between here and there.
        """
        http = self._theirs or self._own
        if http is None:
            raise RuntimeError("the transport is not open")
        if http.closed:
            raise TransportError("the aiohttp.ClientSession that was given as http= is closed")
        headers = signing.signed_headers(
            body,
            credentials,
            timestamp=time.time() + self._clock_offset,
            nonce=os.urandom(16).hex(),
        )
        try:
            return await self._exchange(http, body, headers)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            failed = _ours(error)
        # Not in the handler: aiohttp's error holds the signed headers, so it goes with nobody.
        raise failed

    async def _exchange(
        self, http: aiohttp.ClientSession, body: bytes, headers: dict[str, str]
    ) -> Answer:
        async with http.post(
            self._url,
            data=body,
            headers=headers,
            timeout=self._timeout,
            # A signature is good for one address; elsewhere it has no business.
            allow_redirects=False,
            # A refusal says why in its body, whatever the session's owner does with his own.
            raise_for_status=False,
        ) as response:
            pieces, size = [], 0
            async for piece in response.content.iter_any():
                pieces.append(piece)
                size += len(piece)
                if size > MAX_ANSWER:
                    raise aiohttp.ClientPayloadError(f"the answer is over {MAX_ANSWER} bytes")
            return Answer(
                response.status,
                b"".join(pieces),
                response.headers.get("Date"),
                _retry_after(response.headers),
            )

    def set_clock(self, date: str | None) -> bool:
        """Sign by the service's clock from now on; False if `date` says nothing."""
        try:
            there = parsedate_to_datetime(date or "").timestamp()
        except (ValueError, OverflowError):
            return False
        self._clock_offset = there - time.time()
        return True


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """The vendor's header counts milliseconds, that of HTTP seconds."""
    for name, unit in (("x-acs-retry-after", 1e-3), ("Retry-After", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit
        except ValueError:
            continue
        if 0 <= seconds < math.inf:
            return seconds
    return None


def _ours(error: Exception) -> OCRError:
    """Order matters: aiohttp's timeouts are `TimeoutError`s, and those are `OSError`s."""
    match error:
        case aiohttp.ConnectionTimeoutError():
            text = f"no connection within {CONNECT_TIMEOUT:g} s"
            return ScanTimeoutError(text, transient=True)
        case TimeoutError():
            return ScanTimeoutError("no answer in time", transient=True, maybe_charged=True)
        case aiohttp.ClientConnectorCertificateError():
            return TransportError(f"the certificate was not accepted: {error}")
        case aiohttp.ClientConnectorSSLError():
            # Its errno is OpenSSL's, which means something else to the system.
            text = f"no TLS at {error.host}:{error.port}; does the endpoint begin with http://?"
            return TransportError(text)
        case aiohttp.ClientConnectorError():
            why = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
            text = f"no connection to {error.host}:{error.port}: {why}"
            return TransportError(text, transient=True)
        case _:
            text = f"the connection broke: {str(error) or type(error).__name__}"
            return TransportError(text, transient=True, maybe_charged=True)
