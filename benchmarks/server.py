"""Canned server: a fast server that sends prepared replies, in a separate process on this machine.

The server does not verify signatures, because the benchmarks measure only the client. In the tests,
the emulator verifies signatures.
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

from benchmarks.admission import AdmissionControl
from benchmarks.control import ControlClient
from benchmarks.reply import OK, THROTTLED, CannedReplies, http_response, tasks_of
from benchmarks.service import Quotas, Service

START_TIMEOUT = 30.0
"""Timeout for the start of the server process, which imports its modules, in seconds."""


class Server:
    """A server process that runs until the end of a `with` block.

    Args:
        service: Description of the behaviour of the server.
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
    def control(self) -> ControlClient:
        """Client that reads the counts and sets the quotas of this server."""
        return ControlClient(self.url)


def _serve(service: Service, pipe: Connection) -> None:
    asyncio.run(_listen(service, pipe))


async def _listen(service: Service, pipe: Connection) -> None:
    loop = asyncio.get_running_loop()
    state = _ServerState(service)
    server = await loop.create_server(
        lambda: _ServerConnection(state), "127.0.0.1", 0, backlog=1024
    )
    closed = asyncio.Event()
    # The parent process sends nothing, so the pipe becomes readable only when the parent closes it
    # or ends. Then the server ends, too.
    loop.add_reader(pipe.fileno(), closed.set)
    pipe.send(server.sockets[0].getsockname()[1])
    await closed.wait()
    loop.remove_reader(pipe.fileno())
    server.close()


class _ServerState:
    """State that all connections share."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.admission = AdmissionControl(service)
        self.replies = CannedReplies(service.regions, service.seed)
        self.poison = None if service.poison is None else service.poison.encode()
        self._dice = random.Random(service.seed)

    def network_delay(self) -> float:
        """Return a random network delay in seconds."""
        return self._dice.uniform(0.0, self.service.jitter)


class _ServerConnection(asyncio.Protocol):
    """A connection that handles one request at a time."""

    _transport: asyncio.Transport

    def __init__(self, state: _ServerState) -> None:
        self._state = state
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - create_server promises it
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
            self._write(http_response(OK, msgspec.json.encode(self._state.admission.counts())))
        elif head.startswith(b"put /quotas "):
            self._state.admission.allow(msgspec.json.decode(body, type=Quotas))
            self._write(http_response(OK, b"{}"))
        else:
            self._later(self._state.network_delay(), self._arrive, body)

    def _later(self, seconds: float, step: Callable[[bytes], None], data: bytes) -> None:
        if seconds > 0:
            self._loop.call_later(seconds, step, data)
        else:
            step(data)

    def _arrive(self, body: bytes) -> None:
        """Count a request that has arrived at the service, and answer it after the service time."""
        state, now = self._state, self._loop.time()
        tasks = tasks_of(body)
        if not state.admission.admit(len(tasks), now):
            self._later(state.network_delay(), self._write, THROTTLED)
            return
        if state.poison is not None and state.poison in body:
            return
        codes = state.admission.judge(tasks, now)

        def answer(_: bytes) -> None:
            state.admission.release(codes)
            reply = http_response(OK, state.replies.reply(tasks, codes))
            self._later(state.network_delay(), self._write, reply)

        self._later(state.service.seconds, answer, b"")

    def _write(self, response: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(response)
