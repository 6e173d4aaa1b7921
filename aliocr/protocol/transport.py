"""The transport: one signed POST under one deadline, on the route to the service."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import attrs
from aiohttp.abc import AbstractStreamWriter

from aliocr.credentials import Credentials
from aliocr.errors import OCRError, ResponseError, TransportError
from aliocr.protocol import signing
from aliocr.protocol.body import Body
from aliocr.protocol.deadline import ROUNDS, Deadline
from aliocr.protocol.network_errors import CONNECT_TIMEOUT, refused_by_proxy, translated, via
from aliocr.route import Route
from aliocr.version import __version__

_LOG = logging.getLogger("aliocr.protocol")
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
        cut: The error of the images that are not in the body, because it ended early, or because it
            may be a proxy's; None if the body is whole.
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
        route: The route to `base_url`.
    """

    def __init__(
        self,
        base_url: str,
        *,
        timeout: float | None,
        http: aiohttp.ClientSession | None,
        route: Route = Route(),  # noqa: B008 - frozen
    ) -> None:
        self._url = base_url + signing.SCAN_PATH
        self._timeout = timeout
        self._given = http
        self._route = route
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

    @property
    def login(self) -> str:
        """The login of the proxy that sees the request itself; empty without one."""
        return self._route.headers.get("Proxy-Authorization", "").partition(" ")[2]

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
            failed = translated(error, self._route)
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
        replaced = _replacing_login(http, headers) if http is self._given else {}
        # Before the body leaves there can be no answer, so its connection gets no extra time.
        async with Deadline(when, lambda: ROUNDS if body.leaves else 0):
            response = await http.post(
                self._url,
                data=body,
                headers=headers | self._route.headers | {"Accept-Encoding": "identity"},
                timeout=CONNECTING,
                auto_decompress=False,  # aiohttp would unpack without a limit
                # A signature is valid for one address and must not be sent to another address.
                allow_redirects=False,
                # The body of a refusal holds the reason, so a given session must not raise.
                raise_for_status=False,
                **self._route.options,
                **replaced,
            )
        async with response:
            received = Body(response.headers.get("Content-Encoding", ""))
            cut = self._refusal_by_proxy(response.status)
            try:
                async with Deadline(when, lambda: ROUNDS):
                    async for piece in response.content.iter_any():
                        received.add(piece)
            except ResponseError as error:
                cut = error
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                cut = translated(error, self._route)
            return HttpResponse(
                response.status,
                received.data,
                signed,
                response.headers.get("Date"),
                _retry_after(response.headers, time.time() + self._clock_offset),
                cut,
                _closing(response),
            )

    def _refusal_by_proxy(self, status: int) -> OCRError | None:
        """Return the error of a response that is a proxy's if it is not the service's.

        A proxy answers in its own words if it reads the request, and not only passes on bytes.
        """
        if not self._route.proxy or self._route.tunnel:
            return None
        if status in (403, 407):
            return refused_by_proxy(status, self._route)
        if status < 500:
            return None
        return ResponseError(
            f"HTTP {status} without a code of the service{via(self._route)}",
            transient=True,
            maybe_charged=True,  # the proxy may have lost the answer
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


def _replacing_login(http: aiohttp.ClientSession, headers: dict[str, str]) -> dict[str, Any]:
    """Return options with which the signature replaces a login of the caller's `ClientSession`.

    Such a login comes from `~/.netrc`, with `trust_env=True`. aiohttp refuses a request with both.
    """
    if not (http.trust_env or http.auth):
        return {}
    signature = headers.pop("Authorization")

    async def sign(
        request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        request.headers["Authorization"] = signature
        return await send(request)

    # The middlewares of a request replace those of the session, for which there is no public name.
    return {"middlewares": (*getattr(http, "_middlewares", ()), sign)}


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
