"""The account's image quota: how many images may leave now. Known, or learnt from refusals.

The service refuses images over a number per second, or at one moment, with code 588, and says
neither number. Both show in the rate at which images are accepted, so what is learnt is a rate;
it rules what one request carries, too, as a request takes what has come up since the last.

aiolimiter does not serve here: its rate is fixed, and a batch is of as many as there are.

Pure: times come in as arguments, in seconds by a clock that never goes back.
"""

from __future__ import annotations

import math

from aliocr.dispatch.adaptive_rate import IMAGES, Pace, Sent
from aliocr.limits import Limits

SAVED_UP = 0.11
"""Seconds of the rate that can be saved up while nobody waits, besides one image."""

SAVED_WAITING = 1.0
"""Seconds of the rate that can be saved up while images wait: a request takes all that came up
since the last, however far apart they are, but not more than a server counts at a time."""


class ImageQuota:
    """How many images of one account may leave.

    Args:
        limits: The numbers that are known; a rate that is None is learnt.
    """

    def __init__(self, limits: Limits) -> None:
        ceiling = _ceiling(limits)
        self._pace = Pace(ceiling, ceiling, IMAGES)
        self._most_in_flight = limits.images_in_flight or math.inf
        self._in_flight = 0
        self._saved = 1.0
        self._counted_at = -math.inf

    def limit(self, limits: Limits) -> None:
        """Hold these limits from now on; what has been learnt below them stays."""
        self._pace.cap(_ceiling(limits))
        self._most_in_flight = limits.images_in_flight or math.inf

    @property
    def rate(self) -> float:
        """Images per second, as known or learnt; infinite if nothing is."""
        return self._pace.rate

    def room(self, now: float) -> float:
        """How many images may leave now; may be infinite, or below 1."""
        self._save_up(now)
        return min(self._saved, self._most_in_flight - self._in_flight)

    def idle_until(self, moment: float) -> None:
        """Nobody waited till then: what was saved up before is little."""
        self._save_up(moment)
        self._saved = min(self._saved, 1 + SAVED_UP * self._pace.rate)

    def wait(self, now: float) -> float:
        """Seconds until there is room for one image; infinite if an answer must come first."""
        if self._in_flight >= self._most_in_flight:
            return math.inf
        self._save_up(now)
        return (1 - self._saved) / self._pace.rate if self._saved < 1 else 0.0

    def sent(self, count: int, now: float) -> Sent:
        """Note that so many have left; the note goes back to `answered`."""
        self._save_up(now)
        self._saved -= count
        self._in_flight += count
        return self._pace.sent(count, now)

    def answered(self, sent: Sent, refused: int | None, now: float) -> None:
        """A request has ended.

        Args:
            sent: What was noted when it left.
            refused: Images refused for the quota; None if nothing was heard of any.
            now: The time.
        """
        self._in_flight -= sent.count
        self._save_up(now)
        if refused is not None:
            self._pace.answered(sent, sent.count - refused, refused, now)
        self._saved = min(self._saved, self._most_saved())

    def _most_saved(self) -> float:
        return 1 + SAVED_WAITING * self._pace.rate

    def _save_up(self, now: float) -> None:
        if self._pace.rate == math.inf:
            self._saved = math.inf
        elif now > self._counted_at:
            grown = self._saved + self._pace.rate * min(now - self._counted_at, SAVED_WAITING)
            self._saved = min(grown, self._most_saved())
        self._counted_at = max(now, self._counted_at)


def _ceiling(limits: Limits) -> float:
    known = limits.images_per_second
    return math.inf if known is None else (1 - IMAGES.margin) * known
