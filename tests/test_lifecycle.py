"""Whole programs from start to end, each in a loop of its own: nothing outlives its owner."""

import asyncio
import gc
import warnings
from collections.abc import Coroutine
from typing import Any, TypeVar

import aiohttp
import pytest

from aliocr import Credentials, Limits, Session
from aliocr.dispatch.registry import throttle_of
from aliocr.dispatch.throttle import AccountThrottle
from aliocr.emulator import Emulator

T = TypeVar("T")


def _run(program: Coroutine[Any, Any, T]) -> T:
    """As `asyncio.run` with its debug mode on, but hands off the loop that pytest-asyncio set."""
    with asyncio.Runner(debug=True, loop_factory=asyncio.new_event_loop) as runner:
        return runner.run(program)


def test_leaving_leaves_no_socket_and_no_warning() -> None:
    """After a whole run with a stream broken off, nothing complains when it is collected."""

    async def main() -> None:
        async with (
            Emulator() as emulator,
            Session(credentials=emulator.credentials, endpoint=emulator.url) as ocr,
        ):
            async for _ in ocr.stream(f"https://example.com/{n}.png" for n in range(150)):
                break
            assert repr(ocr) == f"<Session {emulator.url}>"

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _run(main())
        gc.collect()


def test_making_a_session_touches_no_loop() -> None:
    """It can be made at import time, and used in a loop that starts later."""
    emulator = Emulator()
    made = Session(credentials=emulator.credentials, endpoint="http://127.0.0.1:1", max_retries=0)

    async def main() -> None:
        async with made as ocr:
            await ocr.scan_many([])

    _run(main())


def test_each_loop_has_its_own_account() -> None:
    """A second loop neither warns nor waits for the first."""

    async def get() -> AccountThrottle:
        account = throttle_of("a", Limits())
        await account.limiter.acquire()
        return account

    assert _run(get()) is not _run(get())


def test_a_session_says_that_it_belongs_to_another_loop() -> None:
    """From every verb, at once, with what to do; its own loop goes on unharmed."""
    url = "https://example.com/a.png"

    async def elsewhere(ocr: Session) -> list[str]:
        said = []
        for verb in (
            lambda: ocr.scan(url),
            lambda: ocr.scan_many([url]),
            lambda: anext(ocr.stream([url])),
            lambda: ocr.__aexit__(None, None, None),
        ):
            with pytest.raises(RuntimeError) as caught:
                await verb()
            said.append(str(caught.value))
        return said

    async def here() -> None:
        async with (
            Emulator() as emulator,
            Session(endpoint=emulator.url, credentials=emulator.credentials) as ocr,
        ):
            said = await asyncio.to_thread(lambda: asyncio.run(elsewhere(ocr)))
            assert all("opened on another event loop" in words for words in said)
            assert len(said) == 4
            assert (await ocr.scan(url)).ok

    _run(here())


def test_a_connection_pool_of_another_loop_is_refused() -> None:
    """When the session is opened, and not as a hanging request."""

    async def make() -> aiohttp.ClientSession:
        return aiohttp.ClientSession()

    async def use(http: aiohttp.ClientSession) -> None:
        with pytest.raises(RuntimeError, match="http= belongs to another event loop"):
            await Session(credentials=Credentials("id", "secret"), http=http).__aenter__()

    new = asyncio.new_event_loop
    with asyncio.Runner(loop_factory=new) as runner:
        http = runner.run(make())
        with asyncio.Runner(loop_factory=new) as other:
            other.run(use(http))
        runner.run(http.close())
