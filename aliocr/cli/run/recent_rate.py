"""The rate of a job over the last seconds, and the time left."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import attrs

from aliocr.job.summary import Progress
from aliocr.limits import Limits

WINDOW = 15.0
"""Time span over which a rate is computed, in seconds.

With a shorter span the rate would be unsteady; with a longer span it would show changes late.
"""

LOCAL_WINDOW = 120.0
"""Time span if this machine reads, in seconds. One picture may take half a minute there."""

LEAST_SPAN = 1.0
"""Minimum time span of a rate, in seconds. A rate over a shorter span would be random."""

SETTLED = 5.0
"""Minimum time span of a rate from which the time left is computed, in seconds.

A rate over a shorter span would be too low, because the first replies take up to 6 seconds.
"""

IDLE = 10.0
"""Time without a result after which this time is reported, in seconds.

A shorter time is normal, because a request has a timeout of 7 seconds.
"""


@attrs.define
class RecentRate:
    """The rate of a job over the last seconds; `limits` is None if this machine reads."""

    limits: Limits | None
    _moments: deque[Progress] = attrs.field(factory=deque, init=False)
    _moved: float = attrs.field(default=0.0, init=False)

    def note(self, progress: Progress) -> None:
        """Record the progress at this moment."""
        if not self._moments or _came(self._moments[-1]) != _came(progress):
            self._moved = progress.seconds
        self._moments.append(progress)
        # Keep one moment from before the window, so that the moments span the whole window.
        window = WINDOW if self.limits else LOCAL_WINDOW
        while len(self._moments) > 2 and progress.seconds - self._moments[1].seconds >= window:
            self._moments.popleft()

    @property
    def idle(self) -> float:
        """Time since the last result, in seconds; 0 if this time is normal."""
        if self.limits is None or not self._moments:  # a picture may take long on this machine
            return 0.0
        idle = self._moments[-1].seconds - self._moved
        return idle if idle >= IDLE else 0.0

    @property
    def known(self) -> bool:
        """Whether the time span is long enough to compute a rate."""
        return self._span >= LEAST_SPAN

    @property
    def images(self) -> float:
        """Outcomes per second."""
        return self._rate(_outcomes)

    @property
    def requests(self) -> float:
        """Requests sent per second."""
        return self._rate(lambda progress: progress.stats.requests)

    @property
    def share(self) -> float:
        """Used share of the account's limits, for requests or for images: the higher share."""
        if self.limits is None:
            return 0.0
        sent = self._rate(lambda progress: progress.stats.images_sent)
        return max(
            self.requests / self.limits.requests_per_second,
            sent / self.limits.images_per_second if self.limits.images_per_second else 0.0,
        )

    def left(self, progress: Progress) -> float | None:
        """Return the seconds until all rows are done or the budget is spent; None if unknown."""
        if progress.total is None:
            return None
        rows = max(0, progress.total - progress.rows)
        if progress.budget is not None:
            rows = min(rows, max(0, progress.budget - progress.charged_at_most))
        if self._span >= SETTLED:
            speed = self._rate(lambda progress: progress.rows)
        elif self.limits is None or progress.stats.throttled:
            return None  # unknown: no limits, or refusals show lower limits
        else:
            speed = self.limits.requests_per_second * self.limits.images_per_request
            speed = min(speed, self.limits.images_per_second or speed)
            nothing_came = not self._moments or _came(self._moments[0]) == _came(self._moments[-1])
            if nothing_came and rows / speed < progress.seconds:
                return None  # wrong limits: with them, the job would be complete now
        return rows / speed if speed else None

    @property
    def _span(self) -> float:
        return self._moments[-1].seconds - self._moments[0].seconds if self._moments else 0.0

    def _rate(self, count: Callable[[Progress], int]) -> float:
        if not self.known:
            return 0.0
        return max(0, count(self._moments[-1]) - count(self._moments[0])) / self._span


def _outcomes(progress: Progress) -> int:
    return sum(progress.stats.outcomes.values())


def _came(progress: Progress) -> tuple[int, int]:
    return progress.rows, _outcomes(progress)
