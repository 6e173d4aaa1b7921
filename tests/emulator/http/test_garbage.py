"""Malformed requests on the socket get a clear 4xx, and the emulator goes on."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from aliocr.emulator import Emulator
from aliocr.emulator.access import acs3
from tests.support.asking import IMAGE, PATIENCE, ask, body_of, send, sign
from tests.support.signed import NEWER, newer_headers
from tests.support.vectors import KEY

LINE = b"POST /green/image/scan HTTP/1.1"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


async def exchange(emulator: Emulator, *parts: bytes) -> tuple[int, bytes]:
    """Send parts one after the other over one connection; return status and body."""
    host, _, port = emulator.url.removeprefix("http://").rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        async with asyncio.timeout(PATIENCE):
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(0.01)  # arrives by itself
            answer = await reader.readuntil(b"\r\n\r\n")
            found = re.search(rb"content-length: (\d+)", answer, re.IGNORECASE)
            assert found, answer
            answer += await reader.readexactly(int(found[1]))
    finally:
        writer.close()
    status, _, _ = answer.partition(b"\r\n")
    return int(status.split(b" ")[1]), answer


def head(
    emulator: Emulator,
    body: bytes,
    *,
    line: bytes = LINE,
    lines: bytes = b"",
    changes: Mapping[str, bytes] | None = None,
) -> bytes:
    """Return the head of a signed request, with changes after the signature."""
    headers = {name: value.encode() for name, value in sign(emulator, body).items()}
    headers = {"Host": b"green"} | headers | dict(changes or {})
    told = b"".join(name.encode() + b": " + value + b"\r\n" for name, value in headers.items())
    if CHUNKED not in lines and b"Content-Length" not in lines:
        told += b"Content-Length: %d\r\n" % len(body)
    return line + b"\r\n" + told + lines + b"Connection: close\r\n\r\n"


@pytest.mark.parametrize(
    ("line", "lines", "changes", "code"),
    [
        (LINE, b"", {"Host": b"\xff\xfe"}, b"InvalidParameter.Format"),
        (b"POST /other HTTP/1.1", b"", {"Host": b"\xff\xfe"}, b"InvalidApi.NotFound"),
        (LINE, b"", {"Accept": b"\xff"}, b"InvalidParameter.Format"),
        (LINE, b"", {"Authorization": b"acs \xff:\xfe"}, b"InvalidParameter.Format"),
        (LINE, b"", {"Authorization": b"acs " + b"a" * 8000}, b"IncompleteSignature"),
        (LINE, b"", {"Authorization": b"acs " + b":" * 8000}, b"IncompleteSignature"),
        (LINE, b"", {"Authorization": b"ACS3-HMAC-SHA256 " + b"," * 8000}, b"MissingDate"),
        (LINE, b"", {"x-acs-security-token": b"\xc3\xa9"}, b"InvalidSecurityToken.Malformed"),
        (LINE, b"Date: again\r\n", {}, b"InvalidParameter.Format"),
        (LINE, b"ACCEPT: text/xml\r\n", {}, b"InvalidParameter.Format"),
        (LINE, b"X-Acs-Version: 2018-05-09\r\n", {}, b"InvalidParameter.Format"),
        (LINE, b"x-acs-new:\r\n", {}, b"SignatureDoesNotMatch"),
        (b"POST /green/image/scan?a=%ff HTTP/1.1", b"", {}, b"InvalidParameter.Format"),
        (b"POST /green/image/scan?a=%zz HTTP/1.1", b"", {}, b"InvalidParameter.Format"),
        (b"POST /green/image/scan?&&==&=&a HTTP/1.1", b"", {}, b"SignatureDoesNotMatch"),
        (b"POST /green/image/sc%61n HTTP/1.1", b"", {}, b"InvalidApi.NotFound"),
        (b"POST //green/image/scan HTTP/1.1", b"", {}, b"InvalidApi.NotFound"),
        (b"POST /green/../green/image/scan HTTP/1.1", b"", {}, b"InvalidApi.NotFound"),
        (b"PATCH /green/image/scan HTTP/1.1", b"", {}, b"UnsupportedHTTPMethod"),
    ],
)
async def test_a_request_out_of_order_is_refused_by_the_gateway(
    line: bytes, lines: bytes, changes: dict[str, bytes], code: bytes
) -> None:
    """In the gateway's form, and recorded."""
    body = body_of(IMAGE)
    async with Emulator() as emulator:
        request = head(emulator, body, line=line, lines=lines, changes=changes)
        status, answer = await exchange(emulator, request + body)
        assert status in (400, 404)
        assert code in answer
        assert emulator.calls[0].code == code.decode()
        assert (await ask(emulator)).codes == [200]


