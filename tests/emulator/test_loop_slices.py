"""Work that is shared out among the turns of the loop."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from aliocr.emulator.fairness import LoopSlices


async def test_no_two_pieces_of_work_share_a_turn_of_the_loop() -> None:
    """However many begin at once, somebody else gets in between any two; and order is kept."""
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
    """A request with one image is not behind the hundred of the one before."""
    slices = LoopSlices()
    log: list[str] = []

    async def work(owner: str) -> None:
        async with slices.take(owner):
            log.append(owner)

    await asyncio.gather(*(work("big") for _ in range(20)), work("small"))
    assert log.index("small") <= 2


async def test_work_that_fails_or_is_given_up_lets_the_next_go_on() -> None:
    """A turn is nobody's for ever."""
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
