"""The permit keeps every second under the limit, for whoever asks and however."""

import asyncio
import random

import pytest

from aliocr import Limits, PacedLimiter, StrictLimiter
from aliocr.dispatch.registry import throttle_of
from aliocr.emulator.access.rate_window import WINDOWS, WindowKind, make_rate_window

pytestmark = pytest.mark.usefixtures("model_clock")


def _busiest(times: list[float], window: float = 1.0) -> int:
    """The most permits within any half-open window of so many seconds."""
    return max(sum(start <= other < start + window for other in times) for start in times)


async def _permits(limiter: PacedLimiter, count: int) -> list[float]:
    loop = asyncio.get_running_loop()
    times = []
    for _ in range(count):
        await limiter.acquire()
        times.append(loop.time())
        limiter.request_ended(times[-1], throttled=False)
    return times


@pytest.mark.parametrize("rate", [0.5, 1, 2, 3, 9.5, 10, 50, 100])
async def test_no_second_sees_more_permits_than_the_limit(rate: float) -> None:
    """Even at once after a pause, at any rate; and almost all of the rate is given."""
    limiter = PacedLimiter(rate)
    window = max(1.0, 1 / rate)
    times = await _permits(limiter, 3)
    await asyncio.sleep(10 * window)
    times += await _permits(limiter, 40)
    assert _busiest(times, window) < rate * window + 1  # for a whole number: the limit itself
    given = 39 / (times[-1] - times[3])
    assert 0.94 * rate < given <= rate
    times += await _permits(limiter, 700 + round(40 * rate))  # none is refused: less margin
    assert _busiest(times[-300:], window) < rate * window + 1
    given = 100 / (times[-1] - times[-101])
    assert 0.985 * rate < given <= rate


async def test_many_askers_are_served_in_the_order_they_came() -> None:
    """First come, first served, with no pushing in."""
    limiter = PacedLimiter(10)
    order: list[int] = []

    async def ask(number: int) -> None:
        await limiter.acquire()
        order.append(number)

    async with asyncio.TaskGroup() as group:
        for number in range(30):
            group.create_task(ask(number))
            await asyncio.sleep(random.uniform(0, 0.05))
    assert order == list(range(30))


async def test_an_asker_that_gives_up_costs_nobody_a_permit() -> None:
    """Its place in line is the next one's."""
    limiter = PacedLimiter(10)
    loop = asyncio.get_running_loop()
    await limiter.acquire()
    start = loop.time()
    leaver = asyncio.create_task(limiter.acquire())
    await asyncio.sleep(0.05)
    leaver.cancel()
    await asyncio.gather(leaver, return_exceptions=True)
    await limiter.acquire()
    assert loop.time() - start < 0.11


async def _served(
    limiter: PacedLimiter | StrictLimiter, kind: WindowKind, seconds: float, seed: int
) -> list[tuple[float, bool]]:
    """When requests arrived at a server behind jitter, and whether it took them."""
    loop = asyncio.get_running_loop()
    chance = random.Random(seed)
    counted = make_rate_window(kind, 10)
    arrivals: list[tuple[float, bool]] = []

    async def request(sent_at: float) -> None:
        await asyncio.sleep(chance.uniform(0, 0.05))
        taken = counted.take(1, loop.time()) == 1
        arrivals.append((loop.time(), taken))
        await asyncio.sleep(chance.uniform(0.05, 0.3))
        limiter.request_ended(sent_at, throttled=not taken)

    end = loop.time() + seconds
    async with asyncio.TaskGroup() as group:
        while loop.time() < end:
            await limiter.acquire()
            group.create_task(request(loop.time()))
    return arrivals


@pytest.mark.parametrize("kind", WINDOWS)
async def test_jitter_is_learnt_to_be_kept_away_from(kind: WindowKind, *, soak: bool) -> None:
    """On every kind of server few are refused, and nearly all of its rate is used.

    The first hundred requests are never refused; then the margin is sought, at a price of 0.3 %.
    With `--soak` ten seeds.
    """
    start = asyncio.get_running_loop().time()
    refused = sent = 0
    for seed in range(10 if soak else 3):
        arrivals = await _served(PacedLimiter(10), kind, 200, seed)
        assert all(taken for _, taken in arrivals[:100])
        refused += sum(not taken for _, taken in arrivals)
        sent += len(arrivals)
        await asyncio.sleep(2)
    assert refused <= 0.004 * sent
    used = (sent - refused) / (10 * (asyncio.get_running_loop().time() - start))
    assert used > {"sliding": 0.92, "fixed": 0.93, "bucket": 0.95}[kind]


@pytest.mark.parametrize("seed", range(20))
async def test_a_strict_limiter_is_never_refused(seed: int) -> None:
    """Whatever the jitter and however long answers take: it is a proof, not a margin."""
    arrivals = await _served(StrictLimiter(10), "sliding", 20, seed)
    assert all(taken for _, taken in arrivals)
    assert _busiest([moment for moment, _ in arrivals]) == 10
    assert len(arrivals) > 150  # 10 ÷ (1 + 0.2) a second


async def test_a_strict_limiter_takes_back_what_was_not_used() -> None:
    """A permit that lapses, or is not waited for, is the next asker's."""
    limiter = StrictLimiter(2)
    loop = asyncio.get_running_loop()
    for _ in range(5):
        await limiter.acquire()
        limiter.unused()
        hasty = asyncio.create_task(limiter.acquire())
        await asyncio.sleep(0.01)
        hasty.cancel()
        await asyncio.gather(hasty, return_exceptions=True)
    await limiter.acquire()
    await limiter.acquire()
    start = loop.time()
    limiter.request_ended(start, throttled=False)
    await limiter.acquire()
    assert 1 <= loop.time() - start < 1.01
    assert repr(limiter) == "<StrictLimiter 2 requests/s>"
    with pytest.raises(ValueError, match=r"whole number from 1 up, not 0\.5"):
        StrictLimiter(0.5)  # type: ignore[arg-type]


async def test_sessions_of_one_account_share_one_limiter() -> None:
    """Opening a session a call gives no second burst; another account has its own."""
    limits = Limits()
    assert throttle_of("a", limits) is throttle_of("a", limits)
    assert throttle_of("a", limits) is not throttle_of("b", limits)


async def test_changes_of_limit_give_no_burst() -> None:
    """The last to open sets the pace, and the change itself lets nothing extra through."""
    account = throttle_of("changing", Limits())
    limiter = account.limiter
    times: list[float] = []
    for number in range(60):
        throttle_of("changing", Limits(requests_per_second=10 if number % 2 else 9.99))
        times += await _permits(limiter, 1)
    assert _busiest(times) <= 10
    assert throttle_of("changing", Limits(requests_per_second=5)).limiter is limiter
    slow = await _permits(limiter, 10)
    assert _busiest(slow[1:]) <= 5
    assert throttle_of("changing", Limits()).limiter is limiter
    assert _busiest(times + slow + await _permits(limiter, 10)) <= 10
    assert repr(limiter) == "<PacedLimiter 10 requests/s>"
