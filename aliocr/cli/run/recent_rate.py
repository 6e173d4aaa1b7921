"""The rate of a job over the last seconds, and the time that is left."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import attrs

from aliocr.job.summary import Progress
from aliocr.limits import Limits

WINDOW = 15.0
"""Seconds of the average: long enough for a steady number, short enough to show a change."""

LOCAL_WINDOW = 120.0
"""The same on this machine, where a picture may take half a minute."""

LEAST_SPAN = 1.0
"""Seconds below which a rate may be chance."""

SETTLED = 5.0
"""Seconds after which a rate predicts the rest; the first replies take up to 6."""

IDLE = 10.0
"""Seconds without a result that are reported: a reply takes 7 at most, with its timeout."""


@attrs.define
class RecentRate:
    """The rate of a job, from its progress over the last seconds; no limits on this machine."""

    limits: Limits | None
    _moments: deque[Progress] = attrs.field(factory=deque, init=False)
    _moved: float = attrs.field(default=0.0, init=False)

    def note(self, progress: Progress) -> None:
        """Record the progress at this moment."""
        if not self._moments or _came(self._moments[-1]) != _came(progress):
            self._moved = progress.seconds
        self._moments.append(progress)
        # One moment before the window stays, so that two moments span the whole window.
        window = WINDOW if self.limits else LOCAL_WINDOW
        while len(self._moments) > 2 and progress.seconds - self._moments[1].seconds >= window:
            self._moments.popleft()

    @property
    def idle(self) -> float:
        """Seconds since the last result; 0 while they are not unusual."""
        if self.limits is None or not self._moments:  # a picture takes any time on this machine
            return 0.0
        idle = self._moments[-1].seconds - self._moved
        return idle if idle >= IDLE else 0.0

    @property
    def known(self) -> bool:
        """Enough time has passed for rates that are not chance."""
        return self._span >= LEAST_SPAN

    @property
    def images(self) -> float:
        """Outcomes a second."""
        return self._rate(_outcomes)

    @property
    def requests(self) -> float:
        """Requests sent a second."""
        return self._rate(lambda progress: progress.stats.requests)

    @property
    def share(self) -> float:
        """The used share of the account's limit: of requests or images, whichever is higher."""
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
        elif self.limits is None:
            return None
        else:
            speed = self.limits.requests_per_second * self.limits.images_per_request
            speed = min(speed, self.limits.images_per_second or speed)
            nothing_came = not self._moments or _came(self._moments[0]) == _came(self._moments[-1])
            if nothing_came and rows / speed < progress.seconds:
                return None  # it should be done by now, so the limit predicts nothing
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
