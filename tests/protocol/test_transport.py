"""Errors of the network: for each, if the request can have reached the service."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_exceptions import UnixClientConnectorError, UploadAbortedError
from aiohttp.client_reqrep import ConnectionKey
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from aliocr import (
    AuthError,
    Credentials,
    Image,
    OCRError,
    ScanTimeoutError,
    Session,
    TransportError,
)
from aliocr.keys.kept import KeptCredentials
from aliocr.protocol.sender import HttpSender
from aliocr.protocol.transport import Transport, translated

KEY = ConnectionKey(
    "green.example",
    443,
    is_ssl=True,
    ssl=True,
    proxy=None,
    proxy_auth=None,
    proxy_headers_hash=None,
)
REQUEST = aiohttp.RequestInfo(
    URL("https://green.example"),
    "POST",
    CIMultiDictProxy(CIMultiDict()),
    URL("https://green.example"),
)
RESET = ConnectionResetError(104, "reset by peer")

Expected = tuple[type[OCRError], bool, bool]
LOST: Expected = (TransportError, True, True)
UNSENT: Expected = (TransportError, True, False)
FINAL: Expected = (TransportError, False, False)

ERRORS: list[tuple[Exception, Expected]] = [
    (aiohttp.ClientError("?"), LOST),
    (aiohttp.ClientConnectionError("?"), LOST),
    (aiohttp.ClientConnectionResetError("closing"), LOST),
    (aiohttp.ClientOSError(32, "broken pipe"), LOST),
    (aiohttp.ClientPayloadError("cut"), LOST),
    (UploadAbortedError("early"), LOST),
    (aiohttp.ServerDisconnectedError(), LOST),
    (aiohttp.ServerConnectionError(), LOST),
    (aiohttp.ClientResponseError(REQUEST, ()), LOST),
    (aiohttp.ContentTypeError(REQUEST, ()), LOST),
    (aiohttp.TooManyRedirects(REQUEST, ()), LOST),
    (aiohttp.WSServerHandshakeError(REQUEST, ()), LOST),
    (RESET, LOST),
    (aiohttp.SocketTimeoutError(), (ScanTimeoutError, True, True)),
    (aiohttp.ServerTimeoutError(), (ScanTimeoutError, True, True)),
    (TimeoutError(), (ScanTimeoutError, True, True)),
    (aiohttp.ConnectionTimeoutError(), (ScanTimeoutError, True, False)),
    (aiohttp.ClientConnectorError(KEY, RESET), UNSENT),
    (aiohttp.ClientConnectorDNSError(KEY, OSError(-2, "not known")), UNSENT),
    (UnixClientConnectorError("/socket", KEY, RESET), UNSENT),
    (aiohttp.ClientProxyConnectionError(KEY, RESET), UNSENT),
    (aiohttp.ClientHttpProxyError(REQUEST, (), status=502, message="Bad Gateway"), UNSENT),
    (aiohttp.ClientHttpProxyError(REQUEST, (), status=407, message="?"), (AuthError, False, False)),
    (aiohttp.ClientHttpProxyError(REQUEST, (), status=403, message="?"), (AuthError, False, False)),
    (aiohttp.ClientSSLError(KEY, RESET), UNSENT),
    (aiohttp.ClientConnectorSSLError(KEY, ssl.SSLError(1, "wrong version")), FINAL),
    (aiohttp.ClientConnectorCertificateError(KEY, Exception("expired")), FINAL),
    (aiohttp.ServerFingerprintMismatch(b"a", b"b", "green.example", 443), FINAL),
    (aiohttp.InvalidURL("http://"), FINAL),
    (aiohttp.InvalidUrlClientError("http://"), FINAL),
    (aiohttp.InvalidUrlRedirectClientError("http://"), FINAL),
    (aiohttp.NonHttpUrlClientError("ftp://"), FINAL),
    (aiohttp.NonHttpUrlRedirectClientError("ftp://"), FINAL),
    (aiohttp.RedirectClientError(), LOST),
]


def _all(kind: type[Exception]) -> set[type[Exception]]:
    return {kind}.union(*map(_all, kind.__subclasses__()))


@pytest.mark.parametrize(("error", "expected"), ERRORS, ids=lambda one: type(one).__name__)
def test_each_error_says_if_the_request_can_have_left(error: Exception, expected: Expected) -> None:
    """A request that never left is free to repeat; any other may be charged twice."""
    found = translated(error)
    assert (type(found), found.transient, found.maybe_charged) == expected
    assert str(found)
    assert "None" not in str(found)


@pytest.mark.parametrize(
    "error",
    [
        aiohttp.ClientPayloadError("Set-Cookie: key"),
        aiohttp.ServerDisconnectedError("Set-Cookie: key"),
        aiohttp.ClientResponseError(REQUEST, (), status=400, message="Set-Cookie: key"),
        aiohttp.ContentTypeError(REQUEST, (), message="Set-Cookie: key"),
        aiohttp.ClientConnectionError("Set-Cookie: key"),
        aiohttp.ClientOSError(32, "Set-Cookie: key"),
        aiohttp.ClientError("Set-Cookie: key"),
        aiohttp.ClientHttpProxyError(REQUEST, (), status=407, message="Set-Cookie: key"),
        OSError("Set-Cookie: key"),
    ],
    ids=lambda one: type(one).__name__,
)
def test_no_error_repeats_what_a_server_sent(error: Exception) -> None:
    """The words of aiohttp quote whole headers, in which there may be a cookie or a token."""
    assert "key" not in f"{translated(error)!r} {translated(error)}"


def test_no_error_of_aiohttp_is_left_out() -> None:
    """A new version of aiohttp may bring a class that nobody here has judged."""
    ours = {kind for kind in _all(aiohttp.ClientError) if kind.__module__.startswith("aiohttp")}
    internal = {kind for kind in ours if not hasattr(aiohttp, kind.__name__)}
    judged = {type(error) for error, _ in ERRORS}
    assert ours - internal <= judged
    # Internal ones are told by a class above them, never by their own.
    for kind in internal:
        assert any(issubclass(kind, known) for known in judged - {aiohttp.ClientError}), kind


@contextlib.asynccontextmanager
async def _server(
    answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any],
) -> AsyncIterator[int]:
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def _fails(endpoint: str, **options: Any) -> OCRError:
    async with Session(
        endpoint=endpoint, credentials=Credentials("id", "secret"), max_retries=0, **options
    ) as ocr:
        with pytest.raises(OCRError) as caught:
            await ocr.scan("https://example.com/a.png")
        assert ocr.stats.requests == 1
    return caught.value


@pytest.mark.parametrize("status", [407, 403])
async def test_a_proxy_that_refuses_says_so_and_costs_nothing(status: int) -> None:
    """CONNECT is refused before anything of the request can leave; no image is tried again."""
    asked = 0

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % status)
        writer.close()

    async with (
        _server(refuse) as port,
        aiohttp.ClientSession(proxy=f"http://127.0.0.1:{port}") as http,
    ):
        error = await _fails("https://green.example", http=http)
        assert isinstance(error, AuthError)
        assert "proxy" in str(error)
        assert str(status) in str(error)
        assert not error.maybe_charged
        async with Session(
            endpoint="https://green.example", credentials=Credentials("id", "secret"), http=http
        ) as ocr:
            with pytest.raises(AuthError):
                await ocr.scan_many([f"https://example.com/{n}.png" for n in range(1000)])
    assert asked <= 3


async def test_a_tls_handshake_that_is_cut_says_so() -> None:
    """Nothing was sent, and the message names what happened."""

    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.transport.abort()

    async with _server(cut) as port:
        error = await _fails(f"https://127.0.0.1:{port}")
    assert isinstance(error, TransportError)
    assert "TLS" in str(error)
    assert not error.maybe_charged


@pytest.mark.usefixtures("virtual_clock")
async def test_a_name_that_is_looked_up_for_ever_is_no_connection() -> None:
    """A hanging DNS costs the time of a connection, and no charge."""

    class Hanging(AbstractResolver):
        async def resolve(self, *_: object, **__: object) -> list[ResolveResult]:
            await asyncio.Event().wait()
            return []

        async def close(self) -> None:
            pass

    began = asyncio.get_running_loop().time()
    connector = aiohttp.TCPConnector(resolver=Hanging())
    async with aiohttp.ClientSession(connector=connector) as http:
        error = await _fails("https://green.example", http=http)
    assert isinstance(error, ScanTimeoutError)
    assert not error.maybe_charged
    assert asyncio.get_running_loop().time() - began < 4


# --- when to ask again ----------------------------------------------------------------------------

NOON = "Date: Tue, 01 Dec 2026 12:00:00 GMT"
CODED = b'{"Code": "ServiceUnavailable", "Message": "down", "RequestId": "R-1"}'


async def _refusal(status: int, body: bytes, *headers: str) -> OCRError:
    """The error of one request that a server answers like this."""
    lines = [f"HTTP/1.1 {status} ?", f"Content-Length: {len(body)}", *headers, "", ""]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write("\r\n".join(lines).encode() + body)
        writer.close()

    async with _server(answer) as port:
        address = f"http://127.0.0.1:{port}"
        transport = Transport(address, timeout=5, http=None)
        await transport.open()
        kept = KeptCredentials(Credentials("id", "secret"), address)
        sender = HttpSender(transport, kept, None)
        await sender.prepare()
        with pytest.raises(OCRError) as caught:
            await sender.send([Image("https://example.com/a.png")])
        await transport.close()
    return caught.value


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (["Retry-After: 2"], 2.0),
        (["Retry-After: 0.5"], 0.5),
        (["Retry-After: 0"], 0.0),
        (["x-acs-retry-after: 1500"], 1.5),
        (["x-acs-retry-after: 1500", "Retry-After: 9"], 1.5),
        (["x-acs-retry-after: soon", "Retry-After: 9"], 9.0),
        ([NOON, "Retry-After: Tue, 01 Dec 2026 12:00:07 GMT"], 7.0),
        ([NOON, "Retry-After: Tuesday, 01-Dec-26 12:00:07 GMT"], 7.0),
        ([NOON, "Retry-After: Tue, 01 Dec 2026 11:00:00 GMT"], 0.0),
        (["Retry-After: Fri, 31 Dec 1999 23:59:59 GMT"], 0.0),
        ([NOON, "Retry-After: -1"], None),
        ([NOON, "Retry-After: nan"], None),
        ([NOON, "Retry-After: inf"], None),
        ([NOON, "Retry-After: Tue, 99 Dec 2026 12:00:07 GMT"], None),
        ([NOON, "Retry-After: tomorrow"], None),
        ([NOON, "Retry-After:"], None),
        ([NOON], None),
    ],
)
async def test_a_response_may_say_when_to_ask_again(
    headers: list[str], seconds: float | None
) -> None:
    """In milliseconds, in seconds, or as a date, which counts from the response's own date."""
    assert (await _refusal(503, CODED, *headers)).retry_after == seconds


@pytest.mark.parametrize("status", [200, 400, 403, 408, 421, 425, 429, 500, 502, 503, 504, 599])
@pytest.mark.parametrize("body", [CODED, b"<html>", b""])
async def test_every_status_may_say_so(status: int, body: bytes) -> None:
    """With a code of the service or without: it is the time that counts."""
    assert (await _refusal(status, body, "Retry-After: 3")).retry_after == 3.0
