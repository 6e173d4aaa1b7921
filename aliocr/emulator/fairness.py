"""Fair queuing: requests share a limited capacity and the time of the event loop.

A share is a part of the capacity; its owner is a request. The rules of `FairShares`:

* Each waiting share is in the queue of its owner. The owner that holds the least capacity gets the
  next share. Owners that hold the same amount take turns.
* While the next share does not fit, all shares wait, even a smaller share that would fit now. So
  small shares cannot keep a large share waiting for ever.
* A share is taken in one piece. Work that holds a share never waits to enlarge this share, so the
  work ends and gives the share back. So there is no deadlock.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager


class FairShares:
    """A limited capacity, such as connections or bytes, shared fairly among owners."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._free = capacity
        self._held: Counter[Hashable] = Counter()
        self._queues: dict[Hashable, deque[tuple[int, asyncio.Future[None]]]] = {}

    def share(self, owner: Hashable) -> FairShare:
        """Return a new share of this owner, which holds no capacity yet."""
        return FairShare(self, owner)

    async def take(self, owner: Hashable, amount: int) -> None:
        """Wait until this amount is free, and take this amount for the owner."""
        if amount > self._capacity:
            raise ValueError(f"a share of {amount} is more than the capacity of {self._capacity}")
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(owner, deque()).append((amount, granted))
        self._serve()
        try:
            await granted
        except asyncio.CancelledError:
            if granted.cancelled():
                self._serve()  # shares behind the cancelled share may fit now
            else:
                self.give_back(owner, amount)
            raise

    def give_back(self, owner: Hashable, amount: int) -> None:
        """Give back this amount of the owner, and grant the next waiting shares."""
        self._free += amount
        self._held[owner] -= amount
        if not self._held[owner]:
            del self._held[owner]
        self._serve()

    def _serve(self) -> None:
        """Grant waiting shares until a share does not fit."""
        while self._queues:
            owner = min(self._queues, key=self._held.__getitem__)
            amount, granted = self._queues[owner][0]
            if not granted.done():
                if amount > self._free:
                    return
                self._free -= amount
                self._held[owner] += amount
                granted.set_result(None)
            queue = self._queues.pop(owner)
            queue.popleft()
            if queue:
                self._queues[owner] = queue  # this owner is now behind all others


class FairShare:
    """The part of the capacity that one piece of work uses; made by `FairShares.share`."""

    def __init__(self, shares: FairShares, owner: Hashable) -> None:
        self._shares = shares
        self.owner = owner
        self._amount = 0

    async def take(self, amount: int) -> None:
        """Wait for this amount and take it.

        Only once for each share, because waiting for a second amount could cause a deadlock.
        """
        if self._amount:
            raise RuntimeError("a share can be taken only once")
        await self._shares.take(self.owner, amount)
        self._amount = amount

    def keep(self, amount: int) -> None:
        """Keep this amount, and give back the rest immediately."""
        surplus, self._amount = self._amount - amount, amount
        self._shares.give_back(self.owner, surplus)


class LoopSlices:
    """Time slices of one event loop: each iteration of the loop runs at most one slice.

    The work in a slice takes at most some milliseconds and awaits nothing. So connections, timers
    and short requests can run between two slices.
    """

    def __init__(self) -> None:
        self._one = FairShares(1)

    @asynccontextmanager
    async def take(self, owner: Hashable = None) -> AsyncIterator[None]:
        """Wait for the next free slice, and run the block in it.

        The slice ends when the iteration of the loop ends. So code that follows the block without
        another await is still in the slice.

        Args:
            owner: A request. Requests are served in rotation, so that a request with a hundred
                images does not delay other requests. Slices of one request keep their order.
        """
        await self._one.take(owner, 1)
        try:
            yield
        finally:
            # Give the slice back in the next iteration of the loop. If it were given back now,
            # another slice could run in this iteration too.
            asyncio.get_running_loop().call_soon(self._one.give_back, owner, 1)
