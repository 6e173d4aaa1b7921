"""The emulator in a thread, in another's server, and on its way out."""

from __future__ import annotations

import asyncio
import socket
import threading

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

import aliocr
from aliocr.emulator import Emulator
from aliocr.emulator.http.server import Server
from tests.support.asking import IMAGE, PATIENCE, arrived, ask, body_of, sign, until


def test_without_an_event_loop_it_runs_in_a_thread() -> None:
    """A test that is not asynchronous, with a client that blocks."""
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


def test_in_a_thread_what_keeps_it_from_starting_is_raised() -> None:
    """A port that is taken; and no thread stays behind."""
    threads = threading.active_count()
    with Emulator() as emulator:
        port = port_of(emulator)
        other = Emulator(port=port)
        with pytest.raises(OSError, match="in use"), other:
            pass
        with pytest.raises(RuntimeError, match="started already"), emulator:
            pass
    assert threading.active_count() == threads


def test_a_thread_ends_what_hangs() -> None:
    """A client that does not read its answer is not waited for."""
    with Emulator() as emulator:
        emulator.respond(200, bytes(50_000_000), "text/plain")
        address = ("127.0.0.1", port_of(emulator))
        client = socket.create_connection(address)
        client.sendall(raw(emulator, body_of(IMAGE)))
        assert client.recv(1)
    client.close()


async def test_it_serves_under_the_test_utilities_of_aiohttp() -> None:
    """A project that has servers of that kind in its tests adds one more."""
    emulator = Emulator()
    emulator.text(IMAGE, "hello")
    async with (
        TestServer(emulator.application()) as server,
        aliocr.Session(credentials=emulator.credentials, endpoint=str(server.make_url("/"))) as ocr,
    ):
        assert (await ocr.scan(IMAGE)).text == "hello"
    assert emulator.charged == 1


async def test_stopping_can_wait_for_the_requests_under_way() -> None:
    """Those are answered, and nobody else is let in."""
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
    """What hangs is cut off in the end."""
    emulator = Emulator()
    await emulator.start()
    emulator.hang()
    asked = asyncio.create_task(ask(emulator))
    await arrived(emulator, 1)
    assert await emulator.stop(grace=0.01) == 1
    with pytest.raises(aiohttp.ClientError):
        await asked


async def test_stopping_lets_a_client_finish_its_request() -> None:
    """What is left of a body is still heard, and the whole answer given to who reads slowly."""
    emulator = Emulator()
    await emulator.start()
    emulator.respond(200, bytes(20_000_000), "text/plain")
    request = raw(emulator, body_of(IMAGE))
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
    """A connection that is kept for later is closed at once."""
    emulator = Emulator()
    await emulator.start()
    async with aiohttp.ClientSession() as session:
        await ask(emulator, session=session)
        async with asyncio.timeout(PATIENCE / 2):
            assert await emulator.stop(grace=PATIENCE) == 0


def port_of(emulator: Emulator) -> int:
    """Where it listens, or did."""
    return int(emulator.url.rpartition(":")[2])


async def test_a_connection_that_brings_no_request_is_closed() -> None:
    """Neither before its first request, nor half way through its headers, nor after an answer."""

    async def hello(_: web.Request) -> web.Response:
        return web.Response(text="hello")

    app = web.Application()
    app.router.add_get("/", hello)
    async with Server(app, "127.0.0.1", 0, idle=0.05) as serving:
        for begun in (b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: e\r\nX-", GET, GET + b"GET"):
            reader, writer = await asyncio.open_connection("127.0.0.1", serving.port)
            writer.write(begun)
            async with asyncio.timeout(PATIENCE):
                heard = await closed(reader)
            assert heard.count(b"hello") == begun.count(b"\r\n\r\n")
            writer.close()


GET = b"GET / HTTP/1.1\r\nHost: e\r\n\r\n"


async def closed(reader: asyncio.StreamReader) -> bytes:
    """All that comes until the connection is closed, by whatever means."""
    heard = b""
    try:
        while chunk := await reader.read(1000):
            heard += chunk
    except ConnectionError:
        pass
    return heard


def raw(emulator: Emulator, body: bytes) -> bytes:
    """A good request as it stands on the wire."""
    lines = [f"{name}: {value}" for name, value in sign(emulator, body).items()]
    head = "\r\n".join(["POST /green/image/scan HTTP/1.1", "Host: e", *lines])
    return f"{head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


async def test_a_body_that_does_not_come_is_not_waited_for(
    virtual_clock: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that announces more than it sends is told so, and does not hold a place for ever."""
    monkeypatch.setattr("aliocr.emulator.http.endpoint.BODY_TIMEOUT", 0.05)
    async with Emulator() as emulator:
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(emulator))
        writer.write(raw(emulator, body_of(IMAGE))[:-5])
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
    """One that does not come, or not whole, is answered; and its connection closed."""
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
    """Neither while its request takes long, nor between its requests, however often it is idle."""

    async def slow(request: web.Request) -> web.Response:
        await asyncio.sleep(float(request.query["seconds"]))
        return web.Response(text="hello")

    app = web.Application()
    app.router.add_get("/", slow)
    async with Server(app, "127.0.0.1", 0, idle=10) as serving:
        reader, writer = await asyncio.open_connection("127.0.0.1", serving.port)
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
    """However slowly it does, for minutes; one that stops half way is left after a while."""
    async with Emulator() as emulator:
        emulator.respond(200, bytes(LONG), "text/plain")
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(emulator))
        writer.write(raw(emulator, body_of(IMAGE)))
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
    """Its request ends, and gives back its share of the account's quota."""
    async with Emulator(requests_per_second=None, images_in_flight=1) as emulator:
        emulator.hang(times=1)
        _, writer = await asyncio.open_connection("127.0.0.1", port_of(emulator))
        writer.write(raw(emulator, body_of(IMAGE)))
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
    """It is the connection's last then, and says so; behind a quick one all have their answers."""
    async with Emulator(requests_per_second=None) as emulator:
        emulator.delay(seconds)
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(emulator))
        writer.write(raw(emulator, body_of(IMAGE)) + GET * 200)
        heard = await closed(reader)
        writer.close()
        assert heard.count(b"HTTP/1.1 ") == answered
        assert heard.startswith(b"HTTP/1.1 200 OK")
        assert heard.count(b"Connection: close") == (answered == 1)


async def test_a_few_requests_behind_a_slow_one_are_answered(virtual_clock: None) -> None:
    """In order, each when those before it are."""
    async with Emulator(requests_per_second=None) as emulator:
        emulator.delay(3.0)
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(emulator))
        writer.write(raw(emulator, body_of(IMAGE)) + GET * 10)
        heard = await closed(reader)
        writer.close()
        assert heard.count(b"HTTP/1.1 ") == 11
