"""The emulator on a socket: it listens, waits for no client for ever, and leaves nothing behind."""

from __future__ import annotations

import asyncio
from collections import Counter
from types import TracebackType
from typing import Self

from aiohttp import web
from aiohttp.typedefs import Handler

from aliocr.emulator import strangers

__all__ = ["Serving"]

IDLE = 75.0
"""Seconds for which a connection may bring no request, whole headers and all."""

LINGERING = 2.0
"""Seconds for a client to send what nobody reads any more."""

BACKSTOP = 0.1
"""Seconds that aiohttp may take to close what was not aborted by then."""


class Serving:
    """An application on a port of this machine, for the time of an `async with` block.

    Args:
        app: What is served.
        host: The address to listen at.
        port: The port; 0 takes a free one.
        idle: Seconds for which a connection may bring no request before it is closed.

    Attributes:
        port: Where it listens.
    """

    def __init__(self, app: web.Application, host: str, port: int, *, idle: float = IDLE) -> None:
        self.port = port
        self._host = host
        self._idle = idle
        self._busy: Counter[asyncio.BaseProtocol] = Counter()
        self._quiet = asyncio.Event()
        self._quiet.set()
        app.middlewares.append(self._counted)
        self._runner = web.AppRunner(
            app,
            handler_cancellation=True,
            auto_decompress=False,  # the checksum is of the body as it came
            access_log=None,
            logger=strangers.server_log(),
            keepalive_timeout=idle,
            lingering_time=LINGERING,
            shutdown_timeout=BACKSTOP,
        )
        self._watch: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        try:
            await self._runner.setup()
            strangers.take_any_target(self._runner)
            site = web.TCPSite(self._runner, self._host, self.port)
            await site.start()
        except BaseException:
            await self._runner.cleanup()
            raise
        self.port = self._runner.addresses[0][1]
        self._watch = asyncio.create_task(self._close_idle())
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop at once; aiohttp alone would wait for requests and for clients to read on."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.wait([self._watch])
        await self._stop_listening()
        # First of all, for a handler may wait for a client that does not read.
        for connection in self._connections():
            if connection.transport is not None:
                connection.transport.abort()
        await self._runner.cleanup()

    async def drain(self, *, within: float) -> bool:
        """Take no more connections, and wait for the requests under way.

        Args:
            within: Seconds, at most.

        Returns:
            Whether all have been answered.
        """
        await self._stop_listening()
        try:
            async with asyncio.timeout(within):
                await self._quiet.wait()
        except TimeoutError:
            return False
        return True

    async def _stop_listening(self) -> None:
        for site in self._runner.sites:
            await site.stop()
        if self._runner.server is not None:
            # Those without a request are closed now, the others after their answer.
            self._runner.server.pre_shutdown()

    def _connections(self) -> list[web.RequestHandler]:
        return self._runner.server.connections if self._runner.server else []

    @web.middleware
    async def _counted(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Handle a request, and know meanwhile that its connection has one."""
        connection = request.protocol
        self._busy[connection] += 1
        self._quiet.clear()
        try:
            return await handler(request)
        finally:
            self._busy[connection] -= 1
            if not self._busy[connection]:
                del self._busy[connection]
            if not self._busy:
                self._quiet.set()

    async def _close_idle(self) -> None:
        """Close connections that bring no request, which aiohttp does only after the first one."""
        loop = asyncio.get_running_loop()
        since: dict[asyncio.BaseProtocol, float] = {}
        while True:
            await asyncio.sleep(self._idle / 10)
            now = loop.time()
            idle = [each for each in self._connections() if each not in self._busy]
            since = {each: since.get(each, now) for each in idle}
            for connection in idle:
                if now - since[connection] >= self._idle and connection.transport is not None:
                    connection.transport.abort()
