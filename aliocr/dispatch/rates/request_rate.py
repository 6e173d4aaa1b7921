"""Request rate: how near to the known limit the requests of this process may come.

It is not known how the service counts, how much the travel times of requests differ, or whether
other processes send for the same account. Therefore:

1. The rate begins at 94.5 % of the limit. It never exceeds 99 %, and never falls below a quarter:
   if three processes fall to less, none of them finds its share again.
2. A refusal cuts the rate in proportion to the part refused in the last second, by 10 to 50 %, or
   20 % if it is alone. The cut is from the rate at which the refused request was sent.
3. From 90 % of the limit up, a refusal that is alone in its second costs only 1.5 %.
4. There is one cut a second. Refusals of what was sent before a cut, or within one second after it,
   cut nothing, because a server that counts by fixed seconds refuses until its second is over.
5. After a cut, the rate grows with time, faster and faster, up to 94.5 %. Refusals by chance leave
   irregular gaps, and a rate that grows convexly gains most in the long ones.
6. From there, or after a cut that leaves 90 % or more, it is held, then grows slowly: here a
   refusal shows the limit itself, and at most 0.3 % of the requests may be refused.
7. The rate grows only while it is used.

A limit below 1 per second counts over a longer period, and every time here is longer in proportion.

Pure: times are arguments, in seconds of a monotonic clock.
"""

from __future__ import annotations

import math

from aliocr.dispatch.rates.sent_record import USED, SentBatch, SentRecord

HIGHEST = 0.99
"""Maximum rate, as a fraction of the limit. The remaining 1 % allows for rounding."""

FIRST = 0.945
"""First rate, as a fraction of the limit. At this rate, even the strictest server accepts requests
whose travel times differ by up to 50 ms."""

LOWEST = 0.25
"""Minimum rate, as a fraction of the limit."""

NEAR = 0.9
"""From this fraction of the limit up, the rate is near the limit."""

LONE_CUT = 0.015
"""Fraction by which a lone refusal cuts a rate near the limit."""

CUTS = (0.1, 0.5)
"""Minimum and maximum fraction by which any other refusal cuts."""

MOST_LONE_CUT = 0.2
"""Maximum cut by a lone refusal. At a low rate it is a large part of its second: without this
maximum, a process that has fallen behind is cut more deeply than the others, and stays behind."""

FIRST_HOLD = 10.0
"""Time before the first rate grows, in seconds."""

HOLD = 35.0
"""Time for which a rate near the limit is held, in seconds. One refusal in 35 s is 0.3 %."""

NEAR_GROWTH = 0.002
"""Growth near the limit, as a fraction of the limit per second."""

GROWTH = 0.01
"""Growth after a cut, as a fraction of the limit per second. It grows with the time since the cut:
after t seconds it is 1 + (t / `CONVEX`)² times as large."""

CONVEX = 3.0


class RequestRate:
    """The rate of requests.

    Args:
        limit: The known limit, per second.

    Attributes:
        rate: Requests per second, now.
    """

    def __init__(self, limit: float) -> None:
        self.rate = FIRST * limit
        self._limit = limit
        self._record = SentRecord(max(1.0, 1 / limit))
        self._cut_at = -math.inf
        self._near = True
        self._hold = FIRST_HOLD
        self._used_for = 0.0

    def sent(self, now: float) -> SentBatch:
        """Record a request; pass the returned record to `answered` or `forget` later."""
        since_last = self._record.since_last(now)
        batch = SentBatch(now, 1, self.rate)
        self._record.add(batch)
        if self._record.was_used(now):
            self._grow(since_last / self._record.period)
        return batch

    def forget(self, sent: SentBatch) -> None:
        """Forget a request that was not sent."""
        self._record.forget(sent)

    def answered(self, sent: SentBatch, *, refused: bool, now: float) -> None:
        """Learn whether a request was refused for its rate."""
        sent.refused = int(refused)
        if refused and sent.at > self._cut_at + self._record.period:
            self._cut(sent, now)

    def _grow(self, step: float) -> None:
        """Grow for a time in which the rate was used; times are in periods of the server."""
        self._used_for += step
        if self._near:
            if self._used_for > self._hold:
                self.rate = min(self.rate + NEAR_GROWTH * self._limit * step, HIGHEST * self._limit)
            return
        growth = GROWTH * (1 + (self._used_for / CONVEX) ** 2)
        self.rate = min(self.rate + growth * self._limit * step, FIRST * self._limit)
        if self.rate == FIRST * self._limit:
            self._hold_near()

    def _cut(self, sent: SentBatch, now: float) -> None:
        sums = self._record.sums_before(sent.at)
        if sums.refused == 1 and sent.rate >= NEAR * self._limit:
            cut = LONE_CUT
        else:
            # If the rate was hardly used, one refusal is a large part of little, and tells little.
            part = sums.refused / max(sums.sent, USED * sent.rate * self._record.period)
            cut = min(max(part, CUTS[0]), MOST_LONE_CUT if sums.refused == 1 else CUTS[1])
        self.rate = max(min(self.rate, sent.rate * (1 - cut)), LOWEST * self._limit)
        self._cut_at = now
        if self.rate >= NEAR * self._limit:
            self._hold_near()
        else:
            self._near, self._used_for = False, 0.0

    def _hold_near(self) -> None:
        self._near, self._used_for, self._hold = True, 0.0, HOLD
