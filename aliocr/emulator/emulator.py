"""The emulator: its accounts, its script, and starting and stopping of its parts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Self, TypeVar

from aiohttp import web

from aliocr.credentials import Credentials
from aliocr.emulator.access.account import Account
from aliocr.emulator.access.accounts import make_accounts
from aliocr.emulator.access.rate_window import WindowKind
from aliocr.emulator.calls import Call, busiest_second
from aliocr.emulator.fairness import LoopSlices
from aliocr.emulator.http import malformed
from aliocr.emulator.http.control import Control
from aliocr.emulator.http.endpoint import Endpoint, check_bounds
from aliocr.emulator.http.loop_thread import LoopThread
from aliocr.emulator.http.page import landing_page
from aliocr.emulator.http.page_read import READ, PageReader
from aliocr.emulator.http.same_origin import same_origin
from aliocr.emulator.http.server import Server, check_address
from aliocr.emulator.reading.download import TIMEOUT, Downloader, check_timeout
from aliocr.emulator.reading.service import Service
from aliocr.emulator.script import Script
from aliocr.extras import needed
from aliocr.limits import REQUESTS_PER_SECOND
from aliocr.version import __version__

if TYPE_CHECKING:
    from aliocr.emulator.engine import Engine
    from aliocr.emulator.reading.recognition import Recognition

T = TypeVar("T")

DEADLINE = 6.0
"""Seconds from a request's arrival to its answer. Source: "Response timeout"."""

MAX_BODY = 2 * 1024 * 1024
"""Bytes of a request, at most: twice what 100 of the longest URLs need, every letter escaped."""