@pytest.mark.parametrize(
    "request_line_and_headers",
    [
        LINE + b"\r\n\r\n",
        LINE + b"\r\nHost: a\r\nHost: b\r\n\r\n",
        LINE + b"\r\nHost: a\r\nAuthorization: acs " + b"a" * 100_000 + b"\r\n\r\n",
        LINE + b"\r\nHost: a\r\nx-acs-a: \x00\r\n\r\n",
        LINE + b"\r\nHost: a\r\nx-acs-a: b\r\n c\r\n\r\n",
        LINE + b"\r\nHost: a\r\n\xff: b\r\n\r\n",
        LINE + b"\r\nHost: a\r\n" + b"".join(b"a%d: b\r\n" % n for n in range(1000)) + b"\r\n",
        LINE + b"\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST /green/image/scan?\xff HTTP/1.1\r\nHost: a\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
    ids=range(15),
)
async def test_bytes_that_are_not_http_are_refused(request_line_and_headers: bytes) -> None:
    """By the web server, in a form of its own, before the access checks."""
    async with Emulator() as emulator:
        status, _ = await exchange(emulator, request_line_and_headers)
        assert 400 <= status < 500
        assert (await ask(emulator)).codes == [200]


@pytest.mark.parametrize(
    ("request_line", "code"),
    [
        (b"CONNECT a.example:443", "UnsupportedHTTPMethod"),
        (b"CONNECT /a", "UnsupportedHTTPMethod"),
        (b"OPTIONS *", "UnsupportedHTTPMethod"),
        (b"POST http://xn--/", "InvalidApi.NotFound"),
        (b"POST /green/image/scan", "InvalidAction.NotFound"),
    ],
)
@pytest.mark.parametrize("line", [b"", b"Expect: x\r\n", b"Expect: \xff\r\n"])
async def test_every_request_is_recorded_and_answered_in_the_services_shape(
    request_line: bytes, line: bytes, code: str
) -> None:
    """Even with a target that is not a path, or an unknown expectation."""
    sent = request_line + b" HTTP/1.1\r\nHost: a\r\n" + line + b"Connection: close\r\n\r\n"
    async with Emulator() as emulator:
        status, answer = await exchange(emulator, sent)
        assert status == (404 if code == "InvalidApi.NotFound" else 400)
        assert b'"Code":"%s"' % code.encode() in answer
        (call,) = emulator.calls
        assert (call.method, call.status) == (request_line.split()[0].decode(), status)


async def test_a_client_that_leaves_before_100_continue_is_recorded(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is not logged as an error of the emulator."""
    async with Emulator() as emulator:
        sent = head(emulator, body_of(IMAGE), lines=b"Expect: 100-continue\r\n")
        host, _, port = emulator.url.removeprefix("http://").rpartition(":")
        async with asyncio.timeout(PATIENCE):
            for many in range(1, 6):
                _, writer = await asyncio.open_connection(host, int(port))
                writer.write(sent)
                writer.close()
                while len(emulator.calls) < many:  # noqa: ASYNC110 - nothing tells
                    await asyncio.sleep(0.01)
        assert (await ask(emulator)).codes == [200]
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


@pytest.mark.parametrize("late", [b"zz\r\nabc", b"-1\r\n", b"5\r\nabc"])
async def test_a_malformed_chunked_body_is_refused(
    late: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if the head was good and the request has begun; so is a body that never ends."""
    monkeypatch.setattr("aliocr.emulator.http.body.BODY_TIMEOUT", 0.05)
    async with Emulator() as emulator:
        first = head(emulator, b"", lines=CHUNKED) + b'3\r\n{"a\r\n'
        status, _ = await exchange(emulator, first, late)
        assert status == 400
        assert (await ask(emulator)).codes == [200]


async def test_the_newer_signature_works_over_the_socket() -> None:
    """With the host and port of the client's URL."""
    async with Emulator(credentials=KEY) as emulator:
        body = body_of(IMAGE)
        headers = NEWER | {
            "host": emulator.url.removeprefix("http://"),
            "x-acs-content-sha256": acs3.sha256(body),
            "x-acs-date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        query = [("ClientInfo", '{"a b":"é+&=/"}'), ("empty", "")]
        made = newer_headers(KEY, headers, query, body=body)
        path = "/green/image/scan?empty=&ClientInfo=%7B%22a+b%22:%22%C3%A9%2B%26%3D/%22%7D"
        assert (await send(emulator, body, made, path=path)).codes == [200]
        assert (await send(emulator, body, made, path=path)).json["Code"] == "SignatureNonceUsed"
