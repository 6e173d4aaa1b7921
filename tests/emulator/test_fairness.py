"""Sharing so many of something: promises on who is served, when, and that everyone is."""

from __future__ import annotations

import asyncio
import random

import pytest

from aliocr.emulator.fairness import FairShare, FairShares


async def some_turns() -> None:
    """Let the event loop do all that it can do at once."""
    for _ in range(10):
        await asyncio.sleep(0)


async def taken(shares: FairShares, owner: str, amount: int) -> FairShare:
    """A share that was free to take."""
    share = shares.share(owner)
    await share.take(amount)
    return share


def waiting(
    shares: FairShares, owner: str, amount: int, served: list[str]
) -> asyncio.Task[FairShare]:
    """A wait for a share, which tells the list when it is over."""

    async def wait() -> FairShare:
        share = await taken(shares, owner, amount)
        served.append(owner)
        return share

    return asyncio.create_task(wait())


async def test_no_more_is_out_than_there_is() -> None:
    """What does not fit waits until something is given back."""
    shares = FairShares(10)
    first, served = await taken(shares, "a", 6), list[str]()
    second = waiting(shares, "b", 5, served)
    await some_turns()
    assert not served
    first.keep(5)
    await second
    assert served == ["b"]


async def test_who_holds_least_is_served_first() -> None:
    """A newcomer does not wait behind a hundred others of one owner."""
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


async def test_owners_that_hold_as_little_take_turns() -> None:
    """One that always has something waiting does not keep the others out."""
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
    """Nobody overtakes the one whose turn it is, though less would fit."""
    shares, served = FairShares(10), list[str]()
    held = await taken(shares, "a", 6)
    large, small = waiting(shares, "b", 8, served), waiting(shares, "c", 1, served)
    await some_turns()
    assert not served
    held.keep(0)
    await asyncio.gather(large, small)
    assert served == ["b", "c"]


async def test_those_behind_one_that_stops_waiting_are_served_at_once() -> None:
    """What they want was free all the time."""
    shares, served = FairShares(10), list[str]()
    await taken(shares, "a", 6)
    large, small = waiting(shares, "b", 8, served), waiting(shares, "c", 1, served)
    await some_turns()
    large.cancel()
    await small
    assert served == ["c"]


@pytest.mark.parametrize("granted", [False, True])
async def test_who_stops_waiting_takes_nothing_along(granted: bool) -> None:
    """Whether or not its turn came in the same moment, those behind it are served."""
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


async def test_what_can_never_be_had_is_refused() -> None:
    """A wait for ever is a slip of ours, and says so."""
    share = FairShares(10).share("a")
    with pytest.raises(ValueError, match="more than the 10"):
        await share.take(11)
    await share.take(4)
    with pytest.raises(RuntimeError, match="one piece"):
        await share.take(1)


@pytest.mark.parametrize("seed", range(10))
async def test_any_mixture_ends_with_all_given_back(seed: int) -> None:
    """Taken, shrunk, given back and cancelled in any order: everyone is served, nothing is lost."""
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
