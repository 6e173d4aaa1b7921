"""The account's image quota: how many images may be sent now, by a rate that is given or learnt.

The service refuses images with code 588 if there are too many in one second, or too many in flight.
It does not publish these two limits. Both limit the rate at which images are accepted, so this rate
is learnt from refusals. The rate also decides how many images one request carries: all images that
the rate has allowed since the last request.

aiolimiter cannot be used here, because its rate is fixed and batches have no fixed size.

Pure: times are arguments, in seconds of a monotonic clock.
"""

from __future__ import annotations

import math

from aliocr.dispatch.rates.image_rate import ImageRate
from aliocr.dispatch.rates.sent_record import SentBatch
from aliocr.limits import Limits

MARGIN = 0.055
"""How far the rate stays below a known quota, as a fraction of the quota. Reason: images that are
sent at even distances may arrive closer together."""

SAVED_UP = 0.11
"""How much of the rate can be saved up while no image waits, or while the account is paused, in
seconds; one image is added."""

SAVED_WAITING = 1.0
"""How much of the rate can be saved up while images wait, in seconds; one image is added. A request
may use all that was saved up since the last request, but not more than a server counts together."""


class ImageQuota:
    """The image quota of one account.

    Args:
        limits: The known limits; an image rate that is None is learnt.
    """

    def __init__(self, limits: Limits) -> None:
        ceiling = _ceiling(limits)
        self._learnt = ImageRate(ceiling)
        self._most_in_flight = limits.images_in_flight or math.inf
        self._in_flight = 0
        self._saved = 1.0
        self._counted_at = -math.inf

    def change_limits(self, limits: Limits) -> None:
        """Keep these limits from now on; a lower rate that was learnt stays."""
        self._learnt.cap(_ceiling(limits))
        self._most_in_flight = limits.images_in_flight or math.inf

    @property
    def rate(self) -> float:
        """Images per second, as known or learnt; infinite if nothing is known."""
        return self._learnt.rate

    def room(self, now: float) -> float:
        """Return how many images may be sent now; the number may be infinite, or below 1."""
        self._save_up(now)
        return min(self._saved, self._most_in_flight - self._in_flight)

    def wait(self, now: float, idle_until: float | None = None) -> float:
        """Return the seconds until one image may be sent; infinite if a response must come first.

        Args:
            now: The time.
            idle_until: When the first image began to wait. Until then, little can be saved up, as
                `SAVED_UP` says. None if images have waited all the time.
        """
        if idle_until is not None:
            self._save_up(idle_until)
            self._saved = min(self._saved, 1 + SAVED_UP * self._learnt.rate)
        if self._in_flight >= self._most_in_flight:
            return math.inf
        self._save_up(now)
        return (1 - self._saved) / self._learnt.rate if self._saved < 1 else 0.0

    def reserve(self, count: int, now: float) -> SentBatch:
        """Count the images of a request that is sent now; pass the record to `release` later."""
        self._save_up(now)
        self._saved -= count
        self._in_flight += count
        return self._learnt.sent(count, now)

    def release(self, sent: SentBatch, refused: int | None, now: float) -> None:
        """Learn from a request that has ended.

        Args:
            sent: The record that `reserve` returned.
            refused: Number of images refused for the quota; None if unknown.
            now: The time.
        """
        self._in_flight -= sent.count
        self._save_up(now)
        if refused is None:
            self._learnt.forget(sent)
        else:
            self._learnt.answered(sent, refused, now)
        self._saved = min(self._saved, self._most_saved())

    def hold_until(self, moment: float, now: float) -> None:
        """Save up nothing until `moment`: what comes up in a pause would be sent all at once."""
        if moment > now:
            self._save_up(now)
            self._saved = min(self._saved, 1 + SAVED_UP * self._learnt.rate)
            self._counted_at = max(self._counted_at, moment)

    def _most_saved(self) -> float:
        return 1 + SAVED_WAITING * self._learnt.rate

    def _save_up(self, now: float) -> None:
        if self._learnt.rate == math.inf:
            self._saved = math.inf
        elif now > self._counted_at:
            grown = self._saved + self._learnt.rate * min(now - self._counted_at, SAVED_WAITING)
            self._saved = min(grown, self._most_saved())
        self._counted_at = max(now, self._counted_at)


def _ceiling(limits: Limits) -> float:
    known = limits.images_per_second
    return math.inf if known is None else (1 - MARGIN) * known
