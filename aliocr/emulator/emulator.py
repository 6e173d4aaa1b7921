"""The emulator as a whole: its accounts, what it was told, and the life of its parts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from aiohttp import web

from aliocr.credentials import Credentials
from aliocr.emulator.access.account import Account
from aliocr.emulator.access.accounts import accounts_of
from aliocr.emulator.access.rate_window import WindowKind
from aliocr.emulator.calls import Call, busiest_second
from aliocr.emulator.fairness import LoopSlices
from aliocr.emulator.http import malformed
from aliocr.emulator.http.control import Control
from aliocr.emulator.http.endpoint import Endpoint, check_bounds
from aliocr.emulator.http.loop_thread import LoopThread
from aliocr.emulator.http.page import LandingPage
from aliocr.emulator.http.page_read import READ, PageReader
from aliocr.emulator.http.same_origin import same_origin
from aliocr.emulator.http.server import Server, check_address
from aliocr.emulator.reading.download import TIMEOUT, Downloader, check_timeout
from aliocr.emulator.reading.service import Service
from aliocr.emulator.script import VERBS, Script
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

    `async with Emulator() as emulator:`, or `start` and `stop`, on the running event loop. `with
    Emulator() as emulator:` runs it in a thread of its own, for tests that are not asynchronous and
    clients that block; there `asyncio.run(emulator.stop())` stops it within the block.

    Its verbs tell it what images say and what goes wrong; see `Script`. They may be called from any
    thread, at any time.

    Args:
        engine_factory: Makes an engine that reads the pictures, such as
            `aliocr.emulator.engine.RapidOCREngine`: then images of which it was told nothing are
            really downloaded and really read. None downloads nothing and answers `text of {url}`.
        credentials: The account's AccessKey; None makes one up.
        accounts: Several accounts instead of one, each with its own keys, state and limits, for
            which `credentials`, the three limits and `window` are left out; see
            `aliocr.emulator.read_accounts` for a file of them.
        requests_per_second: The account's rate limit; None for none.
        images_per_second: How many images it may have read in a second, beyond which they are
            answered with 588; None for no such limit, where the service has one:
            `Emulator(**NEW_ACCOUNT)`.
        images_in_flight: The same of images at one moment.
        window: How the rates are counted: a `"sliding"` log, the strictest; a `"fixed"` second; a
            token `"bucket"`. The documents do not say how the service does it.
        deadline: Seconds from a request's arrival to its answer, above 0.2, which are kept for
            answering; images not done by then are answered with 581. None waits for all.
        download_timeout: Seconds for one image, after which it is answered with 592.
        private_addresses: Fetch from loopback and private networks too; False answers their images
            with 401, as it must where strangers can reach the emulator.
        brief_calls: Of `calls` that are done with, keep `images` instead of `tasks` and `answers`:
            code and number of frames, not all that was read. For an emulator that runs for long.
        host: The address to listen at.
        port: The port; 0 takes a free one, see `url`.
        max_calls: How many `calls` are kept, the last ones; None for all.

    Attributes:
        credentials: What clients must sign with: the first account's first AccessKey.
        accounts: All accounts, in order; their keys and states may be changed at any time.
        calls: Every request that arrived, refused ones included, in order of arrival.

    Raises:
        ValueError: A limit or deadline that is too small or no number, no address to listen at; no
            account, two with one key or number, or accounts beside arguments of the one.
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
            accounts_of(
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
        """The endpoint, as `http://127.0.0.1:PORT`; known once it is started."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    def busiest_second(self) -> int:
        """The most arrivals in any one second, refused ones included."""
        return busiest_second(self.calls)

    @property
    def charged(self) -> int:
        """Images, or frames of them, that would have been charged for `calls`."""
        return sum(call.charged for call in self.calls)

    def reset(self) -> None:
        """Forget every instruction and every call; see `Script.reset`."""
        super().reset()
        self.calls.clear()

    async def start(self) -> None:
        """Listen, and be ready to read pictures if an engine was given.

        Inside `with Emulator()` it may be awaited on any event loop, and starts again in the
        emulator's own thread what `stop` has stopped.

        Raises:
            ImportError: An engine was given, but the `emulator` extra is not installed.
            OSError: The port is taken.
            RuntimeError: It is started already, or still stopping.
        """
        await self._at_home(self._start())

    @property
    def under_way(self) -> int:
        """How many requests have come and are not answered yet.

        0 where another server serves `application()`: that one counts its own.
        """
        return 0 if self._server is None else self._server.under_way

    async def stop(self, grace: float = 0.0) -> int:
        """Stop: connections are closed, whatever hangs is cancelled, threads end.

        On the event loop that it was started on; or on any, inside `with Emulator()`: so
        `asyncio.run(emulator.stop())` lets the service go away in the middle of a test. To cancel
        this ends the grace, never the stopping: `CancelledError` comes when all is stopped.

        Args:
            grace: Seconds, at most, for the requests under way to be answered first.

        Returns:
            How many of them were not.

        Raises:
            RuntimeError: It was started on another event loop, which the message names.
        """
        return await self._at_home(self._stop(grace))

    def application(self) -> web.Application:
        """The same as an application of aiohttp, for a server of your own.

        Such as `aiohttp.test_utils.TestServer(emulator.application())`, whose address is the
        endpoint then, not `url`. Each application has its own engines and downloads; account,
        script and calls are the emulator's.

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

        async def opened(_: web.Application) -> AsyncIterator[None]:
            async with AsyncExitStack() as stack:
                if recognition is not None:
                    await stack.enter_async_context(recognition)
                yield

        async def closed(_: web.Application) -> None:
            await endpoint.aclose()

        app = web.Application(client_max_size=MAX_BODY, middlewares=[same_origin])
        app.cleanup_ctx.append(opened)
        app.on_shutdown.append(closed)
        page = LandingPage(otherwise=endpoint.handle).show
        looked_at = (("GET", "/", page), ("HEAD", "/", page))
        read = ("POST", READ, PageReader(recognition).read)
        # The last one takes everything, line feeds included, which `.` would leave out.
        everything = ("*", r"/{path:[\s\S]*}", endpoint.handle)
        for method, path, handler in (*looked_at, read, *self._control().routes(), everything):
            app.router.add_route(method, path, handler, expect_handler=malformed.expect)
        return app

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

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        thread = self._thread
        if thread is not None:
            try:
                thread.run(self._stop())
            finally:
                thread.close()
                self._thread = None

    async def _at_home(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run it on the loop of the emulator's own thread; on the running one if it has none."""
        return await (coroutine if self._thread is None else self._thread.call(coroutine))

    async def _start(self) -> None:
        if self._server is not None:
            raise RuntimeError("this emulator is started already")
        self._server = serving = Server(self.application(), self._host, self._port)
        try:
            await serving.start()
        finally:
            self._forget(serving)
        self._port = serving.port

    async def _stop(self, grace: float = 0.0) -> int:
        serving = self._server
        if serving is None:
            return 0
        try:
            return await serving.stop(grace)
        finally:
            self._forget(serving)

    def _forget(self, serving: Server) -> None:
        """Be free to start again if this one is over; there may be another already."""
        if serving.over and self._server is serving:
            self._server = None

    def _control(self) -> Control:
        return Control([getattr(self, name) for name in VERBS], self.calls, self._status)

    def _status(self) -> dict[str, object]:
        """What the control API tells of it."""
        engine = self._engine_factory
        return {
            "version": __version__,
            "engine": None if engine is None else getattr(engine, "__name__", "an engine"),
            "deadline": self._deadline,
            **self._instructions.describe(),
            "accounts": [account.described() for account in self.accounts],
        }

    def _recognition(self, slices: LoopSlices) -> Recognition | None:
        if self._engine_factory is None:
            return None
        # Here and not above, because it needs the extra.
        with needed("emulator"):
            from aliocr.emulator.reading.recognition import Recognition  # noqa: PLC0415

        downloader = Downloader(
            timeout=self._download_timeout,
            private_addresses=self._private_addresses,
            slices=slices,
        )
        return Recognition(self._engine_factory, downloader)
