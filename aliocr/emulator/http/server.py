"""The web server: listens on a port, closes idle connections, and stops completely."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.typedefs import Handler

from aliocr.checks import is_count
from aliocr.emulator.http import malformed
from aliocr.emulator.shielded import shielded

IDLE = 75.0
"""Time after which an idle connection is closed, in seconds. A connection is idle while its client
neither completes the headers of a request nor takes bytes of a reply."""

LINGERING = 2.0
"""Maximum time that a client may continue to send its body after the reply, in seconds. These bytes
are dropped."""

SEND_BUFFER = 256 * 1024
"""Size of the system's send buffer for a connection, in bytes. Reason: the default buffer holds
megabytes, and takes more bytes only when a third of the buffer is free. Until then, a slow client
that takes bytes would look idle."""

UNHEARD = 1.0
"""Time after which a request becomes the last request of its connection, in seconds, if aiohttp has
stopped reading from the connection; see `_DisconnectWatch`."""

BACKSTOP = 0.1
"""Maximum time for aiohttp to close connections that `Server` has not aborted, in seconds."""


def check_address(host: str, port: int) -> None:
    """Raise ValueError for a wrong port or an empty host, which would mean every address."""
    if not isinstance(host, str) or not host:
        raise ValueError(
            f"host must be an address, such as 0.0.0.0 for every address, not {host!r}"
        )
    if not is_count(port) or port > 65_535:
        raise ValueError(f"port must be from 1 to 65535, or 0 for a free port, not {port!r}")


class _DisconnectWatch:
    """Notices if a client disconnects during its request, even if it has sent further requests.

    If a client has sent a few dozen requests without waiting for the first reply, aiohttp stops
    reading and does not notice a disconnect. A request that hangs would then hang for ever and keep
    its part of the image quota. So a request that takes long becomes the last request of its
    connection. The requests after it are read and dropped; HTTP allows this if the connection then
    closes.

    Attributes:
        last: True if no further request of the connection will be handled.
    """

    def __init__(self, request: web.Request) -> None:
        self.last = False
        self._request = request
        self._timer = self._set()

    def close(self) -> None:
        """Stop watching."""
        self._timer.cancel()

    def _set(self) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(UNHEARD, self._look)

    def _look(self) -> None:
        transport = self._request.transport
        if transport is None or transport.is_closing():
            return
        # Until the whole body has arrived, aiohttp may pause reading only because of the body.
        if self._request.content.at_eof() and not transport.is_reading():
            self.last = True
            self._request.protocol.close()
            transport.resume_reading()
        else:
            self._timer = self._set()


class Server:
    """Serves an application on a port; port 0 takes a free port, which is then in `port`."""

    def __init__(self, app: web.Application, host: str, port: int, *, idle: float = IDLE) -> None:
        self.port = port
        self._host = host
        self._idle = idle
        self._busy: Counter[asyncio.BaseProtocol] = Counter()
        self._since: dict[web.RequestHandler, tuple[float, int]] = {}
        self._writers: dict[web.RequestHandler, AbstractStreamWriter] = {}
        self._closing = False
        app.middlewares.append(self._track)
        self._runner = web.AppRunner(
            app,
            handler_cancellation=True,
            auto_decompress=False,  # because Content-MD5 is computed from the body as received
            access_log=None,
            logger=malformed.server_log(),
            keepalive_timeout=idle,
            lingering_time=LINGERING,
            shutdown_timeout=BACKSTOP,
        )
        self._idle_watch: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._starting: asyncio.Task[None]
        self._ending: asyncio.Task[None] | None = None
        self._cut_off = 0

    async def start(self) -> None:
        """Listen on the port; may be called only once.

        If the start is cancelled, everything is closed again before `CancelledError` is raised.
        """
        self._loop = asyncio.get_running_loop()
        self._starting = asyncio.create_task(self._open())
        try:
            # Shielded, because a cancelled start would lose a socket that already listens.
            await shielded(self._starting)
        except BaseException:
            await self._end()
            raise

    async def stop(self, grace: float = 0.0) -> int:
        """Stop, and return the number of requests without a complete reply.

        `grace` is the maximum time to wait for the requests in flight, in seconds. If `stop` is
        cancelled, this wait ends, and everything is closed before `CancelledError` is raised. A
        second call while `stop` runs waits for the same closing. If `start` still runs, `stop`
        waits until `start` has ended.
        """
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            raise RuntimeError(
                "the server was started on another event loop and must be stopped there: "
                f"{self._loop!r}"
            )
        try:
            if grace > 0:
                await asyncio.wait((self._starting,))
                await self._stop_listening()
                until = loop.time() + grace
                # Wait for connections too, because the last bytes of a reply may not be sent yet.
                while (self._busy or self._connections()) and loop.time() < until:  # noqa: ASYNC110
                    await asyncio.sleep(BACKSTOP / 10)
        finally:
            await self._end()
        return self._cut_off

    @property
    def is_closed(self) -> bool:
        """True if the server, its connections and its tasks have ended."""
        return self._ending is not None and self._ending.done()

    @property
    def under_way(self) -> int:
        """The number of requests that have arrived and have no reply yet."""
        return sum(self._busy.values())

    async def _open(self) -> None:
        await self._runner.setup()
        malformed.accept_any_target(self._runner)
        site = web.TCPSite(self._runner, self._host, self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self._idle_watch = asyncio.create_task(self._close_idle())

    async def _end(self) -> None:
        """Close once, in a task shielded from cancellation."""
        if self._ending is None:
            self._ending = asyncio.create_task(self._close())
        await shielded(self._ending)

    async def _close(self) -> None:
        """Stop immediately; aiohttp alone would wait for requests and for slow clients."""
        await asyncio.wait((self._starting,))
        self._cut_off = len(self._connections()) if self._closing else self.under_way
        await self._stop_listening()
        # Abort the connections before the cleanup. A handler may wait for a client that does not
        # read, and the cleanup would wait for this handler.
        for connection in self._connections():
            if connection.transport is not None:
                connection.transport.abort()
        if self._idle_watch is not None:
            self._idle_watch.cancel()
            await asyncio.wait((self._idle_watch,))
        await self._runner.cleanup()

    async def _stop_listening(self) -> None:
        self._closing = True
        for site in self._runner.sites:
            await site.stop()
        # Close only the connections without a request. aiohttp's own method would leave them open
        # and never read from them again. It would also stop reading from the connections that have
        # a request, even in the middle of a body.
        for connection in self._connections():
            if connection not in self._busy:
                connection.close()
                if connection.transport is not None:
                    connection.transport.close()

    def _connections(self) -> list[web.RequestHandler]:
        return self._runner.server.connections if self._runner.server else []

    @web.middleware
    async def _track(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        connection = request.protocol
        self._busy[connection] += 1
        self._since.pop(connection, None)
        self._writers[connection] = request.writer
        if (end := request.get_extra_info("socket")) is not None:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        watch = _DisconnectWatch(request)
        try:
            response = await handler(request)
            if (self._closing or watch.last) and not response.prepared:
                response.force_close()
            return response
        finally:
            watch.close()
            self._busy[connection] -= 1
            if not self._busy[connection]:
                del self._busy[connection]

    async def _close_idle(self) -> None:
        """Close idle connections; aiohttp does this only for connections that had a request.

        A client that reads a long reply slowly is not idle, although the handler has returned. So
        each check compares the number of bytes taken so far with the number at the check before.
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
        """Return the number of bytes of the last reply that the system has taken."""
        writer, transport = self._writers.get(connection), connection.transport
        if writer is None or transport is None:
            return 0
        return writer.output_size - transport.get_write_buffer_size()
