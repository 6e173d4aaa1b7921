"""Hosts that misbehave, on real sockets: each costs its own image, in bounded time and memory."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from aliocr.emulator.reading.download import Downloader
from aliocr.errors import APIError

CERTIFICATE = Path(__file__).parents[2] / "samples" / "self_signed.pem"
MEGABYTE = 1 << 20

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
PACKED = OK + b"Content-Encoding: gzip\r\n"

GARBAGE = {
    "noise": b"\x00\x01\x02 this is not HTTP\r\n\r\n",
    "HTTP/0.9": b"<html>hello</html>",
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n",
    "a TLS alert": b"\x15\x03\x01\x00\x02\x02\x46",
    "no status": b"HTTP/1.1\r\n\r\n",
    "a status of one digit": b"HTTP/1.1 2 OK\r\n\r\n",
    "a negative length": OK + b"Content-Length: -5\r\n\r\nabcde",
    "a length in words": OK + b"Content-Length: many\r\n\r\nabcde",
    "two lengths": OK + b"Content-Length: 3\r\nContent-Length: 5\r\n\r\nabcde",
    "a length without end": OK + b"Content-Length: " + b"9" * 40 + b"\r\n\r\nabcde",
    "a header without colon": OK + b"this is no header\r\n\r\nabc",
    "a header of 1 MB": OK + b"X-Name: " + b"a" * MEGABYTE + b"\r\n\r\nabc",
    "a redirect of 20 kB": b"HTTP/1.1 302 F\r\nLocation: /" + b"a" * 20_000 + b"\r\n\r\n",
    "a redirect to noise": b"HTTP/1.1 302 F\r\nLocation: http://\xff\xfe/\r\n\r\n",
    "a redirect to no port": b"HTTP/1.1 302 F\r\nLocation: http://127.0.0.1:99999/\r\n\r\n",
    "a redirect to nowhere": b"HTTP/1.1 302 F\r\nContent-Length: 0\r\n\r\n",
    "chunks of no size": CHUNKED + b"zz\r\nabc",
    "a chunk without end": CHUNKED + b"f" * 40 + b"\r\nabc",
    "no gzip at all": PACKED + b"Content-Length: 3\r\n\r\nabc",
    "half a gzip": PACKED + b"\r\n" + gzip.compress(bytes(99))[:-9],
    "another encoding": OK + b"Content-Encoding: br\r\nContent-Length: 3\r\n\r\nabc",
}

SHORT = {
    "nothing": b"",
    "half a header": OK + b"Content-Le",
    "less than announced": OK + b"Content-Length: 9\r\n\r\nabc",
    "half a chunk": CHUNKED + b"5\r\nabc",
    "no last chunk": CHUNKED + b"3\r\nabc\r\n",
}

Host = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Hosts:
    """Starts hosts on this machine, and ends them."""

    def __init__(self) -> None:
        self.servers: list[asyncio.Server] = []
        self.sent = 0
        self.heads: list[bytes] = []

    async def start(self, behave: Host, tls: ssl.SSLContext | None = None) -> str:
        """Start a host that behaves so after it has read a request; return its address."""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                self.heads.append(await reader.readuntil(b"\r\n\r\n"))
                await behave(reader, writer)
            except (OSError, asyncio.IncompleteReadError):
                pass  # the downloader has gone
            finally:
                writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
        self.servers.append(server)
        scheme = "https" if tls else "http"
        return f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}/a.png?key=secret"

    async def saying(self, answer: bytes) -> str:
        """The address of a host that says this and closes the connection."""

        async def say(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(answer)
            await writer.drain()

        return await self.start(say)

    async def endless(self, beginning: bytes, again: bytes) -> str:
        """The address of a host that says the one thing once and the other for ever."""

        async def go_on(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(beginning)
            while True:
                writer.write(again)
                await writer.drain()
                self.sent += len(again)

        return await self.start(go_on)


@pytest.fixture
async def hosts() -> AsyncIterator[Hosts]:
    """A starter of hosts."""
    found = Hosts()
    yield found
    for server in found.servers:
        server.close()
        await server.wait_closed()
    # What they were saying ends with the connections that the downloader has closed.
    while len(asyncio.all_tasks()) > 1:  # noqa: ASYNC110 (sockets set no event of the loop)
        await asyncio.sleep(0.001)


async def refusal(url: str, *, timeout: float = 5.0, max_bytes: int = MEGABYTE) -> APIError:  # noqa: ASYNC109
    """Fetch a URL that fails; return the error, which names no part of the URL."""
    async with Downloader(timeout=timeout, max_bytes=max_bytes) as downloader:
        with pytest.raises(APIError) as caught:
            async with downloader.fetch(url):
                pass
    assert "secret" not in f"{caught.value} {caught.value!r}"
    assert "127.0.0.1" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("kind", GARBAGE)
async def test_garbage_is_a_failed_download(hosts: Hosts, kind: str) -> None:
    """Any bad answer is 480 with a reason."""
    error = await refusal(await hosts.saying(GARBAGE[kind]))
    assert error.code == 480
    assert error.message.startswith("DOWNLOAD_FAILED: it")


@pytest.mark.parametrize("kind", SHORT)
async def test_an_answer_that_ends_too_early_is_a_failed_download(hosts: Hosts, kind: str) -> None:
    """A part of an image is never returned as the whole."""
    assert (await refusal(await hosts.saying(SHORT[kind]))).code == 480


async def test_what_follows_the_announced_length_reaches_no_other_image(hosts: Hosts) -> None:
    """A host cannot answer the next request in advance."""
    asked: list[int] = []

    async def twice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(1)
        body = b"first" if len(asked) == 1 else b"later"
        writer.write(OK + b"Content-Length: 5\r\n\r\n" + body)
        await writer.drain()
        if len(asked) == 1:
            await asyncio.sleep(0.02)
            writer.write(OK + b"Content-Length: 5\r\n\r\nfalse")
            await writer.drain()
            await reader.read()

    url = await hosts.start(twice)
    async with Downloader() as downloader:
        async with downloader.fetch(url) as data:
            assert data == b"first"
        await asyncio.sleep(0.04)
        async with downloader.fetch(url) as data:
            assert data == b"later"


@pytest.mark.parametrize("said", [b"", OK, OK + b"Content-Length: 9\r\n\r\nabc", CHUNKED + b"5;"])
async def test_a_host_that_falls_silent_is_given_up(hosts: Hosts, said: bytes) -> None:
    """At any point of its answer."""

    async def stall(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await reader.read()

    error = await refusal(await hosts.start(stall), timeout=0.04)
    assert error.code == 592
    assert "within 0.04 s" in error.message


async def test_redirects_do_not_buy_time(hosts: Hosts) -> None:
    """The 3 s cover all redirects."""

    async def dawdle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.03)
        writer.write(b"HTTP/1.1 302 F\r\nLocation: /on\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    assert (await refusal(await hosts.start(dawdle), timeout=0.08)).code == 592


@pytest.mark.parametrize("said", [b"", OK + b"Content-Length: 9\r\n\r\nabc"])
async def test_a_host_that_resets_the_connection_is_a_failed_download(
    hosts: Hosts, said: bytes
) -> None:
    """Before the answer, or in the middle of it."""

    async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await asyncio.sleep(0.01)
        writer.transport.abort()

    assert (await refusal(await hosts.start(reset))).code == 480


# An older aiohttp does not count headers: those are given up by the time.
ENDLESS = {
    "headers": (OK, b"X-Name: value\r\n" * 1000, (480, 592)),
    "a header": (OK + b"X-Name: ", b"a" * 65_536, (480,)),
    "a status": (b"HTTP/1.1 200 ", b"a" * 65_536, (480,)),
    "trailers": (CHUNKED + b"0\r\n", b"X-Name: value\r\n" * 1000, (480, 592)),
    "a size of a chunk": (CHUNKED + b"1;", b"a" * 65_536, (592,)),
    "100 Continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100, (592,)),
    "a body": (OK + b"\r\n", bytes(65_536), (589,)),
    "a body in chunks": (CHUNKED, b"10000\r\n" + bytes(65_536) + b"\r\n", (589,)),
    "nothing in gzip": (
        PACKED + b"\r\n" + gzip.compress(b"")[:10],
        b"\0\0\0\xff\xff" * 9999,
        (592,),
    ),
}


@pytest.mark.parametrize("kind", ENDLESS)
async def test_what_never_ends_is_given_up(hosts: Hosts, kind: str) -> None:
    """The body's size ends it, or else the time; the bytes are not kept."""
    beginning, again, codes = ENDLESS[kind]
    error = await refusal(await hosts.endless(beginning, again), timeout=0.3)
    assert error.code in codes


