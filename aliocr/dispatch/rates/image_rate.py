"""Image rate: how many images per second the account accepts, learnt from refusals (code 588).

The quota is unknown, it may be raised or lowered at any time, and other processes may share it.
Therefore:

1. The rate is unbounded at first. The first refusal sets it to *half* of what was accepted in that
   second: a newcomer must not take all. If only few are refused, that second is first sent whole.
2. There is one cut a second. Refusals of what was sent before a cut, or within one second after it,
   cut nothing, because a server that counts by fixed seconds refuses until its second is over.
3. A cut is in proportion to the part refused in the last second, and goes no higher than what was
   accepted since the last cut: between two refusals, a token bucket yields exactly its quota. If
   the rate has just risen, the last second counts instead.
4. Refusals that do not go away with the rate are chance, and are tolerated up to a bound; see
   `chance_refusals`.
5. After a cut, the rate is held for 2 to 4 s, so that few images are refused at a steady quota.
   Then it grows with time, exponentially: a raised quota is found in seconds. It grows more slowly
   where responses are slow, because refusals are then noticed late.
6. Far beyond the rate that was last refused, the quota has been raised. There the rate multiplies
   by e in each time constant.
7. The rate grows only while it is used. It never falls below 3 images per second, or a quarter of
   a known quota that is lower: three processes of the poorest account find their shares.

Pure: times are arguments, in seconds of a monotonic clock.
"""

from __future__ import annotations

import math

from aliocr.dispatch.rates.chance_refusals import ChanceRefusals, exceeds_chance
from aliocr.dispatch.rates.sent_record import USED, SentBatch, SentRecord, Sums

PERIOD = 1.0
"""Period over which a server is assumed to count, in seconds."""

LOWEST = 3.0
"""Minimum rate, in images per second: the documents name a quota of 10 for a new account."""

LOWEST_OF_KNOWN = 0.25
"""Minimum rate as a fraction of a known quota, if this is lower."""

NEWCOMER = 0.5
"""The first rate, as a fraction of what was accepted."""

MARGIN = 0.97
"""A cut goes to this fraction of what the refusals allow."""

LEAST_LEFT = 0.15
"""Minimum fraction of the rate that one cut leaves."""

FEW = 0.1
"""If at most this part was refused, the first rate is set only when a whole second was sent."""

JUST_RISEN = 1.3
"""If the rate exceeds what was accepted since the last cut by this factor, it has just risen."""

LEAST_SAMPLE = 10
"""If fewer images than this number were sent in one second, and the rate was not used, their
refusals say nothing about the quota."""

HOLDS = (2.0, 4.0)
"""Minimum and maximum time for which a rate is held after a cut, in seconds."""

AIM = 0.02
"""Fraction of the images that refusals may cost: a hold lasts so long that they cost no more."""

LOW_AFTER = (1.0, 5.0)
"""Seconds after a cut between which a request is *low*, if its rate is below `LOW`."""

LOW = 0.97
"""Fraction of the last refused rate."""

TIME_CONSTANT = 0.7
"""Time constant of growth, in seconds, if responses come quickly."""

SLOW_ANSWERS = 1.2
"""The time constant is at least this multiple of the mean time of a response."""

ANSWER_WEIGHT = 0.1
"""Weight of a new response in the mean time of a response."""

FIRST_STEP = (0.2, 1.0)
"""Minimum and maximum growth at the end of a hold, in images per second per second."""

FIRST_STEP_PART = 0.03
"""The same as a fraction of the rate, between these bounds."""

STEADY_GROWTH = 0.05
"""Maximum growth per second, as a fraction of the rate, beyond the first step. After
`STEADY_FOR` time constants, this maximum grows, too."""

STEADY_FOR = 4.5

RAISED = 1.1
"""From this multiple of the last refused rate up, the quota has been raised."""

UNBOUNDED = 1e6
"""If the rate would exceed this value, it becomes unbounded again."""


