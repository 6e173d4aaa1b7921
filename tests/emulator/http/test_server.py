"""The emulator in a thread, in another server, and while it stops."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

import aliocr
from aliocr.emulator import Emulator
from aliocr.emulator.http.server import Server
from tests.support.asking import IMAGE, PATIENCE, arrived, ask, port_of, until
from tests.support.raw import request_of


def test_without_an_event_loop_it_runs_in_a_thread() -> None:
    """In a test that is not asynchronous, with a client that blocks."""
    threads = threading.active_count()
    with Emulator() as emulator:
        emulator.text(IMAGE, "hello")

        async def scan() -> str:
            async with aliocr.Session(
                credentials=emulator.credentials, endpoint=emulator.url
            ) as ocr:
                return (await ocr.scan(IMAGE)).text

        assert asyncio.run(scan()) == "hello"
        assert [call.status for call in emulator.calls] == [200]
    assert threading.active_count() == threads


def test_in_a_thread_an_error_of_the_start_is_raised() -> None:
    """For example a taken port; and no thread remains."""
    threads = threading.active_count()
    with Emulator() as emulator:
        port = port_of(emulator)
        other = Emulator(port=port)
        with pytest.raises(OSError, match="in use"), other:
            pass
        with pytest.raises(RuntimeError, match="already started"), emulator:
            pass
    assert threading.active_count() == threads


def test_a_thread_ends_what_hangs() -> None:
    """It does not wait for a client that does not read its reply."""
    with Emulator() as emulator:
        emulator.respond(200, bytes(50_000_000), "text/plain")
        address = ("127.0.0.1", port_of(emulator))
        client = socket.create_connection(address)
        client.sendall(request_of(emulator))
        assert client.recv(1)
    client.close()


async def test_it_serves_under_the_test_utilities_of_aiohttp() -> None:
    """A project with such servers in its tests can add the emulator."""
    emulator = Emulator()
    emulator.text(IMAGE, "hello")
    async with (
        TestServer(emulator.application()) as server,
        aliocr.Session(credentials=emulator.credentials, endpoint=str(server.make_url("/"))) as ocr,
    ):
        assert (await ocr.scan(IMAGE)).text == "hello"
    assert emulator.charged == 1


async def test_stopping_can_wait_for_the_requests_under_way() -> None:
    """They are answered, and no new connection is accepted."""
    emulator = Emulator(requests_per_second=None)
    await emulator.start()
    emulator.delay(0.05)
    asked = [asyncio.create_task(ask(emulator)) for _ in range(5)]
    await arrived(emulator, 5)
    assert emulator.under_way == 5
    assert await emulator.stop(grace=PATIENCE) == 0
    assert emulator.under_way == 0
    assert [(await each).status for each in asked] == [200] * 5
    with pytest.raises(aiohttp.ClientConnectorError):
        await ask(emulator)


async def test_stopping_waits_no_longer_than_it_was_told() -> None:
    """A request that hangs is cut off."""
    emulator = Emulator()
    await emulator.start()
    emulator.hang()
    asked = asyncio.create_task(ask(emulator))
    await arrived(emulator, 1)
    assert await emulator.stop(grace=0.01) == 1
    with pytest.raises(aiohttp.ClientError):
        await asked


async def test_stopping_lets_a_client_finish_its_request() -> None:
    """The rest of a body is still received, and a slow client gets the whole reply."""
    emulator = Emulator()
    await emulator.start()
    emulator.respond(200, bytes(20_000_000), "text/plain")
    request = request_of(emulator)
    reader, writer = await asyncio.open_connection("127.0.0.1", port_of(emulator))
    writer.write(request[:-5])
    await until(lambda: emulator.calls)
    stopping = asyncio.create_task(emulator.stop(grace=PATIENCE))
    await asyncio.sleep(0)
    writer.write(request[-5:])
    size = 0
    while part := await reader.read(100_000):
        size += len(part)
        await asyncio.sleep(0)
    writer.close()
    assert size > 20_000_000
    assert await stopping == 0


async def test_stopping_waits_for_no_client_that_asks_nothing() -> None:
    """A kept-alive connection without a request is closed at once."""
    emulator = Emulator()
    await emulator.start()
    async with aiohttp.ClientSession() as session:
        await ask(emulator, session=session)
        async with asyncio.timeout(PATIENCE / 2):
            assert await emulator.stop(grace=PATIENCE) == 0


@asynccontextmanager
async def serving(app: web.Application, *, idle: float) -> AsyncIterator[int]:
    """Serve an application on a free port."""
    server = Server(app, "127.0.0.1", 0, idle=idle)
    await server.start()
    try:
        yield server.port
    finally:
        await server.stop()


async def test_a_connection_that_brings_no_request_is_closed() -> None:
    """Before its first request, in the middle of its headers, or after a reply."""

    async def hello(_: web.Request) -> web.Response:
        return web.Response(text="hello")

    app = web.Application()
    app.router.add_get("/", hello)
    async with serving(app, idle=0.05) as port:
        for begun in (b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: e\r\nX-", GET, GET + b"GET"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(begun)
            async with asyncio.timeout(PATIENCE):
                heard = await closed(reader)
            assert heard.count(b"hello") == begun.count(b"\r\n\r\n")
            writer.close()


GET = b"GET / HTTP/1.1\r\nHost: e\r\n\r\n"


async def closed(reader: asyncio.StreamReader) -> bytes:
    """Return all bytes until the connection is closed or reset."""
    heard = b""
    try:
        while chunk := await reader.read(1000):
            heard += chunk
    except ConnectionError:
        pass
    return heard


async def test_a_body_that_does_not_arrive_is_not_waited_for(
    virtual_clock: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that announces more than it sends gets an error, and does not hold its place."""
    monkeypatch.setattr("aliocr.emulator.http.body.BODY_TIMEOUT", 0.05)
    async with Emulator() as emulator:
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(emulator))
        writer.write(request_of(emulator)[:-5])
        async with asyncio.timeout(PATIENCE):
            heard = await closed(reader)
        writer.close()
        assert heard.startswith(b"HTTP/1.1 400")
        assert b"InvalidParameter.Format" in heard
        assert [call.status for call in emulator.calls] == [400]


