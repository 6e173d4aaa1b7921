"""The permit keeps every second under the limit, for whoever asks and however."""

import asyncio
import random

import pytest

from aliocr.limiter import PacedLimiter, account_limiter

pytestmark = pytest.mark.usefixtures("virtual_clock")


def _busiest(times: list[float], window: float = 1.0) -> int:
    """The most permits within any half-open window of so many seconds."""
    return max(sum(start <= other < start + window for other in times) for start in times)


async def _permits(limiter: PacedLimiter, count: int) -> list[float]:
    loop = asyncio.get_running_loop()
    times = []
    for _ in range(count):
        await limiter.acquire()
        times.append(loop.time())
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
    assert 0.98 * rate < given <= rate


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


async def test_sessions_of_one_account_share_one_limiter() -> None:
    """Opening a session a call gives no second burst; another account has its own."""
    assert account_limiter("a", 10) is account_limiter("a", 10)
    assert account_limiter("a", 10) is not account_limiter("b", 10)


async def test_a_change_of_pace_gives_no_burst() -> None:
    """The last to open sets the pace, and the change itself lets nothing extra through."""
    limiter = account_limiter("changing", 10)
    times = await _permits(limiter, 10)
    assert account_limiter("changing", 5) is limiter
    slow = await _permits(limiter, 10)
    assert account_limiter("changing", 10) is limiter
    fast = await _permits(limiter, 10)
    assert _busiest(times + slow + fast) <= 10
    assert _busiest(slow) <= 5
    assert slow[0] - times[-1] > 0.1
    assert repr(limiter) == "<PacedLimiter 10 requests/s>"
