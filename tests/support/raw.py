"""Requests as bytes, good and bad, and a client that sends any bytes and reads the replies."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress

import attrs

from aliocr.credentials import Credentials
from aliocr.emulator import Emulator
from aliocr.protocol import signing
from tests.support.asking import IMAGE, SCAN, Heard, body_of, sign

KEY = Credentials("LTAIgarbage", "secret-of-garbage")
GOOD_BODY = body_of(IMAGE)
HOST = {"Host": "garbage.example"}

Headers = Mapping[str, str | bytes]

UNSIGNED: Headers = {"Accept": "application/json", "Content-Type": "application/json"}

MOMENT = 0.03
"""Seconds in which the emulator reads what it was sent, or answers if it is going to: nothing fails
if it does not."""


@attrs.frozen
class Bad:
    """One bad request.

    Args:
        name: What is bad about it.
        data: All that is sent.
        answers: How many answers it gets on its connection, of which the last is a no.
        ends: It is not whole: unless it is answered soon, the client says that nothing follows, and
            may get no answer.
        passes: Its signature is right, so that the service itself says no, in HTTP 200.
        first: So many bytes are sent by themselves, and the rest a moment later; 0 for all at once.
    """

    name: str
    data: bytes = attrs.field(repr=False)
    answers: int = 1
    ends: bool = False
    passes: bool = False
    first: int = 0


def signed(body: bytes, changes: Mapping[str, str] | None = None) -> dict[str, str | bytes]:
    """Return the headers of a good request with this body, changed before signing.

    Without a nonce, as the vendor's first SDK has none: so every request can be sent again.
    """
    headers: dict[str, str] = {
        "Accept": "application/json",
        "Content-Type": "application/json",
        "Content-MD5": signing.content_md5(body),
        "Date": signing.http_date(time.time()),
        "x-acs-version": "2018-05-09",
        "x-acs-signature-method": "HMAC-SHA1",
        "x-acs-signature-version": "1.0",
    } | dict(changes or {})
    text = signing.string_to_sign("POST", SCAN, (), headers)
    made = signing.signature(KEY.access_key_secret, text)
    return {**headers, "Authorization": f"acs {KEY.access_key_id}:{made}"}


def raw(
    body: bytes, headers: Headers, *, line: bytes = b"POST /green/image/scan HTTP/1.1"
) -> bytes:
    """Return a request; host and content length are added unless the headers have them."""
    given = {name.lower() for name in headers}
    most: dict[str, str | bytes] = {} if "host" in given else dict(HOST)
    most |= headers
    if not given & {"content-length", "transfer-encoding"}:
        most["Content-Length"] = str(len(body))
    lines = [line, *(name.encode("latin-1") + b": " + _bytes(most[name]) for name in most)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def good(body: bytes = GOOD_BODY) -> bytes:
    """Return a request with a right signature, for a good or bad body."""
    return raw(body, signed(body))


def request_of(emulator: Emulator) -> bytes:
    """Return a good request to an emulator, signed by its account."""
    return raw(GOOD_BODY, sign(emulator, GOOD_BODY))


async def converse(port: int, bad: Bad) -> list[Heard]:
    """Send a request, and return the replies until all have come or the connection is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        sending = asyncio.create_task(_send(writer, bad))
        heard: list[Heard] = []
        # An end that comes instead of an answer is for the caller to judge.
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while len(heard) < bad.answers:
                heard.append(await _answer(reader, head=bad.data.startswith(b"HEAD ")))
        sending.cancel()
        await asyncio.wait([sending])
        return heard
    finally:
        writer.transport.abort()


async def _send(writer: asyncio.StreamWriter, bad: Bad) -> None:
    with suppress(ConnectionError):
        if bad.first:
            writer.write(bad.data[: bad.first])
            await asyncio.sleep(MOMENT)
        writer.write(bad.data[bad.first :])
        await writer.drain()
        if bad.ends:
            await asyncio.sleep(MOMENT)
            writer.write_eof()


async def _answer(reader: asyncio.StreamReader, *, head: bool) -> Heard:
    """Return the next reply that is not `100 Continue`."""
    while True:
        line, *fields = (await reader.readuntil(b"\r\n\r\n"))[:-4].decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (f.partition(": ") for f in fields)}
        status = int(line.split(" ")[1])
        if status >= 200:
            length = 0 if head else int(headers["content-length"])
            return Heard(status, headers, await reader.readexactly(length))


def _bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value
