"""The transport: one signed POST under one deadline; aiohttp's errors become the package's errors.

After a network failure, it matters whether the service may have got the request. If it cannot have
got it, the images can be sent again without cost. If it may have, they may be charged twice.
"""

from __future__ import annotations

import asyncio
import math
import os
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

import aiohttp
import attrs
from aiohttp.abc import AbstractStreamWriter

from aliocr.credentials import Credentials
from aliocr.errors import AuthError, OCRError, ScanTimeoutError, TransportError
from aliocr.protocol import signing
from aliocr.protocol.deadline import ROUNDS, Deadline
from aliocr.version import __version__

CONNECT_TIMEOUT = 3.0
"""Timeout for connecting, in seconds. Source: the vendor's samples for this operation."""

CONNECTING = aiohttp.ClientTimeout(
    total=None,  # `Deadline` limits the whole request
    connect=CONNECT_TIMEOUT,  # also to look up the name, or wait for a free connection
    sock_connect=CONNECT_TIMEOUT,
)

KEEPALIVE_TIMEOUT = 4.0
"""Time for which an idle connection is kept, in seconds. Servers of this vendor were seen to drop
idle connections after about 10 s. A POST on a dropped connection is lost; aiohttp does not repeat
it."""

MAX_RESPONSE = 64 * 1024 * 1024
"""Maximum size of a response, in bytes: a hundred times the size for 100 images full of text."""


@attrs.frozen
class HttpResponse:
    """A response that was not decoded yet.

    Args:
        status: The HTTP status.
        body: The whole body.
        date: The `Date` header; None without this header.
        retry_after: Seconds after which to ask again, from the headers; None without such a header.
    """

    status: int
    body: bytes = attrs.field(repr=False)
    date: str | None
    retry_after: float | None


class _SentBody(aiohttp.BytesPayload):
    """The body of a request.

    Attributes:
        leaves: True from the moment when the body is sent. aiohttp keeps the headers until then.
    """

    leaves = False

    async def write_with_length(
        self, writer: AbstractStreamWriter, content_length: int | None
    ) -> None:
        self.leaves = True
        await super().write_with_length(writer, content_length)