class ImageRate:
    """The rate of images.

    Args:
        ceiling: The highest possible rate; infinite if no quota is known.

    Attributes:
        rate: Images per second, now; infinite if nothing is known.
    """

    def __init__(self, ceiling: float) -> None:
        self.rate = ceiling
        self._ceiling = ceiling
        self._record = SentRecord(PERIOD)
        self._chance = ChanceRefusals()
        self._cut_at = -math.inf
        self._refused_rate = math.inf
        self._hold = 0.0
        self._used_for = 0.0
        self._raised_for = 0.0
        self._accepted = 0
        self._unbounded_until = -math.inf
        self._answer_time = 0.0

    def cap(self, ceiling: float) -> None:
        """Set another ceiling. A rate at the old or above the new ceiling becomes this ceiling."""
        if self.rate >= min(self._ceiling, ceiling):
            self.rate = ceiling
        self._ceiling = ceiling

    def sent(self, count: int, now: float) -> SentBatch:
        """Record a sent batch; pass the returned record to `answered` or `forget` later."""
        since_last = self._record.since_last(now)
        batch = SentBatch(now, count, self.rate)
        self._record.add(batch)
        if self.rate < self._ceiling and self._record.was_used(now):
            self._grow(since_last)
        return batch

    def forget(self, sent: SentBatch) -> None:
        """Forget a batch of which it is unknown whether images were accepted."""
        self._record.forget(sent)

    def answered(self, sent: SentBatch, refused: int, now: float) -> None:
        """Learn from one response.

        Args:
            sent: The record of the batch.
            refused: How many of its images were refused.
            now: The time.
        """
        sent.refused = refused
        self._answer_time += ANSWER_WEIGHT * (now - sent.at - self._answer_time)
        self._chance.note(refused / sent.count, now, low=self._is_low(sent))
        self._accepted += sent.count - refused
        if sent.at <= self._unbounded_until:
            self._complete(sent)
        elif refused and sent.at > self._cut_at + PERIOD:
            self._refuse(sent, now)

    def _is_low(self, sent: SentBatch) -> bool:
        first, last = LOW_AFTER
        soon_after = self._cut_at + first <= sent.at <= self._cut_at + last
        return soon_after and sent.rate < LOW * self._refused_rate

    # --- growth -----------------------------------------------------------------------------------

    def _grow(self, step: float) -> None:
        """Grow for `step` seconds in which the rate was used."""
        self._used_for += step
        grown_for = self._used_for - self._hold
        if grown_for <= 0:
            return
        step = min(step, grown_for)
        constant = max(TIME_CONSTANT, SLOW_ANSWERS * self._answer_time)
        growth = self._usual_growth(grown_for, constant)
        if self.rate > RAISED * self._refused_rate:
            self._raised_for += step
            raised = self.rate / constant * min(1.0, self._raised_for)
            growth = raised if self._raised_for >= 1 else max(growth, raised)
        rate = self.rate + growth * step
        self.rate = min(rate if rate < UNBOUNDED else math.inf, self._ceiling)

    def _usual_growth(self, grown_for: float, constant: float) -> float:
        least, most = FIRST_STEP
        first = min(max(FIRST_STEP_PART * self.rate, least), most) * TIME_CONSTANT / constant
        # The exponent is bounded, so that a rate that takes hours to be refused does not overflow.
        exponential = first * math.exp(min(grown_for / constant, 50.0))
        convex = max(1.0, (grown_for / (STEADY_FOR * constant)) ** 2)
        return min(exponential, (first + STEADY_GROWTH * self.rate) * convex)

    # --- refusals ---------------------------------------------------------------------------------

    def _refuse(self, sent: SentBatch, now: float) -> None:
        sums = self._record.sums_before(sent.at)
        used = sums.sent + 1 >= USED * min(sent.rate, self.rate) * PERIOD
        if not used and sums.sent < LEAST_SAMPLE:
            return
        if sent.rate == math.inf:
            if sums.refused > FEW * sums.known or sums.seconds >= USED * PERIOD:
                self._unbounded_until = now
                self._cut(NEWCOMER * sums.accepted / PERIOD, sums.accepted / PERIOD, now)
                self._hold = HOLDS[1]
            return
        chance = self._chance.part(sent.rate)
        if exceeds_chance(chance, sums.refused, sums.known, sums.squares):
            left = max(MARGIN * self._allowed(sent, sums, chance, now), LEAST_LEFT * sent.rate)
            self._cut(left, sent.rate, now)
            owed = (sums.refused - chance * sums.known) / (AIM * self.rate)
            self._hold = min(max(owed, HOLDS[0]), HOLDS[1])

    def _allowed(self, sent: SentBatch, sums: Sums, chance: float, now: float) -> float:
        """Return the rate that the refusals allow."""
        part = max(0.0, sums.refused / sums.known - chance)
        accepted = self._accepted / (now - self._cut_at) if now > self._cut_at else 0.0
        if sent.rate > JUST_RISEN * accepted:
            accepted = sums.accepted / PERIOD
        return min(sent.rate * (1 - part), accepted)

    def _cut(self, rate: float, refused_rate: float, now: float) -> None:
        self._refused_rate = max(refused_rate, LOWEST)
        self.rate = min(max(rate, min(LOWEST, LOWEST_OF_KNOWN * self._ceiling)), self._ceiling)
        self._cut_at = now
        self._accepted = 0
        self._used_for = self._raised_for = 0.0

    def _complete(self, sent: SentBatch) -> None:
        """Raise the first finite rate if later responses show that more was accepted."""
        accepted = self._record.sums_before(sent.at).accepted / PERIOD
        if NEWCOMER * accepted > self.rate:
            self.rate = min(NEWCOMER * accepted, self._ceiling)
            self._refused_rate = max(self._refused_rate, accepted)