class Emulator(Script):
    """The image OCR service in a box: one account or several, on one port of this machine.

    `async with Emulator() as emulator:`, or `start` and `stop`, run it on the running event loop.
    `with Emulator() as emulator:` runs it in its own thread, for tests that are not asynchronous
    and clients that block; there `asyncio.run(emulator.stop())` stops it within the block.

    The methods of `Script` set what images say and which faults happen. They may be called from any
    thread, at any time.

    Args:
        engine_factory: Makes an engine that reads the pictures, such as
            `aliocr.emulator.engine.RapidOCREngine`: images without an instruction are then really
            downloaded and really read. None downloads nothing and answers `text of {url}`.
        credentials: The account's AccessKey; None makes one up.
        accounts: Several accounts instead of one, each with its own keys, state and limits;
            `credentials`, the three limits and `window` are then left out. See
            `aliocr.emulator.read_accounts` for a file of accounts.
        requests_per_second: The account's rate limit; None for none.
        images_per_second: The account's image quota: further images of a second are answered with
            588. None for no such limit, though the service has one: `Emulator(**NEW_ACCOUNT)`.
        images_in_flight: The same for images at one moment.
        window: The way rates are counted: a `"sliding"` log, the strictest; a `"fixed"` second; a
            token `"bucket"`. The documents do not say which one the service uses.
        deadline: Seconds from a request's arrival to its reply, above the 0.2 that are kept for
            writing it; images not done by then are answered with 581. None waits for all.
        download_timeout: Seconds for one image, after which it is answered with 592.
        private_addresses: Fetch from loopback and private networks too. False answers such images
            with 401, which is necessary if others can reach the emulator.
        brief_calls: When a request is done, keep `images` (code and number of frames) instead of
            `tasks` and `answers` (all that was read). For an emulator that runs for long.
        host: The address to listen at.
        port: The port; 0 takes a free one, see `url`.
        max_calls: Number of `calls` to keep, the last ones; None for all.

    Attributes:
        credentials: The AccessKey that clients sign with: the first account's first one.
        accounts: All accounts, in order; their keys and states may be changed at any time.
        calls: Every request that arrived, refused ones included, in order of arrival.

    Raises:
        ValueError: A limit or deadline is too small or not a number; no address to listen at; no
            account, two with the same key or number, or `accounts` together with arguments for one.
    """

    def __init__(
        self,
        engine_factory: Callable[[], Engine] | None = None,
        *,
        credentials: Credentials | None = None,
        accounts: Sequence[Account] | None = None,
        requests_per_second: float | None = REQUESTS_PER_SECOND,
        images_per_second: float | None = None,
        images_in_flight: int | None = None,
        window: WindowKind = "sliding",
        deadline: float | None = DEADLINE,
        download_timeout: float = TIMEOUT,
        private_addresses: bool = True,
        brief_calls: bool = False,
        host: str = "127.0.0.1",
        port: int = 0,
        max_calls: int | None = None,
    ) -> None:
        if engine_factory is not None and not callable(engine_factory):
            raise ValueError(f"engine_factory must make an engine or be None, not {engine_factory}")
        check_bounds(deadline, max_calls)
        check_timeout(download_timeout)
        check_address(host, port)
        super().__init__(
            make_accounts(
                accounts,
                credentials,
                requests_per_second,
                images_per_second=images_per_second,
                images_in_flight=images_in_flight,
                window=window,
            )
        )
        self.credentials = self.accounts[0].keys[0].credentials
        self.calls: list[Call] = []
        self._engine_factory = engine_factory
        self._deadline = deadline
        self._download_timeout = download_timeout
        self._private_addresses = private_addresses
        self._brief_calls = brief_calls
        self._host = host
        self._port = port
        self._max_calls = max_calls
        self._server: Server | None = None
        self._thread: LoopThread | None = None

    @property
    def url(self) -> str:
        """The endpoint, as `http://127.0.0.1:PORT`; known after the start."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    def busiest_second(self) -> int:
        """Return the most arrivals in any one second, refused requests included."""
        return busiest_second(self.calls)

    @property
    def charged(self) -> int:
        """Images, or frames of them, that would have been charged for `calls`."""
        return sum(call.charged for call in self.calls)

    def reset(self) -> None:
        """Remove every instruction and every call; see `Script.reset`."""
        super().reset()
        self.calls.clear()

    async def start(self) -> None:
        """Listen, and load the engine if one was given.

        Inside `with Emulator()`, `start` may be awaited on any event loop, and starts the emulator
        again after `stop`, in the emulator's own thread.

        Raises:
            ImportError: An engine was given, but the `emulator` extra is not installed.
            OSError: The port is taken.
            RuntimeError: The emulator is started already, or still stopping.
        """
        await self._on_own_loop(self._start())

    @property
    def under_way(self) -> int:
        """The number of requests that have arrived and have no reply yet.

        0 if another server serves `application()`, since that server counts its own.
        """
        return 0 if self._server is None else self._server.under_way

    async def stop(self, grace: float = 0.0) -> int:
        """Close connections, cancel requests, and end threads.

        Call it on the event loop of the start; inside `with Emulator()` on any:
        `asyncio.run(emulator.stop())` makes the service disappear in the middle of a test. A
        cancellation ends the grace, never the stop: `CancelledError` is raised when all is stopped.

        Args:
            grace: Seconds that the requests under way have to be answered, at most.

        Returns:
            The number of requests that were not answered.

        Raises:
            RuntimeError: The emulator was started on another event loop, named in the message.
        """
        return await self._on_own_loop(self._stop(grace))

    def application(self) -> web.Application:
        """Return the emulator as an aiohttp application, for a server of your own.

        For example `aiohttp.test_utils.TestServer(emulator.application())`: the endpoint is then
        the server's address, not `url`. Each application has its own engines and downloads;
        accounts, script and calls are the emulator's.

        Raises:
            ImportError: An engine was given, but the `emulator` extra is not installed.
        """
        slices = LoopSlices()
        recognition = self._recognition(slices)
        endpoint = Endpoint(
            self.accounts,
            self._instructions,
            Service(self._instructions, recognition, slices),
            slices,
            calls=self.calls,
            deadline=self._deadline,
            max_calls=self._max_calls,
            brief_calls=self._brief_calls,
        )

        reader: AbstractAsyncContextManager[object] = recognition or nullcontext()

        async def open_reader(_: web.Application) -> AsyncIterator[None]:
            async with reader:
                yield

        app = web.Application(client_max_size=MAX_BODY, middlewares=[same_origin])
        app.cleanup_ctx.append(open_reader)
        app.on_shutdown.append(lambda _: endpoint.aclose())
        page = landing_page(otherwise=endpoint.handle)
        routes = (
            ("GET", "/", page),
            ("HEAD", "/", page),
            ("POST", READ, PageReader(recognition).read),
            *Control(self, self.calls, self._status).routes(),
            # All other paths; unlike `.` the pattern matches line feeds too.
            ("*", r"/{path:[\s\S]*}", endpoint.handle),
        )
        for method, path, handler in routes:
            app.router.add_route(method, path, handler, expect_handler=malformed.handle_expect)
        return app

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def __enter__(self) -> Self:
        if self._thread is not None:
            raise RuntimeError("this emulator is started already")
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
        """Run the coroutine in the emulator's own thread; without one, on the running loop."""
        return await (coroutine if self._thread is None else self._thread.call(coroutine))

    async def _start(self) -> None:
        if self._server is not None:
            raise RuntimeError("this emulator is started already")
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
        """Forget a server that has ended, so that another can start; it may have already."""
        if server.is_closed and self._server is server:
            self._server = None

    def _status(self) -> dict[str, object]:
        engine = self._engine_factory
        return {
            "version": __version__,
            "engine": None if engine is None else getattr(engine, "__name__", "an engine"),
            "deadline": self._deadline,
            **self._instructions.describe(),
            "accounts": [account.described() for account in self.accounts],
            "calls": len(self.calls),
            "charged": self.charged,
        }

    def _recognition(self, slices: LoopSlices) -> Recognition | None:
        if self._engine_factory is None:
            return None
        # Imported here because it needs the extra.
        with needed("emulator"):
            from aliocr.emulator.reading.recognition import Recognition  # noqa: PLC0415

        downloader = Downloader(
            timeout=self._download_timeout,
            private_addresses=self._private_addresses,
            slices=slices,
        )
        return Recognition(self._engine_factory, downloader)
