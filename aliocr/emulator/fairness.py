"""So many of something, shared so that who holds the least is served first.

The rules:

* Whoever waits for a share waits in the queue of its owner, a request. The next share goes to the
  owner that holds the least, and of those that hold as little to each in its turn.
* Nobody overtakes the one whose turn it is: a large share is not starved by small ones.
* A share is taken in one piece. Who holds something never waits for more of it, so it is always
  given back, and nobody can wait for ever.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Hashable


class Shares:
    """What is shared out.

    Args:
        capacity: How much there is, at least 1: connections, bytes, whatever is counted.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._free = capacity
        self._held: Counter[Hashable] = Counter()
        self._queues: dict[Hashable, deque[tuple[int, asyncio.Future[None]]]] = {}

    def share(self, owner: Hashable) -> Share:
        """A share of an owner's, which holds nothing yet."""
        return Share(self, owner)

    async def _take(self, owner: Hashable, amount: int) -> None:
        if amount > self._capacity:
            raise ValueError(f"a share of {amount} is more than the {self._capacity} there are")
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(owner, deque()).append((amount, granted))
        self._serve()
        try:
            await granted
        except asyncio.CancelledError:
            if granted.cancelled():
                self._serve()  # others may have waited behind this one only
            else:
                self._give_back(owner, amount)
            raise

    def _give_back(self, owner: Hashable, amount: int) -> None:
        self._free += amount
        self._held[owner] -= amount
        if not self._held[owner]:
            del self._held[owner]
        self._serve()

    def _serve(self) -> None:
        """Grant what can be granted."""
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
                self._queues[owner] = queue  # behind all others


class Share:
    """What is held at one time by one piece of work; made by `Shares.share`.

    Attributes:
        owner: Whose it is.
    """

    def __init__(self, shares: Shares, owner: Hashable) -> None:
        self._shares = shares
        self.owner = owner
        self._amount = 0

    async def take(self, amount: int) -> None:
        """Wait for so much; once only, as a second wait with something in hand could last for ever.

        Raises:
            RuntimeError: Something is held already.
            ValueError: More than there is.
        """
        if self._amount:
            raise RuntimeError("a share is taken in one piece")
        await self._shares._take(self.owner, amount)  # noqa: SLF001 (two halves of one thing)
        self._amount = amount

    def keep(self, amount: int) -> None:
        """Give back all but so much, at once."""
        surplus, self._amount = self._amount - amount, amount
        self._shares._give_back(self.owner, surplus)  # noqa: SLF001