@pytest.mark.parametrize(
    ("head", "body", "statuses"),
    [
        (b"Content-Length: 30", b"{", (408,)),
        (b"Transfer-Encoding: chunked", b"1\r\n{\r\n", (408,)),
        # 400 from the parser in Python; the compiled one waits on.
        (b"Transfer-Encoding: chunked", b"nonsense\r\n", (400, 408)),
        (b"Content-Length: 3000000", bytes(3_000_000), (413,)),
    ],
)
async def test_the_control_api_waits_for_no_body_either(
    virtual_clock: None, head: bytes, body: bytes, statuses: tuple[int, ...]
) -> None:
    """A body that is missing or cut off gets an answer, and its connection is closed."""
    async with Emulator() as emulator:
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(emulator))
        writer.write(b"POST /_emulator/script/reset HTTP/1.1\r\nHost: localhost\r\n")
        writer.write(head + b"\r\n\r\n")
        await until(lambda: emulator.under_way)
        writer.write(body)
        heard = await closed(reader)
        writer.close()
        assert int(heard.split()[1]) in statuses
        assert b'{"error":"the request body' in heard
        assert emulator.under_way == 0


async def test_a_connection_in_use_is_not_closed(virtual_clock: None) -> None:
    """Neither during a long request, nor between requests, however often it is idle."""

    async def slow(request: web.Request) -> web.Response:
        await asyncio.sleep(float(request.query["seconds"]))
        return web.Response(text="hello")

    app = web.Application()
    app.router.add_get("/", slow)
    async with serving(app, idle=10) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for seconds in (1000, *[0] * 50):
            writer.write(b"GET /?seconds=%d HTTP/1.1\r\nHost: e\r\n\r\n" % seconds)
            assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200")
            await asyncio.sleep(1)
        writer.close()


LONG = 30_000_000
"""Bytes of an answer, far more than the system keeps for a client."""


@pytest.mark.parametrize(("reads", "whole"), [(60, True), (10, False)])
async def test_a_client_is_waited_for_while_it_reads(
    virtual_clock: None, reads: int, whole: bool
) -> None:
    """However slowly it reads; a client that stops halfway is disconnected after a while."""
    async with Emulator() as emulator:
        emulator.respond(200, bytes(LONG), "text/plain")
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(emulator))
        writer.write(request_of(emulator))
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        size = 0
        for _ in range(reads):
            size += len(await reader.readexactly(LONG // 60))
            await asyncio.sleep(10)
        if whole:
            assert size == LONG
        else:
            await asyncio.sleep(100)
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await reader.readexactly(LONG - size)
        writer.close()


# --- requests behind one that is not answered yet -------------------------------------------------


@pytest.mark.parametrize("leaving_after", [0, 5])
@pytest.mark.parametrize("behind", [0, 10, 64, 1500])
async def test_a_client_that_leaves_is_noticed_whatever_else_it_sent(
    virtual_clock: None, behind: int, leaving_after: float
) -> None:
    """Its request ends, and releases its images of the account's quota."""
    async with Emulator(requests_per_second=None, images_in_flight=1) as emulator:
        emulator.hang(times=1)
        _, writer = await asyncio.open_connection("127.0.0.1", port_of(emulator))
        writer.write(request_of(emulator))
        await arrived(emulator, 1)
        writer.write(GET * behind)
        await asyncio.sleep(leaving_after)
        assert emulator.under_way == 1
        writer.transport.abort()
        await until(lambda: not emulator.under_way)
        assert (await ask(emulator)).codes == [200]


@pytest.mark.parametrize(("seconds", "answered"), [(0.0, 1 + 200), (3.0, 1)])
async def test_many_requests_behind_a_slow_one_are_not_answered(
    virtual_clock: None, seconds: float, answered: int
) -> None:
    """The slow one is then the connection's last; behind a quick one all are answered."""
    async with Emulator(requests_per_second=None) as emulator:
        emulator.delay(seconds)
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(emulator))
        writer.write(request_of(emulator) + GET * 200)
        heard = await closed(reader)
        writer.close()
        assert heard.count(b"HTTP/1.1 ") == answered
        assert heard.startswith(b"HTTP/1.1 200 OK")
        assert heard.count(b"Connection: close") == (answered == 1)


async def test_a_few_requests_behind_a_slow_one_are_answered(virtual_clock: None) -> None:
    """In order."""
    async with Emulator(requests_per_second=None) as emulator:
        emulator.delay(3.0)
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(emulator))
        writer.write(request_of(emulator) + GET * 10)
        heard = await closed(reader)
        writer.close()
        assert heard.count(b"HTTP/1.1 ") == 11
