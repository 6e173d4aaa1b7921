"""Fair queuing: limited capacity, and the time of the event loop, shared among requests.

The rules of `FairShares`:

* Each waiting share stands in the queue of its owner, a request. The next share goes to the owner
  that holds the least; owners that hold equally little are served in rotation.
* A large share is not starved by small ones: the chosen share is waited for, though a smaller one
  would fit.
* A share is taken in one piece. An owner of a share never waits for more of it, so there is no
  deadlock: every share is given back.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager


class FairShares:
    """A limited capacity, shared fairly among owners: connections, bytes or anything countable."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._free = capacity
        self._held: Counter[Hashable] = Counter()
        self._queues: dict[Hashable, deque[tuple[int, asyncio.Future[None]]]] = {}

    def share(self, owner: Hashable) -> FairShare:
        """Return a share of this owner, which holds nothing yet."""
        return FairShare(self, owner)

    async def take(self, owner: Hashable, amount: int) -> None:
        """Wait until this amount is free, and take it for the owner."""
        if amount > self._capacity:
            raise ValueError(f"a share of {amount} is more than the {self._capacity} there are")
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(owner, deque()).append((amount, granted))
        self._serve()
        try:
            await granted
        except asyncio.CancelledError:
            if granted.cancelled():
                self._serve()  # shares behind the cancelled one may fit now
            else:
                self.give_back(owner, amount)
            raise

    def give_back(self, owner: Hashable, amount: int) -> None:
        """Give back this amount of the owner's, and serve the shares that wait for it."""
        self._free += amount
        self._held[owner] -= amount
        if not self._held[owner]:
            del self._held[owner]
        self._serve()

    def _serve(self) -> None:
        """Grant waiting shares until one does not fit."""
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
                self._queues[owner] = queue  # behind all other owners


class FairShare:
    """One piece of work's part of the capacity; made by `FairShares.share`."""

    def __init__(self, shares: FairShares, owner: Hashable) -> None:
        self._shares = shares
        self.owner = owner
        self._amount = 0

    async def take(self, amount: int) -> None:
        """Wait for this amount; only once, because waiting while holding some could deadlock."""
        if self._amount:
            raise RuntimeError("a share is taken in one piece")
        await self._shares.take(self.owner, amount)
        self._amount = amount

    def keep(self, amount: int) -> None:
        """Keep this amount and give back the rest, at once."""
        surplus, self._amount = self._amount - amount, amount
        self._shares.give_back(self.owner, surplus)


class LoopSlices:
    """Time slices of one event loop: one piece of work in each iteration of the loop.

    For work of up to some milliseconds that awaits nothing. Connections, timers and short requests
    run between two slices.
    """

    def __init__(self) -> None:
        self._one = FairShares(1)

    @asynccontextmanager
    async def take(self, owner: Hashable = None) -> AsyncIterator[None]:
        """Wait for an iteration of the loop that has no slice yet; code after the block is in it.

        Args:
            owner: A request; requests are served in rotation, so that a request with a hundred
                images delays no other. Slices of one request come in the order they were asked for.
        """
        await self._one.take(owner, 1)
        try:
            yield
        finally:
            # Until the next iteration: a slice given back now would be granted in this one.
            asyncio.get_running_loop().call_soon(self._one.give_back, owner, 1)
