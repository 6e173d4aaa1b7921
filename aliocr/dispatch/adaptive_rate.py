"""A rate that is learnt: how much of something an account lets through in a second.

The service publishes neither how it counts nor all that it allows, so both are found out:

1. The rate stands at what was seen to pass, a margin below what was seen to be refused. It is
   *held* there until the refused are no more than `aim` of all that passed since.
2. Then it is *probed*: a small step up, and if that passes, larger ones, so that a limit raised a
   hundredfold is reached in a few steps. The first refusal ends the probe. What was accepted in the
   second before it is what there is.
3. A refusal of a rate that is held takes a little of it, or all that was evidently too much.
4. Some servers let more through for a while than for long. A probe that was refused late tells how
   much more; the next one lets that much pass before it believes a step.
5. What was sent before a cut was known teaches nothing more, and a rate that is not used teaches
   nothing at all.

Pure: times come in as arguments, in seconds by a clock that never goes back.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator

import attrs

WINDOW = 1.0
"""Seconds over which a server is taken to count."""

MOST_HOLD = 6.0
"""Seconds that a rate is held, unless one refusal alone needs longer to be made up for: who never
asks never learns that more is allowed."""

REMEMBERED = 10.0
"""Seconds for which it is remembered what was sent: longer than an answer takes."""

FAR_LESS = 0.8
"""Below this part of a rate, what was accepted says more than the rate does; and a rate of which
less is sent is not used."""

RAISED = 1.1
"""A probe that ends above this multiple of what was held has found a limit that was raised."""

LARGEST_STEP = 1.0
"""A step that doubles the rate."""

STEEPER = 3.3
"""By so much a step is larger than the one before it."""

LEAST_SAMPLE = 10
"""From fewer than so many in a second, of a rate that was not used, nothing is concluded."""

UNBOUNDED = 1e6
"""A rate per second above this is no bound."""


@attrs.frozen
class RateTuning:
    """How a rate is learnt.

    Args:
        aim: The part that may be refused, for the sake of knowing the limit.
        cut: The part that a refusal takes from a rate that is held.
        step: The least first step of a probe, as a part of the rate.
        lift: The least first step of a probe, per second; the larger of the two counts.
        confirm: Seconds for which a step must pass.
        margin: Kept below a rate that was seen to be the limit, as a part of it: jitter brings
            closer together on the way what was evenly sent.
    """

    aim: float
    cut: float
    step: float
    lift: float = 0.0
    confirm: float = 0.0
    margin: float = 0.055


REQUESTS = RateTuning(aim=0.003, cut=0.02, step=0.01, confirm=5.0)
"""Of a known limit only the margin is sought, slowly: a refused request is a hundred images."""

IMAGES = RateTuning(aim=0.0215, cut=0.04, step=0.09, lift=3.0)
"""Nothing is known of it, and a refused image is one image: quickly. At 10 images a second a probe
costs a refusal and comes every 5 s; to come sooner, more than 2 % would have to be refused."""


@attrs.define(eq=False)
class SentBatch:
    """What was sent at one time, and how much of it was accepted; None while that is not known."""

    at: float
    count: int
    accepted: int | None = None


@attrs.define(eq=False)
class _Probe:
    """A rise from `held`, step by step.

    Args:
        held: The rate it began from.
        step: The present step, as a part of the rate below it.
        began: When the present step began.
        excess: What was sent beyond the rate below this step.
        total: What was sent beyond `held`.
        full_at: When enough was, so that an answer tells; infinite before.
    """

    held: float
    step: float
    began: float
    excess: float = 0.0
    total: float = 0.0
    full_at: float = math.inf


class AdaptiveRate:
    """A rate per second that is learnt.

    Args:
        start: The rate at first; infinite if nothing is known.
        ceiling: The most there can be.
        tuning: How it is learnt.
        hold: How many must pass before it is probed for the first time.
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
        """Another ceiling from now on; a rate that stood at the old one goes to the new one."""
        if self.rate >= min(self._ceiling, ceiling):
            self.rate = self._base = ceiling
            self._probe = None
        self._ceiling = ceiling

    def sent(self, count: int, now: float) -> SentBatch:
        """Note that so many were sent; the note goes back to `answered`."""
        sent = SentBatch(now, count)
        self._log.append(sent)
        while self._log[0].at <= now - REMEMBERED:
            self._log.popleft()
        if self._probe is not None:
            self._exceed(self._probe, count, now)
        return sent

    def answered(self, sent: SentBatch, accepted: int, refused: int, now: float) -> None:
        """Learn from one answer.

        Args:
            sent: What it answers.
            accepted: How many were not refused.
            refused: How many were.
            now: The time.
        """
        sent.accepted = accepted
        if sent.at <= self._unbounded_until:
            self._complete(sent.at)
        if refused:
            self._refuse(sent.at, refused, now)
        elif self._was_used(sent.at):
            self._pass(sent.at, accepted, now)

    # --- the last second, as it was sent ----------------------------------------------------------

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
        """What was accepted per second, those not yet answered taken for as good as the others."""
        seconds = list(self._second_before(moment))
        known = [sent for sent in seconds if sent.accepted is not None]
        answered = sum(sent.count for sent in known)
        if not answered:
            return 0.0
        accepted = sum(sent.accepted or 0 for sent in known)
        return accepted / answered * sum(sent.count for sent in seconds) / WINDOW

    def _complete(self, sent_at: float) -> None:
        """The first cut went by the first answers; these came later and may have been better."""
        evident = self._evidently(self._evident(sent_at), sent_at)
        if self._probe is None and evident > self._base:
            self.rate = self._base = min(evident, self._ceiling)

    # --- what passes ------------------------------------------------------------------------------

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
        """Far below a limit that is known: what kept it there has gone, or will be met again."""
        return self._base < FAR_LESS * self._ceiling < math.inf

    def _climb(self, probe: _Probe) -> None:
        level = self._base * (1 + probe.step)
        self.rate = min(level if level < UNBOUNDED else math.inf, self._ceiling)

    def _exceed(self, probe: _Probe, count: int, now: float) -> None:
        """Note what is sent beyond what is known to pass, until an answer to it can tell.

        That is more than a margin kept in error would explain, or slack seen before. The first step
        then goes back to where it came from, to be refused no more than needed.
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

    # --- what is refused --------------------------------------------------------------------------

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
        """Enough was sent in the second before for what was accepted of it to say anything."""
        if self._was_used(sent_at):
            return True
        return sum(sent.count for sent in self._second_before(sent_at)) >= LEAST_SAMPLE

    def _evidently(self, evident: float, sent_at: float) -> float:
        """The rate to keep when so many per second were accepted."""
        if evident:
            return evident * (1 - self._tuning.margin)
        # Nothing at all was: half of what there was, which may have been without bound.
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
        """The probe found nothing: what it cost is to be made up for."""
        self._slack = min(probe.total, WINDOW * probe.held)
        self._raised = None
        self._hold = 0.0
        self._owe(self._refused)

    def _fall(self, base: float, now: float) -> None:
        """The rate was too high while it was held."""
        before, self._base = self._base, base
        if before == math.inf:
            self._unbounded_until = now
        if self._raised is not None and base < RAISED * self._raised.held:
            self._settle(self._raised)
        elif base < FAR_LESS * before and self._raised is None:
            # The limit itself has come down, which is nobody's fault.
            self._hold = min(1 / self._tuning.aim, MOST_HOLD * base)
            self._slack = 0.0

    def _owe(self, refused: int) -> None:
        """Hold longer, until these are no more than the aim; but not for ever."""
        if self._raised is None:
            most = max(1 / self._tuning.aim, MOST_HOLD * self._base)
            self._hold = min(max(self._hold, 0.0) + refused / self._tuning.aim, most)
