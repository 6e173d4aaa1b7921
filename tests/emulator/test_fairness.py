"""Fair shares of a capacity, and of the event loop: order of service, and no starvation."""

from __future__ import annotations

import asyncio
import itertools
import random

import pytest

from aliocr.emulator.fairness import FairShare, FairShares, LoopSlices


async def some_turns() -> None:
    """Run the event loop until nothing is ready."""
    for _ in range(10):
        await asyncio.sleep(0)


async def taken(shares: FairShares, owner: str, amount: int) -> FairShare:
    """Take a share and return it."""
    share = shares.share(owner)
    await share.take(amount)
    return share


def waiting(
    shares: FairShares, owner: str, amount: int, served: list[str]
) -> asyncio.Task[FairShare]:
    """Wait for a share in a task, which adds its owner to the list when it is granted."""

    async def wait() -> FairShare:
        share = await taken(shares, owner, amount)
        served.append(owner)
        return share

    return asyncio.create_task(wait())


async def test_no_more_is_out_than_there_is() -> None:
    """A share that does not fit waits until enough is given back."""
    shares = FairShares(10)
    first, served = await taken(shares, "a", 6), list[str]()
    second = waiting(shares, "b", 5, served)
    await some_turns()
    assert not served
    first.keep(5)
    await second
    assert served == ["b"]


async def test_the_owner_that_holds_least_is_served_first() -> None:
    """A new owner does not wait behind a hundred shares of another."""
    shares, served = FairShares(2), list[str]()
    held = [await taken(shares, "greedy", 1) for _ in range(2)]
    more = [waiting(shares, "greedy", 1, served) for _ in range(3)]
    await some_turns()
    late = waiting(shares, "new", 1, served)
    await some_turns()
    held[0].keep(0)
    await late
    assert served == ["new"]
    for share in (held[1], await late):
        share.keep(0)
    for wait in more:
        (await wait).keep(0)
    assert served == ["new"] + ["greedy"] * 3


async def test_owners_that_hold_equally_little_are_served_in_rotation() -> None:
    """An owner that always has a share waiting does not block the others."""
    shares, served = FairShares(1), list[str]()
    first = await taken(shares, "a", 1)
    waits = [waiting(shares, owner, 1, served) for owner in "aaabbc"]
    await some_turns()
    first.keep(0)
    while waits:
        done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in done:
            waits.remove(wait)
            wait.result().keep(0)
    assert "".join(served) == "abcaba"


async def test_a_large_share_is_not_starved_by_small_ones() -> None:
    """The chosen share is waited for, though a smaller one would fit."""
    shares, served = FairShares(10), list[str]()
    held = await taken(shares, "a", 6)
    large, small = waiting(shares, "b", 8, served), waiting(shares, "c", 1, served)
    await some_turns()
    assert not served
    held.keep(0)
    await asyncio.gather(large, small)
    assert served == ["b", "c"]


async def test_a_cancelled_wait_lets_the_shares_behind_it_pass() -> None:
    """Their amounts were free all the time."""
    shares, served = FairShares(10), list[str]()
    await taken(shares, "a", 6)
    large, small = waiting(shares, "b", 8, served), waiting(shares, "c", 1, served)
    await some_turns()
    large.cancel()
    await small
    assert served == ["c"]


@pytest.mark.parametrize("granted", [False, True])
async def test_a_cancelled_wait_holds_nothing(granted: bool) -> None:
    """Also if it is granted and cancelled at the same moment."""
    shares, served = FairShares(10), list[str]()
    held = await taken(shares, "a", 6)
    gone, behind = waiting(shares, "b", 8, served), waiting(shares, "c", 10, served)
    await some_turns()
    if granted:
        held.keep(0)
    gone.cancel()
    await some_turns()
    assert gone.cancelled()
    held.keep(0)
    await behind
    assert served == ["c"]


async def test_a_share_above_the_capacity_is_refused() -> None:
    """A wait that could never end is a bug, and raises an error."""
    share = FairShares(10).share("a")
    with pytest.raises(ValueError, match="more than the capacity"):
        await share.take(11)
    await share.take(4)
    with pytest.raises(RuntimeError, match="only once"):
        await share.take(1)


@pytest.mark.parametrize("seed", range(10))
async def test_any_mixture_ends_with_all_given_back(seed: int) -> None:
    """Taken, shrunk, given back and cancelled in any order: no share is lost or starved."""
    dice = random.Random(seed)
    shares, out, most = FairShares(20), [0], [0]

    async def work() -> None:
        share, amount = shares.share(dice.choice("abc")), dice.randint(0, 20)
        try:
            await share.take(amount)
            out[0] += amount
            most[0] = max(most[0], out[0])
            try:
                for _ in range(dice.randrange(4)):
                    await asyncio.sleep(0)
            finally:
                out[0] -= amount
        finally:
            share.keep(0)

    works = [asyncio.create_task(work()) for _ in range(60)]
    for each in dice.sample(works, 20):
        await asyncio.sleep(0)
        each.cancel()
    await asyncio.wait(works)
    assert most[0] <= 20
    await taken(shares, "a", 20)
    assert not shares._queues
    assert shares._held == {"a": 20}


# --- slices of the event loop ---------------------------------------------------------------------


async def test_no_two_pieces_of_work_share_an_iteration_of_the_loop() -> None:
    """Other work runs between any two slices, and the slices keep their order."""
    slices = LoopSlices()
    log: list[str] = []

    async def work(number: int) -> None:
        async with slices.take():
            log.append(f"work {number}")

    def bystander() -> None:
        log.append("bystander")
        if len(log) < 60:
            asyncio.get_running_loop().call_soon(bystander)

    bystander()
    await asyncio.gather(*(work(number) for number in range(20)))
    pieces = [entry for entry in log if entry != "bystander"]
    assert pieces == [f"work {number}" for number in range(20)]
    assert not any(one != "bystander" != other for one, other in itertools.pairwise(log))


async def test_no_owner_waits_for_all_of_anothers_work() -> None:
    """A request with one image does not wait for the hundred images of another."""
    slices = LoopSlices()
    log: list[str] = []

    async def work(owner: str) -> None:
        async with slices.take(owner):
            log.append(owner)

    await asyncio.gather(*(work("big") for _ in range(20)), work("small"))
    assert log.index("small") <= 2


async def test_work_that_fails_or_is_given_up_lets_the_next_go_on() -> None:
    """No slice is held for ever."""
    slices = LoopSlices()

    async def fails() -> None:
        async with slices.take():
            raise LookupError

    async def waits() -> None:
        async with slices.take():
            pass

    first, second, third = (asyncio.create_task(work()) for work in (fails, waits, waits))
    await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(LookupError):
        await first
    await third
    assert second.cancelled()
