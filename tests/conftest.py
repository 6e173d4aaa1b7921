"""What every test may use: a virtual clock that suits aiolimiter, an emulator, a session on it."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from typing import Any

import hypothesis
import looptime
import pytest

import aliocr
from aliocr.emulator import Emulator

MICROSECOND = 1e-6


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--soak` for the sizes of real jobs."""
    parser.addoption("--soak", action="store_true", help="sizes of real jobs: minutes, not seconds")


def pytest_configure(config: pytest.Config) -> None:
    """Let Hypothesis try half as many examples as it would, and twice as many with `--soak`."""
    examples = 200 if config.getoption("--soak") else 50
    hypothesis.settings.register_profile("aliocr", max_examples=examples)
    hypothesis.settings.load_profile("aliocr")


@pytest.fixture
def soak(request: pytest.FixtureRequest) -> bool:
    """Whether tests of jobs are to take the time that their full size needs."""
    return bool(request.config.getoption("--soak"))


@pytest.fixture(autouse=True)
def same_chances() -> None:
    """Jitter is drawn from the one generator there is: the same in every run."""
    random.seed(0)


@pytest.fixture
async def virtual_clock() -> None:
    """From here on the loop's clock stands still while there is work, and jumps when there is none.

    Sockets of this machine count as work.
    """
    _virtual(asyncio.get_running_loop())


@pytest.fixture
async def model_clock() -> None:
    """The same for worlds without sockets: no turn of the loop is spent on waiting for any."""
    _virtual(asyncio.get_running_loop(), noop_cycles=1)


def _virtual(running: asyncio.AbstractEventLoop, **options: Any) -> None:
    """Put a loop on a virtual clock.

    Timers run a microsecond late, as they do on a real clock at best. One that stopped exactly at
    the time of a timer can leave aiolimiter a rounding error short of its permit, for ever: it sets
    its next timer for the very same instant.
    """
    assert isinstance(running, asyncio.BaseEventLoop)
    loop: Any = looptime.patch_event_loop(running, start=running.time(), **options)
    call_at: Callable[..., asyncio.TimerHandle] = loop.call_at

    def later(when: float, *args: Any, **kwargs: Any) -> asyncio.TimerHandle:
        return call_at(when + MICROSECOND, *args, **kwargs)

    loop.call_at = later


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    """A scripted emulator, which no client may have hurried: 10 arrivals in any second at most."""
    async with Emulator() as emulator:
        yield emulator
    assert emulator.busiest_second() <= 10
    await asyncio.sleep(0)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert not left, f"left running: {left}"


@pytest.fixture
def session(emulator: Emulator) -> Callable[..., aliocr.Session]:
    """Makes sessions on the emulator's account; options as `Session` has them."""

    def make(**options: Any) -> aliocr.Session:
        defaults: dict[str, Any] = {"credentials": emulator.credentials, "endpoint": emulator.url}
        return aliocr.Session(**(defaults | options))

    return make


@pytest.fixture
async def ocr(session: Callable[..., aliocr.Session]) -> AsyncIterator[aliocr.Session]:
    """An open session on the emulator, with the defaults."""
    async with session() as ocr:
        yield ocr
