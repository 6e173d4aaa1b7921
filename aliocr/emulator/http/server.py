"""The emulator on a socket: it listens, waits for no client for ever, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from contextlib import suppress
from types import TracebackType
from typing import Self

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.typedefs import Handler

from aliocr.checks import is_count
from aliocr.emulator.http import malformed
from aliocr.emulator.shielded import shielded

IDLE = 75.0
"""Seconds for which a connection may bring no request, whole headers and all, nor take anything of
its answer."""

LINGERING = 2.0
"""Seconds for a client to send what nobody reads any more."""

SEND_BUFFER = 256 * 1024
"""Bytes that the system holds of an answer. Left to itself it holds megabytes, and whether a client
that reads slowly has taken any shows only once a third of them is gone."""

UNHEARD = 1.0
"""Seconds that a request may take while its client sends more than is read: others behind it."""

BACKSTOP = 0.1
"""Seconds that aiohttp may take to close what was not aborted by then."""


def check_address(host: str, port: int) -> None:
    """Refuse what nothing can listen at, whatever machine this is.

    Raises:
        ValueError: No host, which would be every address without a word; or no such port.
    """
    if not isinstance(host, str) or not host:
        raise ValueError(f"host must be an address, 0.0.0.0 for every one, not {host!r}")
    if not is_count(port) or port > 65_535:
        raise ValueError(f"port must be from 0, for a free one, to 65535, not {port!r}")


class _DisconnectWatch:
    """Notices that a client leaves while its request is under way, however much it has sent.

    From one that sends a few dozen requests without waiting for the first answer aiohttp reads no
    more, and so never hears that it has gone: the first would go on for ever, if it hangs, and keep
    its images of the quota. So one that takes long is the connection's last. What comes behind it
    is read and dropped, which HTTP allows for what is not answered when a connection closes.

    Attributes:
        last: No other request of the connection will be handled.
    """

    def __init__(self, request: web.Request) -> None:
        self.last = False
        self._request = request
        self._timer = self._set()

    def close(self) -> None:
        """Look no more."""
        self._timer.cancel()

    def _set(self) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(UNHEARD, self._look)

    def _look(self) -> None:
        transport = self._request.transport
        if transport is None or transport.is_closing():
            return
        # While its own body is not taken in, that is what the reading waits for.
        if self._request.content.at_eof() and not transport.is_reading():
            self.last = True
            self._request.protocol.close()
            transport.resume_reading()
        else:
            self._timer = self._set()


class Server:
    """An application on a port of this machine, for the time of an `async with` block.

    Args:
        app: What is served.
        host: The address to listen at.
        port: The port; 0 takes a free one.
        idle: Seconds for which a connection may bring no request, and take nothing of its answer,
            before it is closed.

    Attributes:
        port: Where it listens.
    """

    def __init__(self, app: web.Application, host: str, port: int, *, idle: float = IDLE) -> None:
        self.port = port
        self._host = host
        self._idle = idle
        self._busy: Counter[asyncio.BaseProtocol] = Counter()
        self._since: dict[web.RequestHandler, tuple[float, int]] = {}
        self._writers: dict[web.RequestHandler, AbstractStreamWriter] = {}
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._closing = False
        app.middlewares.append(self._counted)
        self._runner = web.AppRunner(
            app,
            handler_cancellation=True,
            auto_decompress=False,  # the checksum is of the body as it came
            access_log=None,
            logger=malformed.server_log(),
            keepalive_timeout=idle,
            lingering_time=LINGERING,
            shutdown_timeout=BACKSTOP,
        )
        self._watch: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._starting: asyncio.Task[None]
        self._ending: asyncio.Task[None] | None = None
        self._cut_off = 0

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen; once only. A cancellation is raised when all is closed again.

        Raises:
            OSError: The port is taken.
        """
        self._loop = asyncio.get_running_loop()
        self._starting = asyncio.create_task(self._open())
        try:
            # Cancelled half way, asyncio would lose a socket that listens already.
            await shielded(self._starting)
        except BaseException:
            await self._end()
            raise

    async def stop(self, grace: float = 0.0) -> int:
        """End it, all of it: a cancellation only ends the grace, and is raised in the end.

        Whoever else stops it meanwhile waits for the same end. If it is being started, that is
        waited for.

        Args:
            grace: Seconds, at most, for the requests under way to be answered first.

        Returns:
            How many of them have not been answered, or not been given the whole answer.

        Raises:
            RuntimeError: It was started on another event loop.
        """
        if asyncio.get_running_loop() is not self._loop:
            raise RuntimeError(
                f"this was started on another event loop, {self._loop!r}, and stops only there"
            )
        try:
            if grace > 0:
                await asyncio.wait((self._starting,))
                await self._drain(grace)
        finally:
            await self._end()
        return self._cut_off

    @property
    def over(self) -> bool:
        """Whether it has ended, and all that was its own with it."""
        return self._ending is not None and self._ending.done()

    @property
    def under_way(self) -> int:
        """How many requests have come and are not answered yet."""
        return sum(self._busy.values())

    async def _open(self) -> None:
        await self._runner.setup()
        malformed.take_any_target(self._runner)
        site = web.TCPSite(self._runner, self._host, self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self._watch = asyncio.create_task(self._close_idle())

    async def _end(self) -> None:
        """Have it closed once, by a task that nobody's cancellation reaches."""
        if self._ending is None:
            self._ending = asyncio.create_task(self._close())
        await shielded(self._ending)

    async def _close(self) -> None:
        """Stop at once; aiohttp alone would wait for requests and for clients to read on."""
        await asyncio.wait((self._starting,))
        self._cut_off = len(self._connections()) if self._closing else self.under_way
        await self._stop_listening()
        # First of all, for a handler may wait for a client that does not read.
        for connection in self._connections():
            if connection.transport is not None:
                connection.transport.abort()
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.wait((self._watch,))
        await self._runner.cleanup()

    async def _drain(self, within: float) -> None:
        """Take no more connections, and wait for the requests under way, or for the end."""
        await self._stop_listening()
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._quiet.wait()
                # Each is closed with its answer, but the last of that may still be on its way.
                while self._connections():  # noqa: ASYNC110 (nothing tells when they are)
                    await asyncio.sleep(BACKSTOP / 10)

    async def _stop_listening(self) -> None:
        self._closing = True
        for site in self._runner.sites:
            await site.stop()
        # Those without a request: aiohttp's own way would leave them open and unheard, and would
        # have the others heed no more of what they receive, which may be the rest of a body.
        for connection in self._connections():
            if connection not in self._busy:
                connection.close()
                if connection.transport is not None:
                    connection.transport.close()

    def _connections(self) -> list[web.RequestHandler]:
        return self._runner.server.connections if self._runner.server else []

    @web.middleware
    async def _counted(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Handle a request, and know meanwhile that its connection has one."""
        connection = request.protocol
        self._busy[connection] += 1
        self._since.pop(connection, None)
        self._writers[connection] = request.writer
        if (end := request.get_extra_info("socket")) is not None:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        self._quiet.clear()
        lookout = _DisconnectWatch(request)
        try:
            response = await handler(request)
            if (self._closing or lookout.last) and not response.prepared:
                response.force_close()
            return response
        finally:
            lookout.close()
            self._busy[connection] -= 1
            if not self._busy[connection]:
                del self._busy[connection]
            if not self._busy:
                self._quiet.set()

    async def _close_idle(self) -> None:
        """Close connections that bring no request, which aiohttp does only after the first one.

        One that reads a long answer, however slowly, is in use: what it has taken is looked at, as
        its handler has returned long ago.
        """
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._idle / 10)
            now, connections = loop.time(), self._connections()
            written = self._writers
            self._writers = {each: written[each] for each in connections if each in written}
            idle = {each: self._sent(each) for each in connections if each not in self._busy}
            for connection, sent in idle.items():
                since, before = self._since.get(connection, (now, sent))
                self._since[connection] = (now if sent != before else since, sent)
            self._since = {each: self._since[each] for each in idle}
            for connection, (since, _) in self._since.items():
                if now - since >= self._idle and connection.transport is not None:
                    connection.transport.abort()

    def _sent(self, connection: web.RequestHandler) -> int:
        """Bytes of the connection's last answer that the system has taken."""
        writer, transport = self._writers.get(connection), connection.transport
        if writer is None or transport is None:
            return 0
        return writer.output_size - transport.get_write_buffer_size()
