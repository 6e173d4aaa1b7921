"""Starts and stops the emulator, on the running event loop or in a thread of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Coroutine
from typing import Any, Self, TypeVar

from aiohttp import web

from aliocr.emulator.http.loop_thread import LoopThread
from aliocr.emulator.http.server import Server, check_address

T = TypeVar("T")


class Serving(ABC):
    """An emulator's life on `host` and `port`, which are as in `Emulator`."""

    def __init__(self, host: str, port: int) -> None:
        check_address(host, port)
        self._host = host
        self._port = port
        self._server: Server | None = None
        self._thread: LoopThread | None = None

    @abstractmethod
    def application(self) -> web.Application:
        """Return the emulator as an aiohttp application."""

    @property
    def url(self) -> str:
        """The endpoint, such as `http://127.0.0.1:PORT`; known after the start."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    async def start(self) -> None:
        """Listen on the port, and load the engine if there is one.

        Inside `with Emulator()`, call `start` only to start the emulator again after `stop`. The
        call may come from any event loop; the emulator runs in its own thread.

        Raises:
            ImportError: An engine was given, but the `emulator` extra is not installed.
            OSError: The port is in use.
            RuntimeError: The emulator has already started, or is still stopping.
        """
        await self._on_own_loop(self._start())

    @property
    def under_way(self) -> int:
        """The number of requests that have arrived and have no reply yet.

        0 if another server serves `application()`, because that server counts its own requests.
        """
        return 0 if self._server is None else self._server.under_way

    async def stop(self, grace: float = 0.0) -> int:
        """Close connections, cancel requests, and end threads.

        Call `stop` on the event loop on which `start` was called. Inside `with Emulator()` any
        event loop is allowed: `asyncio.run(emulator.stop())` stops the emulator in the middle of a
        test. If `stop` is cancelled, it no longer waits for requests in flight. But it still stops
        everything before it raises `CancelledError`.

        Args:
            grace: Maximum time to wait until the requests in flight are answered, in seconds.

        Returns:
            The number of requests that were not answered.

        Raises:
            RuntimeError: The emulator was started on another event loop, named in the message.
        """
        return await self._on_own_loop(self._stop(grace))

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def __enter__(self) -> Self:
        if self._thread is not None:
            raise RuntimeError("this emulator has already started")
        thread = LoopThread()
        try:
            thread.run(self._start())
        except BaseException:
            thread.close()
            raise
        self._thread = thread
        return self

    def __exit__(self, *_: object) -> None:
        thread = self._thread
        if thread is not None:
            try:
                thread.run(self._stop())
            finally:
                thread.close()
                self._thread = None

    async def _on_own_loop(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run the coroutine in the emulator's own thread; if it has none, on the running loop."""
        return await (coroutine if self._thread is None else self._thread.call(coroutine))

    async def _start(self) -> None:
        if self._server is not None:
            raise RuntimeError("this emulator has already started")
        self._server = server = Server(self.application(), self._host, self._port)
        try:
            await server.start()
        finally:
            self._forget(server)
        self._port = server.port

    async def _stop(self, grace: float = 0.0) -> int:
        server = self._server
        if server is None:
            return 0
        try:
            return await server.stop(grace)
        finally:
            self._forget(server)

    def _forget(self, server: Server) -> None:
        """Forget this server if it has ended, so that another server can start."""
        if server.is_closed and self._server is server:
            self._server = None
