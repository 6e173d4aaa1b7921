"""The emulator as a whole: its account, its script, and the life of its parts."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Self

from aiohttp import web

from aliocr.credentials import Credentials
from aliocr.emulator import strangers
from aliocr.emulator.account import Account
from aliocr.emulator.accounts import Accounts
from aliocr.emulator.calls import Call, busiest_second
from aliocr.emulator.download import TIMEOUT, Downloader
from aliocr.emulator.endpoint import ANSWERING, Endpoint
from aliocr.emulator.script import Script
from aliocr.emulator.service import Service
from aliocr.emulator.window import WindowKind
from aliocr.limits import REQUESTS_PER_SECOND

if TYPE_CHECKING:
    from aliocr.emulator.engine import Engine
    from aliocr.emulator.recognition import Recognition

__all__ = ["Emulator"]

DEADLINE = 6.0
"""Seconds from a request's arrival to its answer. Source: "Response timeout"."""

MAX_BODY = 2 * 1024 * 1024
"""Bytes of a request, at most: twice what 100 of the longest URLs need, every letter escaped."""

BACKSTOP = 0.1
"""Seconds that aiohttp may take to close what `stop` has not aborted by itself."""


class Emulator:
    """The image OCR service in a box: one account or several, on one port of this machine.

    `async with Emulator() as emulator:`, or `start` and `stop`.

    Args:
        engine_factory: Makes an engine that reads the pictures, such as
            `aliocr.emulator.engine.RapidOCREngine`: then images of which the script knows nothing
            are really downloaded and really read. None downloads nothing and answers
            `text of {url}`.
        credentials: The account's AccessKey; None makes one up.
        accounts: Several accounts instead of one, each with its own keys, state and limits, for
            which the four arguments about the one account's are left out; see
            `aliocr.emulator.read_accounts` for a file of them.
        requests_per_second: The account's rate limit; None for none.
        images_per_second: How many images it may have read in a second, beyond which they are
            answered with 588; None for no such limit.
        images_in_flight: The same of images at one moment.
        window: How the rates are counted: a `"sliding"` log, the strictest; a `"fixed"` second; a
            token `"bucket"`. The documents do not say how the service does it.
        deadline: Seconds from a request's arrival to its answer, above 0.2, which are kept for
            answering; images not done by then are answered with 581. None waits for all.
        download_timeout: Seconds for one image, after which it is answered with 592.
        host: The address to listen at.
        port: The port; 0 takes a free one, see `url`.

    Attributes:
        credentials: What clients must sign with: the first account's first AccessKey.
        accounts: All accounts, in order; their keys and states may be changed at any time.
        script: What the emulator is told to do; takes instructions at any time.
        calls: Every request that arrived, refused ones included, in order of arrival.

    Raises:
        ValueError: A limit or a deadline that is too small; accounts together with what is said
            of the one account, none, or two of one key or uid.
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
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        if deadline is not None and deadline <= ANSWERING:
            raise ValueError(f"deadline must be above {ANSWERING} s or None, not {deadline}")
        if accounts is None:
            account = Account(
                credentials or _fresh_credentials(),
                requests_per_second,
                images_per_second=images_per_second,
                images_in_flight=images_in_flight,
                window=window,
            )
            accounts = [account]
        elif (credentials, requests_per_second, images_per_second, images_in_flight, window) != (
            (None, REQUESTS_PER_SECOND, None, None, "sliding")
        ):
            raise ValueError(
                "with accounts= leave out credentials= and the limits: each account has its own"
            )
        self.accounts = Accounts(accounts)
        self.credentials = self.accounts[0].keys[0].credentials
        self.script = Script()
        self.calls: list[Call] = []
        self._engine_factory = engine_factory
        self._deadline = deadline
        self._download_timeout = download_timeout
        self._host = host
        self._port = port
        self._stack: AsyncExitStack | None = None

    @property
    def url(self) -> str:
        """The endpoint, as `http://127.0.0.1:PORT`; known once it is started."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    def allow_images(
        self, images_per_second: float | None = None, images_in_flight: int | None = None
    ) -> None:
        """Change the first account's image quota from now on; see the constructor for the rest."""
        self.accounts[0].allow_images(images_per_second, images_in_flight)

    def busiest_second(self) -> int:
        """The most arrivals in any one second, refused ones included."""
        return busiest_second(self.calls)

    async def start(self) -> None:
        """Listen, and be ready to read pictures if an engine was given.

        Raises:
            ImportError: An engine was given, but the `emulator` extra is not installed.
            OSError: The port is taken.
            RuntimeError: It is started already.
        """
        if self._stack is not None:
            raise RuntimeError("this emulator is started already")
        async with AsyncExitStack() as stack:
            recognition = await self._open_recognition(stack)
            endpoint = Endpoint(
                self.accounts,
                self.script,
                Service(self.script, recognition),
                self.calls,
                self._deadline,
            )
            app = web.Application(client_max_size=MAX_BODY)
            app.router.add_route(
                "*", "/{path:.*}", endpoint.handle, expect_handler=strangers.expect
            )
            runner = web.AppRunner(
                app,
                handler_cancellation=True,
                auto_decompress=False,  # the checksum is of the body as it came
                access_log=None,
                logger=strangers.server_log(),
                shutdown_timeout=BACKSTOP,
            )
            await runner.setup()
            strangers.take_any_target(runner)
            stack.push_async_callback(_close, runner, endpoint)
            site = web.TCPSite(runner, self._host, self._port)
            await site.start()
            self._port = runner.addresses[0][1]
            self._stack = stack.pop_all()

    async def stop(self) -> None:
        """Stop at once: connections are closed, whatever hangs is cancelled, threads end."""
        stack, self._stack = self._stack, None
        if stack is not None:
            await stack.aclose()

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

    async def _open_recognition(self, stack: AsyncExitStack) -> Recognition | None:
        if self._engine_factory is None:
            return None
        # Here and not above, because it needs the extra.
        from aliocr.emulator.recognition import Recognition  # noqa: PLC0415

        downloader = await stack.enter_async_context(Downloader(timeout=self._download_timeout))
        recognition = Recognition(self._engine_factory, downloader)
        stack.push_async_callback(recognition.aclose)
        await recognition.start()
        return recognition


async def _close(runner: web.AppRunner, endpoint: Endpoint) -> None:
    """Stop serving at once; aiohttp alone would wait for requests and for clients to read on."""
    for site in runner.sites:
        await site.stop()
    connections = runner.server.connections if runner.server else []
    transports = [connection.transport for connection in connections]
    await endpoint.aclose()
    for transport in transports:
        if transport is not None:
            transport.abort()
    await runner.cleanup()


def _fresh_credentials() -> Credentials:
    """An AccessKey that looks like one and opens nothing else."""
    return Credentials(f"LTAI5t{secrets.token_hex(9)}", secrets.token_hex(15))
