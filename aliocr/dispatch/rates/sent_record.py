"""Record of the last seconds: what was sent, at which rate, and what was refused of it.

Both learnt rates read it. Pure: times are arguments, in seconds of a monotonic clock.
"""

from __future__ import annotations

import math
from collections import deque

import attrs

REMEMBERED = 10.0
"""Time for which sent batches are remembered, in seconds. A response takes less time than this."""

USED = 0.8
"""A rate counts as used if at least this fraction of it was sent. A rate grows only while it is
used: what was never sent tells nothing about a limit."""


@attrs.define(eq=False)
class SentBatch:
    """A batch that was sent.

    Args:
        at: When it was sent.
        count: Number of its requests or images.
        rate: The rate at that time, per second; infinite if there was none.
        refused: Number refused; None until the response has come.
    """

    at: float
    count: int
    rate: float = math.inf
    refused: int | None = None


@attrs.frozen
class Sums:
    """Sums over the batches of one period.

    Args:
        sent: Number of requests or images that were sent.
        known: The same of batches whose response has come.
        refused: Number refused.
        squares: Sum of the squares of the counts in `known`.
        seconds: Time from the first to the last batch, in seconds.
    """

    sent: int
    known: int
    refused: int
    squares: int
    seconds: float

    @property
    def accepted(self) -> float:
        """Number accepted; the other batches are taken to fare like those whose response came."""
        return (self.known - self.refused) / self.known * self.sent if self.known else 0.0


class SentRecord:
    """The batches of the last seconds.

    Args:
        period: Period over which the server is assumed to count, in seconds.
    """

    def __init__(self, period: float = 1.0) -> None:
        self.period = period
        self._batches: deque[SentBatch] = deque()

    def add(self, batch: SentBatch) -> None:
        """Remember a batch."""
        self._batches.append(batch)
        while self._batches[0].at <= batch.at - self.period - REMEMBERED:
            self._batches.popleft()

    def forget(self, batch: SentBatch) -> None:
        """Forget a batch, as if it had never been sent."""
        if batch in self._batches:
            self._batches.remove(batch)

    def since_last(self, now: float) -> float:
        """Return the seconds since the last batch, at most one period or one unit of the rate."""
        if not self._batches:
            return 0.0
        last = self._batches[-1]
        return min(now - last.at, max(self.period, 1 / last.rate))

    def before(self, moment: float) -> list[SentBatch]:
        """Return the batches of the period that ends at `moment`, the last one first."""
        batches = []
        for batch in reversed(self._batches):
            if batch.at <= moment - self.period:
                break
            if batch.at <= moment:
                batches.append(batch)
        return batches

    def sums_before(self, moment: float) -> Sums:
        """Return sums over the period that ends at `moment`."""
        batches = self.before(moment)
        known = [batch for batch in batches if batch.refused is not None]
        return Sums(
            sum(batch.count for batch in batches),
            sum(batch.count for batch in known),
            sum(batch.refused or 0 for batch in known),
            sum(batch.count**2 for batch in known),
            batches[0].at - batches[-1].at if batches else 0.0,
        )

    def was_used(self, now: float) -> bool:
        """Tell if the rate was used in the last period, to within one request or image."""
        batches = self.before(now)
        mean = sum(batch.rate for batch in batches) / max(1, len(batches))
        return sum(batch.count for batch in batches) + 1 >= USED * mean * self.period