class Transport:
    """Signs and sends bodies, through one connection pool.

    Args:
        base_url: Scheme and host, without a path.
        timeout: Timeout of one request with its whole response, in seconds; None for no limit.
        http: An `aiohttp.ClientSession` to use and leave open; None to make one and close it.
    """

    def __init__(
        self, base_url: str, *, timeout: float | None, http: aiohttp.ClientSession | None
    ) -> None:
        self._url = base_url + signing.SCAN_PATH
        self._timeout = timeout
        self._given = http
        self._own: aiohttp.ClientSession | None = None
        self._clock_offset = 0.0

    async def open(self) -> None:
        """Make the connection pool on the running loop.

        Raises:
            RuntimeError: The given `aiohttp.ClientSession` belongs to another loop.
        """
        # `_loop` is read because aiohttp warns if the public attribute `loop` is read.
        if getattr(self._given, "_loop", None) not in (None, asyncio.get_running_loop()):
            raise RuntimeError(
                "the aiohttp.ClientSession that was given as http= belongs to another event loop; "
                "make it in the coroutine that opens this session"
            )
        if self._given is None:
            self._own = aiohttp.ClientSession(
                # No limit here, because the limiter decides how many requests are sent. With a
                # limit, a request would wait after its date was signed and its deadline set.
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEPALIVE_TIMEOUT),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": f"aliocr/{__version__}", "Accept-Encoding": "identity"},
            )

    async def close(self) -> None:
        """Close the connection pool, unless the caller owns it."""
        if self._own is not None:
            await self._own.close()

    async def post(self, body: bytes, credentials: Credentials) -> HttpResponse:
        """Sign a body with the current time, send it, and return the whole response.

        Raises:
            ScanTimeoutError: No connection, or no whole response, in time.
            TransportError: Any other failure of the network.
        """
        http = self._given or self._own
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
        payload = _SentBody(body)
        try:
            return await self._post(http, payload, headers)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            failed = translated(error)
            failed.maybe_charged &= payload.leaves
        # Raised outside of `except`, so that it does not keep aiohttp's error as its context: that
        # error holds the signed headers.
        raise failed

    async def _post(
        self, http: aiohttp.ClientSession, body: _SentBody, headers: dict[str, str]
    ) -> HttpResponse:
        loop = asyncio.get_running_loop()
        when = None if self._timeout is None else loop.time() + self._timeout
        # Before the body leaves there can be no answer, so its connection gets no extra time.
        async with Deadline(when, lambda: ROUNDS if body.leaves else 0):
            response = await http.post(
                self._url,
                data=body,
                headers=headers,
                timeout=CONNECTING,
                # A signature is valid for one address and must not be sent to another address.
                allow_redirects=False,
                # The body of a refusal holds the reason, so a given session must not raise.
                raise_for_status=False,
            )
        async with response:
            pieces, size = [], 0
            async with Deadline(when, lambda: ROUNDS):
                async for piece in response.content.iter_any():
                    pieces.append(piece)
                    size += len(piece)
                    if size > MAX_RESPONSE:
                        raise aiohttp.ClientPayloadError(
                            f"the response is over {MAX_RESPONSE} bytes"
                        )
            return HttpResponse(
                response.status,
                b"".join(pieces),
                response.headers.get("Date"),
                _retry_after(response.headers),
            )

    def set_clock(self, date: str | None) -> bool:
        """Sign by the service's clock from now on; return False if `date` is not a date."""
        try:
            there = parsedate_to_datetime(date or "").timestamp()
        except (ValueError, OverflowError):
            return False
        self._clock_offset = there - time.time()
        return True


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return when to ask again, in seconds; the vendor's own header has milliseconds."""
    for name, unit in (("x-acs-retry-after", 1e-3), ("Retry-After", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit
        except ValueError:
            continue
        if 0 <= seconds < math.inf:
            return seconds
    return None


def translated(error: Exception) -> OCRError:
    """Translate an error of aiohttp; its class shows whether the request may have left.

    The order of the cases matters, because some classes are subclasses of others: aiohttp's
    timeouts are `TimeoutError`s, and its TLS errors are `ClientConnectorError`s. For a proxy that
    cannot be reached, aiohttp raises a `ClientConnectorError`, too.
    """
    found: OCRError
    match error:
        case aiohttp.ConnectionTimeoutError():
            text = f"no connection within {CONNECT_TIMEOUT:g} s"
            found = ScanTimeoutError(text, transient=True)
        case TimeoutError():
            found = ScanTimeoutError("no answer in time", transient=True, maybe_charged=True)
        case aiohttp.ClientHttpProxyError():
            found = _refused_by_proxy(error.status)
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ServerFingerprintMismatch():
            found = TransportError(f"the certificate was not accepted: {error}")
        case aiohttp.ClientConnectorSSLError():
            # The errno comes from OpenSSL; for the operating system it has another meaning.
            text = f"no TLS at {error.host}:{error.port}; does the endpoint begin with http://?"
            found = TransportError(text)
        case aiohttp.ClientConnectorError():
            number = error.errno or 0
            why = os.strerror(number) if number > 0 else error.strerror or "closed"
            step = "no TLS handshake with" if error.ssl and not number else "no connection to"
            text = f"{step} {error.host}:{error.port}: {why}"
            found = TransportError(text, transient=True)
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError():
            found = TransportError(f"not an address that can be reached: {error}")
        case _:
            text = f"the connection broke: {str(error) or type(error).__name__}"
            found = TransportError(text, transient=True, maybe_charged=True)
    return found


def _refused_by_proxy(status: int) -> OCRError:
    """Return the error for a proxy that refuses to connect.

    The proxy will refuse every request, unless its status (500 or above) says that it has failed.
    """
    text = f"the proxy refuses the connection to the service with HTTP {status}"
    if status >= 500:
        return TransportError(text, transient=True)
    advice = "give it a user and password" if status == 407 else "ask for access to the endpoint"
    return AuthError(f"HTTP {status}", f"{text}; {advice}")
