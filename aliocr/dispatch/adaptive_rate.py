"""Adaptive rate: how many requests or images per second an account accepts, learnt from refusals.

The service does not publish how it counts, and it publishes only some of its limits. Therefore:

1. After a refusal, the rate is *held*, a margin below the rate that was refused. It is held until
   the refusals are at most the fraction `aim` of what was accepted since then.
2. Then a *probe* tries higher rates: first one small step, then larger steps while nothing is
   refused. So if the limit was raised a hundredfold, a few steps reach the new limit. The first
   refusal ends the probe. The new rate comes from what was accepted in the second before it.
3. A refusal while the rate is held cuts the rate a little. If much less than the rate was accepted,
   the rate falls to what was accepted.
4. Some servers accept more requests or images for a short time than for a long time. If a probe is
   refused late, what it sent beyond the held rate measures this surplus. The next probe must send
   more than this surplus before it trusts a step.
5. If a refused batch was sent before the last cut, it does not cut the rate again, unless much less
   than the rate was accepted. A rate is raised only if most of it was used.

Pure: times are arguments, in seconds of a monotonic clock.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator

import attrs

WINDOW = 1.0
"""Period over which a server is assumed to count, in seconds."""

MOST_HOLD = 6.0
"""Maximum time for which a rate is held, in seconds. Only a low rate is held longer: until one
refusal is at most the fraction `aim`. Reason: only a probe can find that a limit was raised."""

REMEMBERED = 10.0
"""Time for which sent batches are remembered, in seconds. A response takes less time than this."""

FAR_LESS = 0.8
"""Fraction of a rate. If less than this fraction was accepted, the rate falls to what was accepted.
If less than this fraction was sent, the rate counts as not used up."""

RAISED = 1.1
"""A probe that ends at this multiple of the held rate, or above it, has found a raised limit."""

LARGEST_STEP = 1.0
"""Largest step of a probe, as a fraction of the rate: 1.0 doubles the rate."""

STEEPER = 3.3
"""Factor by which each step of a probe is larger than the step before."""

LEAST_SAMPLE = 10
"""If fewer requests or images than this number were sent in one second, and the rate was not used
up, then the number of accepted requests or images says nothing about the limit."""

UNBOUNDED = 1e6
"""If a probe would reach this rate per second, the rate becomes infinite."""


@attrs.frozen
class RateTuning:
    """The parameters of an adaptive rate.

    Args:
        aim: Fraction of requests or images that may be refused. Refusals show where the limit is.
        cut: Fraction by which a refusal cuts a held rate.
        step: The first step of a probe, as a fraction of the rate.
        lift: The first step of a probe, per second, if it is larger than `step`.
        confirm: Time for which a step must be accepted before the next step, in seconds.
        margin: How far the rate stays below a limit, as a fraction of the limit. Reason: requests
            that are sent at even distances may arrive closer together.
    """

    aim: float
    cut: float
    step: float
    lift: float = 0.0
    confirm: float = 0.0
    margin: float = 0.055


REQUESTS = RateTuning(aim=0.003, cut=0.02, step=0.01, confirm=5.0)
"""Parameters for requests. The limit is known, and only the margin is learnt. The margin is learnt
slowly because one refused request can mean a hundred refused images."""

IMAGES = RateTuning(aim=0.0215, cut=0.04, step=0.09, lift=3.0)
"""Parameters for images. The limit is unknown. It is learnt quickly, because one refusal is only
one refused image. At 10 images per second, a probe causes one refusal and comes every 5 s. If
probes came more often, more than 2 % of the images would be refused."""


@attrs.define(eq=False)
class SentBatch:
    """A batch that was sent, and how many of its requests or images were accepted.

    The number accepted is None until the response has come.
    """

    at: float
    count: int
    accepted: int | None = None


@attrs.define(eq=False)
class _Probe:
    """A probe: the rate rises from `held`, step by step.

    Args:
        held: The rate before the probe.
        step: The current step, as a fraction of the rate below this step.
        began: The time when the current step began.
        excess: Number of requests or images in this step that the rate below it would not allow.
        total: Number of requests or images in this probe that the rate `held` would not allow.
        full_at: The time from which on a response is evidence, because enough was sent; infinite
            until then.
    """

    held: float
    step: float
    began: float
    excess: float = 0.0
    total: float = 0.0
    full_at: float = math.inf


class AdaptiveRate:
    """A rate per second that is learnt from responses.

    Args:
        start: The first rate; infinite if nothing is known.
        ceiling: The highest possible rate.
        tuning: The parameters.
        hold: How many requests or images must pass before the first probe.
    """

    def __init__(
        self, start: float, ceiling: float, tuning: RateTuning, *, hold: float = 0.0
    ) -> None:
        self.rate = start
        self._ceiling = ceiling
        self._tuning = tuning
        self._base = start
        self._hold = hold
        self._refused = 0
        self._probe: _Probe | None = None
        self._raised: _Probe | None = None
        self._slack = 0.0
        self._cut_at = -math.inf
        self._unbounded_until = -math.inf
        self._log: deque[SentBatch] = deque()

    def cap(self, ceiling: float) -> None:
        """Set another ceiling. A rate at the old or above the new ceiling becomes this ceiling."""
        if self.rate >= min(self._ceiling, ceiling):
            self.rate = self._base = ceiling
            self._probe = None
        self._ceiling = ceiling

    def sent(self, count: int, now: float) -> SentBatch:
        """Record a sent batch; pass the returned record to `answered` later."""
        sent = SentBatch(now, count)
        self._log.append(sent)
        while self._log[0].at <= now - REMEMBERED:
            self._log.popleft()
        if self._probe is not None:
            self._exceed(self._probe, count, now)
        return sent

    def answered(self, sent: SentBatch, accepted: int, refused: int, now: float) -> None:
        """Learn from one response.

        Args:
            sent: The record of the batch.
            accepted: How many requests or images were accepted.
            refused: How many requests or images were refused.
            now: The time.
        """
        sent.accepted = accepted
        if sent.at <= self._unbounded_until:
            self._complete(sent.at)
        if refused:
            self._refuse(sent.at, refused, now)
        elif self._was_used(sent.at):
            self._pass(sent.at, accepted, now)

    # --- batches of the last second ---------------------------------------------------------------

    def _second_before(self, moment: float) -> Iterator[SentBatch]:
        for sent in reversed(self._log):
            if sent.at <= moment - WINDOW:
                return
            if sent.at <= moment:
                yield sent

    def _was_used(self, moment: float) -> bool:
        sent = sum(sent.count for sent in self._second_before(moment))
        return sent >= FAR_LESS * self._base * WINDOW

    def _evident(self, moment: float) -> float:
        """Return the rate accepted in the second before `moment`.

        The fraction accepted of the answered batches is assumed for the other batches, too.
        """
        seconds = list(self._second_before(moment))
        known = [sent for sent in seconds if sent.accepted is not None]
        answered = sum(sent.count for sent in known)
        if not answered:
            return 0.0
        accepted = sum(sent.accepted or 0 for sent in known)
        return accepted / answered * sum(sent.count for sent in seconds) / WINDOW

    def _complete(self, sent_at: float) -> None:
        """Raise the first finite rate if later responses show that more was accepted."""
        evident = self._evidently(self._evident(sent_at), sent_at)
        if self._probe is None and evident > self._base:
            self.rate = self._base = min(evident, self._ceiling)

    # --- after a response without refusals --------------------------------------------------------

    def _pass(self, sent_at: float, accepted: int, now: float) -> None:
        if self._base >= self._ceiling:
            return
        probe = self._probe
        if probe is None:
            self._hold -= accepted
            if self._hold <= 0:
                self._begin_probe(now)
        elif sent_at >= probe.full_at:
            self._base = min(self._base * (1 + probe.step), self._ceiling)
            if self._base == self._ceiling:
                self.rate, self._probe = self._base, None
                return
            probe.step = min(STEEPER * probe.step, LARGEST_STEP)
            probe.began, probe.excess, probe.full_at = now, 0.0, math.inf
            self._climb(probe)

    def _begin_probe(self, now: float) -> None:
        step = max(self._tuning.step, min(self._tuning.lift / self._base, LARGEST_STEP / 2))
        if self._is_far_down():
            step = LARGEST_STEP / 2
        self._probe = _Probe(self._base, step, now)
        self._raised = None
        self._refused = 0
        self._climb(self._probe)

    def _is_far_down(self) -> bool:
        """Tell if the rate is far below a known limit.

        If so, a probe starts with a large step: the cause of the cut has probably gone. If it has
        not, the probe is refused again.
        """
        return self._base < FAR_LESS * self._ceiling < math.inf

    def _climb(self, probe: _Probe) -> None:
        level = self._base * (1 + probe.step)
        self.rate = min(level if level < UNBOUNDED else math.inf, self._ceiling)

    def _exceed(self, probe: _Probe, count: int, now: float) -> None:
        """Count what is sent beyond the rate that was accepted before, until it is enough.

        It is enough when only a higher limit can explain that all is accepted: the margin and the
        known surplus are both smaller. In the first step, the rate then returns to the held rate
        until the response comes, so that few requests or images are refused.
        """
        if self.rate > self._base:
            probe.excess += count * (1 - self._base / self.rate)
            probe.total += count * (1 - probe.held / self.rate)
        more = self._tuning.margin * self._base + 1
        enough = probe.excess > more or self.rate >= self._ceiling
        confirm = min(self._tuning.confirm, WINDOW) if self._is_far_down() else self._tuning.confirm
        long_enough = now >= probe.began + confirm
        if enough and long_enough and probe.total > 1.1 * self._slack:
            probe.full_at = min(probe.full_at, now)
            if self._base == probe.held:
                self.rate = self._base

    # --- after a response with refusals -----------------------------------------------------------

    def _refuse(self, sent_at: float, refused: int, now: float) -> None:
        evident = self._evident(sent_at)
        self._refused += refused
        if self._probe is not None and sent_at > self._cut_at:
            self._end_probe(self._probe, evident)
        elif self._probe is None and evident < FAR_LESS * self._base and self._tells(sent_at):
            self._fall(self._evidently(evident, sent_at), now)
        elif self._probe is None and sent_at > self._cut_at + WINDOW and self._base < math.inf:
            level = self._base * (1 - self._tuning.cut)
            if self._ceiling == math.inf and self._was_used(sent_at):
                level = min(level, self._evidently(evident + 1, sent_at))
            self._fall(level, now)
            self._owe(refused)
        else:
            self._owe(refused)
            return
        self._cut_at = now
        self.rate = self._base

    def _tells(self, sent_at: float) -> bool:
        """Tell if enough was sent in the second before `sent_at` to learn from its refusals."""
        if self._was_used(sent_at):
            return True
        return sum(sent.count for sent in self._second_before(sent_at)) >= LEAST_SAMPLE

    def _evidently(self, evident: float, sent_at: float) -> float:
        """Return the rate to hold if `evident` requests or images per second were accepted."""
        if evident:
            return evident * (1 - self._tuning.margin)
        # Nothing was accepted. Half of what was sent is taken, because the rate may be infinite.
        sent = sum(sent.count for sent in self._second_before(sent_at)) / WINDOW
        return min(self._base, max(sent, LEAST_SAMPLE)) / 2

    def _end_probe(self, probe: _Probe, evident: float) -> None:
        self._probe = None
        found = evident * (1 - self._tuning.margin)
        self._base = max(probe.held, min(found, self.rate))
        if self._base >= RAISED * probe.held:
            self._raised = probe
            self._hold = 1 / self._tuning.aim
        else:
            self._settle(probe)

    def _settle(self, probe: _Probe) -> None:
        """End a probe that found no higher limit; hold the rate as `_owe` says."""
        self._slack = min(probe.total, WINDOW * probe.held)
        self._raised = None
        self._hold = 0.0
        self._owe(self._refused)

    def _fall(self, base: float, now: float) -> None:
        """Cut a rate that was too high while it was held."""
        before, self._base = self._base, base
        if before == math.inf:
            self._unbounded_until = now
        if self._raised is not None and base < RAISED * self._raised.held:
            self._settle(self._raised)
        elif base < FAR_LESS * before and self._raised is None:
            # The limit itself has fallen.
            self._hold = min(1 / self._tuning.aim, MOST_HOLD * base)
            self._slack = 0.0

    def _owe(self, refused: int) -> None:
        """Hold the rate longer, until these refusals, too, are at most the fraction `aim`.

        `MOST_HOLD` limits this time.
        """
        if self._raised is None:
            most = max(1 / self._tuning.aim, MOST_HOLD * self._base)
            self._hold = min(max(self._hold, 0.0) + refused / self._tuning.aim, most)