async def test_a_packed_bomb_is_refused_before_it_is_unpacked(hosts: Hosts) -> None:
    """20 GB packed in 20 MB: even of the packed bytes only the needed ones are taken."""
    press = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    beginning = press.compress(b"") + press.flush(zlib.Z_FULL_FLUSH)
    again = press.compress(bytes(64 * MEGABYTE)) + press.flush(zlib.Z_FULL_FLUSH)
    error = await refusal(await hosts.endless(PACKED + b"\r\n" + beginning, again))
    assert error.code == 589
    assert hosts.sent * 1000 < 20_000 * MEGABYTE


async def test_a_packed_image_is_unpacked(hosts: Hosts) -> None:
    """Some hosts pack though they were asked not to; up to the last allowed byte."""
    packed = gzip.compress(bytes(1000))
    head = PACKED + b"Content-Length: %d\r\n\r\n" % len(packed)
    url = await hosts.saying(head + packed)
    async with Downloader(max_bytes=1000) as downloader, downloader.fetch(url) as data:
        assert data == bytes(1000)
    assert (await refusal(url, max_bytes=999)).code == 589


async def test_a_certificate_that_nobody_vouches_for_is_a_failed_download(hosts: Hosts) -> None:
    """Certificates are verified."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(CERTIFICATE)

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK + b"Content-Length: 0\r\n\r\n")
        await writer.drain()

    error = await refusal(await hosts.start(answer, tls))
    assert (error.code, "certificate is not trusted" in error.message) == (480, True)


async def test_a_host_without_tls_is_a_failed_download(hosts: Hosts) -> None:
    """An https URL of an http host."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    hosts.servers.append(server)
    error = await refusal(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/a.png")
    assert (error.code, "no TLS connection" in error.message) == (480, True)


async def test_a_user_and_password_go_to_their_host_only(hosts: Hosts) -> None:
    """Redirects on the same host keep them; another host never gets them."""
    other = await hosts.saying(OK + b"Content-Length: 2\r\n\r\nok")
    ways = iter(["/b.png", "{here}/c.png", other])

    async def redirect(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        way = next(ways).format(here=here)
        writer.write(f"HTTP/1.1 302 F\r\nLocation: {way}\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()

    here = (await hosts.start(redirect)).partition("/a.png")[0]
    url = here.replace("://", "://user:word@")
    async with Downloader() as downloader, downloader.fetch(f"{url}/a.png") as data:
        assert data == b"ok"
    keys = [b"Authorization: Basic dXNlcjp3b3Jk" in head for head in hosts.heads]
    assert keys == [True, True, True, False]
