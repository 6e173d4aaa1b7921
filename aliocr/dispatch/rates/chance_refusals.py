"""Chance refusals: the part of refused images that a lower rate does not avoid.

A quota refuses less when less is sent. A service that refuses by chance does not. Therefore the
part refused of all requests is compared with the part refused of *low* requests: those that were
sent soon after a cut, well below the rate that was refused. If low requests fare as badly as all,
the refusals are chance, and cuts would only slow down.

The bound matters: other processes of the account look much like chance, and what is tolerated for
chance, processes that share a quota refuse each other.

Pure: times are arguments, in seconds of a monotonic clock.
"""

from __future__ import annotations

import math

import attrs

HALF_LIFE = 20.0
"""Time after which an observation counts half, in seconds."""

PRIOR = 5.0
"""Number of requests without refusals that are assumed at the start."""

RATIOS = (0.5, 0.9)
"""Ratio of the part refused of low requests to the part refused of all: up to the first ratio
nothing is chance, from the second ratio on everything is."""

MOST = 0.06
"""Maximum part of chance."""

FULL_RATE = 20.0
"""Images per second from which on `MOST` applies; less in proportion at a lower rate. Reason: at a
few images per second, a single refusal is a large part."""

SIGMAS = 2.5
"""Number of standard deviations by which refusals must exceed what chance explains."""


@attrs.define
class _Mean:
    """Mean part refused of requests, with less weight on earlier ones."""

    refused: float = 0.0
    requests: float = 0.0

    @property
    def value(self) -> float:
        return self.refused / (self.requests + PRIOR)

    def add(self, part: float) -> None:
        self.refused += part
        self.requests += 1

    def fade(self, factor: float) -> None:
        self.refused *= factor
        self.requests *= factor


class ChanceRefusals:
    """Estimates the part of chance from responses."""

    def __init__(self) -> None:
        self._all = _Mean()
        self._low = _Mean()
        self._noted_at = 0.0

    def note(self, part: float, now: float, *, low: bool) -> None:
        """Count a response: the part refused, and whether the request was a low one."""
        factor = 0.5 ** (max(0.0, now - self._noted_at) / HALF_LIFE)
        self._noted_at = now
        for mean in (self._all, self._low):
            mean.fade(factor)
        self._all.add(part)
        if low:
            self._low.add(part)

    def part(self, rate: float) -> float:
        """Return the part of images that is refused by chance at a rate per second, 0 to `MOST`."""
        every = self._all.value
        if not every:
            return 0.0
        least, full = RATIOS
        chance = min(max((self._low.value / every - least) / (full - least), 0.0), 1.0)
        return min(every * chance, MOST * min(1.0, rate / FULL_RATE))


def exceeds_chance(part: float, refused: int, known: int, squares: int) -> bool:
    """Tell if chance does not explain the refusals of one second.

    The standard deviation is that of whole requests, because chance may refuse all images of one.

    Args:
        part: The part refused by chance.
        refused: Number of images refused.
        known: Number of images whose response has come.
        squares: Sum of the squares of the number of images per request.
    """
    return refused > part * known + SIGMAS * math.sqrt(part * (1 - part) * squares)
