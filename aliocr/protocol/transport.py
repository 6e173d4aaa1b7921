"""The transport: one signed POST under one deadline; aiohttp's errors become the package's errors.

After a network failure, it matters whether the service may have got the request. If it cannot have
got it, the images can be sent again without cost. If it may have, they may be charged twice.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime

import aiohttp
import attrs
from aiohttp.abc import AbstractStreamWriter

from aliocr.credentials import Credentials
from aliocr.errors import AuthError, OCRError, ResponseError, ScanTimeoutError, TransportError
from aliocr.protocol import signing
from aliocr.protocol.body import Body
from aliocr.protocol.deadline import ROUNDS, Deadline
from aliocr.version import __version__

_LOG = logging.getLogger("aliocr.protocol")

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


@attrs.frozen
class HttpResponse:
    """A response that was not decoded yet.

    Args:
        status: The HTTP status.
        body: The unpacked body.
        signed: The headers of the request, which a page may quote; with the signature.
        date: The `Date` header; None without this header.
        retry_after: Seconds after which to ask again, from the headers; None without such a header.
        cut: The error that ended the body early; None if the body is whole.
        close_connection: Closes the connection of the response, so that no request uses it again.
    """

    status: int
    body: bytes | bytearray = attrs.field(repr=False)
    signed: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    date: str | None = None
    retry_after: float | None = None
    cut: OCRError | None = None
    close_connection: Callable[[], None] = attrs.field(default=lambda: None, repr=False)


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
                headers={"User-Agent": f"aliocr/{__version__}"},
            )

    async def close(self) -> None:
        """Close the connection pool, unless the caller owns it."""
        if self._own is not None:
            await self._own.close()

    async def post(self, body: bytes, credentials: Credentials) -> HttpResponse:
        """Sign a body with the current time, send it, and return the response.

        If the response breaks off, the part that has come is returned, with the error.

        Raises:
            ScanTimeoutError: No connection, or no response, in time.
            TransportError: Any other failure of the network.
            ResponseError: The response is in an encoding that was not asked for.
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
        signed = dict(headers)
        loop = asyncio.get_running_loop()
        when = None if self._timeout is None else loop.time() + self._timeout
        # Before the body leaves there can be no answer, so its connection gets no extra time.
        async with Deadline(when, lambda: ROUNDS if body.leaves else 0):
            response = await http.post(
                self._url,
                data=body,
                headers={**headers, "Accept-Encoding": "identity"},
                timeout=CONNECTING,
                auto_decompress=False,  # aiohttp would unpack without a limit
                # A signature is valid for one address and must not be sent to another address.
                allow_redirects=False,
                # The body of a refusal holds the reason, so a given session must not raise.
                raise_for_status=False,
            )
        async with response:
            received = Body(response.headers.get("Content-Encoding", ""))
            cut: OCRError | None = None
            try:
                async with Deadline(when, lambda: ROUNDS):
                    async for piece in response.content.iter_any():
                        received.add(piece)
            except ResponseError as error:
                cut = error
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                cut = translated(error)
            return HttpResponse(
                response.status,
                received.data,
                signed,
                response.headers.get("Date"),
                _retry_after(response.headers, time.time() + self._clock_offset),
                cut,
                _closing(response),
            )

    def set_clock(self, date: str | None) -> bool:
        """Sign by the service's clock from now on; return False if `date` is not a date."""
        there = _timestamp(date)
        if there is None:
            return False
        offset = there - time.time()
        if abs(offset - self._clock_offset) > 1:  # the other requests on the way set it, too
            fields = {"event": "clock", "offset": offset}
            text = "this machine's clock is wrong by %.0f s; the service's clock dates requests now"
            _LOG.info(text, -offset, extra=fields)
        self._clock_offset = offset
        return True


def _closing(response: aiohttp.ClientResponse) -> Callable[[], None]:
    """Return a function that closes the connection of a response whose body was read.

    By then the connection is back in the pool, and `response.close` does not reach it any more.
    """
    protocol = getattr(response, "_protocol", None)  # aiohttp has no public name for it
    return getattr(protocol, "close", lambda: None)


def _timestamp(date: str | None) -> float | None:
    """Return the time of an HTTP date, in seconds since the epoch; None if it is not a date."""
    try:
        return parsedate_to_datetime(date or "").timestamp()
    except (ValueError, OverflowError):
        return None


def _retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds after which to ask again.

    The vendor's own header has milliseconds. The usual header has seconds, or a date: a date counts
    from the `Date` of the same response, because this machine's clock may be wrong.

    Args:
        headers: The headers of the response.
        now: The time if the response has no `Date`, in seconds since the epoch.
    """
    for name, unit in (("x-acs-retry-after", 1e-3), ("Retry-After", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit
        except ValueError:
            continue
        if 0 <= seconds < math.inf:
            return seconds
    until = _timestamp(headers.get("Retry-After"))
    if until is None:
        return None
    sent = _timestamp(headers.get("Date"))
    return max(0.0, until - (now if sent is None else sent))


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
            found = TransportError(
                f"the connection broke: {_reason(error)}", transient=True, maybe_charged=True
            )
    return found


def _reason(error: Exception) -> str:
    """Return why a connection broke, without the words of aiohttp: they quote whole headers."""
    match error:
        case aiohttp.ClientPayloadError():
            return "the response ended early, or its framing is damaged"
        case aiohttp.ServerDisconnectedError():
            return "the server closed it before the response was complete"
        case aiohttp.ClientResponseError():
            return "the head of the response cannot be read"
        case OSError() if error.errno:
            return os.strerror(error.errno)
        case _:
            return type(error).__name__


def _refused_by_proxy(status: int) -> OCRError:
    """Return the error for a proxy that refuses to connect.

    The proxy will refuse every request, unless its status (500 or above) says that it has failed.
    """
    text = "the proxy refuses the connection to the service"
    if status >= 500:
        return TransportError(f"{text} with HTTP {status}", transient=True)
    return AuthError(f"HTTP {status}", text)
