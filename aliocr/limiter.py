"""The permit: leave to send one request, handed out so that the account's limit is never passed."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from typing import Protocol
from weakref import WeakKeyDictionary

from aiolimiter import AsyncLimiter

__all__ = ["Limiter", "PacedLimiter", "account_limiter"]


class Limiter(Protocol):
    """Anything with an awaitable `acquire` can hold the rate."""

    async def acquire(self) -> None:
        """Return when one request may be sent."""
        ...


class PacedLimiter:
    """Permits at even distances, first come first served: no burst, ever.

    `AsyncLimiter(10, 1)` would let 19 requests into its first second, because a bucket of B that
    leaks at r lets B + r·T through in T seconds. Here B + r stays below limit + 1, so that no
    second sees more than the limit: for 10 a second, a bucket of 1.05 at 9.9 a second.

    Args:
        requests_per_second: The limit. The permits come at 99 % of it.
    """

    def __init__(self, requests_per_second: float) -> None:
        self.requests_per_second = requests_per_second
        self._bucket = _even_bucket(requests_per_second)
        self._changed = False
        # aiolimiter lets newcomers barge and prefers small amounts; behind a lock it has a single
        # caller at a time, and the lock is first in, first out.
        self._turn = asyncio.Lock()

    def __repr__(self) -> str:
        return f"<PacedLimiter {self.requests_per_second:g} requests/s>"

    def change_pace(self, requests_per_second: float) -> None:
        """Hold another limit from the next permit on."""
        self.requests_per_second = requests_per_second
        self._bucket = _even_bucket(requests_per_second)
        self._changed = True

    async def acquire(self) -> None:
        """Return when the next request may be sent; let go of the place in line if cancelled."""
        async with self._turn:
            if self._changed:
                # A new bucket would give its first permit at once, on the heels of the old one's.
                self._changed = False
                await self._bucket.acquire()
            await self._bucket.acquire()


def _even_bucket(requests_per_second: float) -> AsyncLimiter:
    rate = 0.99 * requests_per_second
    bucket = 1 + min(0.05, 0.005 * requests_per_second)
    return AsyncLimiter(bucket, bucket / rate)


# The limit is the account's, so its limiter outlives the session that made it: a program that
# opens a session a call must not get a fresh bucket with each. It ends with its loop.
_by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Hashable, PacedLimiter]] = (
    WeakKeyDictionary()
)


def account_limiter(account: Hashable, requests_per_second: float) -> PacedLimiter:
    """The one limiter of an account on the running loop; the last caller sets its pace."""
    limiters = _by_loop.setdefault(asyncio.get_running_loop(), {})
    limiter = limiters.get(account)
    if limiter is None:
        limiter = limiters[account] = PacedLimiter(requests_per_second)
    elif limiter.requests_per_second != requests_per_second:
        limiter.change_pace(requests_per_second)
    return limiter
