"""A lean canned server in a process of its own, on a free port of the loopback.

It verifies nothing: what it is to measure is the client, and the emulator judges that elsewhere.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import random
from collections.abc import Callable
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self

import msgspec

from benchmarks.control import Control
from benchmarks.ledger import Ledger
from benchmarks.reply import OK, THROTTLED, Pictures, http_response, tasks_of
from benchmarks.service import Quotas, Service

__all__ = ["Server"]

START_TIMEOUT = 30.0
"""Seconds for the process to import what it needs and to listen."""


class Server:
    """A server process for the time of a `with`.

    Args:
        service: How it behaves.
    """

    def __init__(self, service: Service) -> None:
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(service, theirs), daemon=True)
        self._theirs = theirs
        self.url = ""

    def __enter__(self) -> Self:
        self._process.start()
        self._theirs.close()
        if not self._ours.poll(START_TIMEOUT):
            raise TimeoutError("the server process did not start")
        self.url = f"http://127.0.0.1:{self._ours.recv()}"
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ours.close()
        self._process.join()

    @property
    def control(self) -> Control:
        """Reads its counts and changes its quotas."""
        return Control(self.url)


def _serve(service: Service, pipe: Connection) -> None:
    asyncio.run(_listen(service, pipe))


async def _listen(service: Service, pipe: Connection) -> None:
    loop = asyncio.get_running_loop()
    desk = _Desk(service)
    server = await loop.create_server(lambda: _Caller(desk), "127.0.0.1", 0, backlog=1024)
    orphaned = asyncio.Event()
    # Readable means closed: nothing is ever sent this way. So no server outlives its owner.
    loop.add_reader(pipe.fileno(), orphaned.set)
    pipe.send(server.sockets[0].getsockname()[1])
    await orphaned.wait()
    loop.remove_reader(pipe.fileno())
    server.close()


class _Desk:
    """What all connections share."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.ledger = Ledger(service)
        self.pictures = Pictures(service.regions, service.seed)
        self.poison = None if service.poison is None else service.poison.encode()
        self._dice = random.Random(service.seed)

    def on_the_way(self) -> float:
        """Seconds that the network takes this time."""
        return self._dice.uniform(0.0, self.service.jitter)


class _Caller(asyncio.Protocol):
    """One connection, one request at a time."""

    _transport: asyncio.Transport

    def __init__(self, desk: _Desk) -> None:
        self._desk = desk
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - create_server's promise
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._buffer[:end]).lower()
        _, _, length = head.partition(b"\r\ncontent-length:")
        whole = end + 4 + int(length.split(b"\r\n", 1)[0] or 0)
        if len(self._buffer) < whole:
            return
        body = bytes(self._buffer[end + 4 : whole])
        del self._buffer[:whole]
        if head.startswith(b"get /counts "):
            self._write(http_response(OK, msgspec.json.encode(self._desk.ledger.counts())))
        elif head.startswith(b"put /quotas "):
            self._desk.ledger.allow(msgspec.json.decode(body, type=Quotas))
            self._write(http_response(OK, b"{}"))
        else:
            self._later(self._desk.on_the_way(), self._arrive, body)

    def _later(self, seconds: float, step: Callable[[bytes], None], data: bytes) -> None:
        if seconds > 0:
            self._loop.call_later(seconds, step, data)
        else:
            step(data)

    def _arrive(self, body: bytes) -> None:
        """The request is at the service: it is counted now."""
        desk, now = self._desk, self._loop.time()
        tasks = tasks_of(body)
        if not desk.ledger.admit(len(tasks), now):
            self._later(desk.on_the_way(), self._write, THROTTLED)
            return
        if desk.poison is not None and desk.poison in body:
            return
        codes = desk.ledger.judge(tasks, now)

        def answer(_: bytes) -> None:
            desk.ledger.release(codes)
            reply = http_response(OK, desk.pictures.reply(tasks, codes))
            self._later(desk.on_the_way(), self._write, reply)

        self._later(desk.service.seconds, answer, b"")

    def _write(self, response: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(response)
