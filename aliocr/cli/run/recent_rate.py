"""How fast a job has been of late, and how long the rest will take."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import attrs

from aliocr.job.summary import Progress
from aliocr.limits import Limits

WINDOW = 15.0
"""Seconds that are of late: long enough for a steady number, short enough to show a change."""

LOCAL_WINDOW = 120.0
"""The same on this machine, where a picture may take half a minute."""

LEAST_SPAN = 1.0
"""Seconds within which what comes may be chance."""

SETTLED = 5.0
"""Seconds after which a rate is worth reckoning with; the first answers take up to 6."""

IDLE = 10.0
"""Seconds without a result that are worth a word: an answer takes 7 at most, with its timeout."""


@attrs.define
class Recent:
    """What `Progress` said over the last seconds.

    Args:
        limits: What the account allows; None where nothing is limited.
    """

    limits: Limits | None
    _seen: deque[Progress] = attrs.field(factory=deque, init=False)
    _moved: float = attrs.field(default=0.0, init=False)

    def note(self, progress: Progress) -> None:
        """Take down what it says now."""
        if not self._seen or _came(self._seen[-1]) != _came(progress):
            self._moved = progress.seconds
        self._seen.append(progress)
        # One that is older than the window stays, so that all of the window is between two.
        window = WINDOW if self.limits else LOCAL_WINDOW
        while len(self._seen) > 2 and progress.seconds - self._seen[1].seconds >= window:
            self._seen.popleft()

    @property
    def idle(self) -> float:
        """Seconds since the last result; 0 while that is nothing unusual."""
        if self.limits is None or not self._seen:  # on this machine nobody promised a time
            return 0.0
        idle = self._seen[-1].seconds - self._moved
        return idle if idle >= IDLE else 0.0

    @property
    def told(self) -> bool:
        """Whether rates can be told from chance yet."""
        return self._span >= LEAST_SPAN

    @property
    def images(self) -> float:
        """Images a second that had their outcome."""
        return self._rate(_outcomes)

    @property
    def requests(self) -> float:
        """Requests a second that were sent."""
        return self._rate(lambda progress: progress.stats.requests)

    @property
    def share(self) -> float:
        """The part of the account's limit that is used, of that one which is nearer."""
        if self.limits is None:
            return 0.0
        sent = self._rate(lambda progress: progress.stats.images_sent)
        return max(
            self.requests / self.limits.requests_per_second,
            sent / self.limits.images_per_second if self.limits.images_per_second else 0.0,
        )

    def left(self, progress: Progress) -> float | None:
        """Seconds until all rows are done or the budget is spent; None if nobody can know."""
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
            if self._nothing_came and rows / speed < progress.seconds:
                return None  # it should be done by now, so this is no guide
        return rows / speed if speed else None

    @property
    def _nothing_came(self) -> bool:
        return not self._seen or _came(self._seen[0]) == _came(self._seen[-1])

    @property
    def _span(self) -> float:
        return self._seen[-1].seconds - self._seen[0].seconds if self._seen else 0.0

    def _rate(self, count: Callable[[Progress], int]) -> float:
        if not self.told:
            return 0.0
        return max(0, count(self._seen[-1]) - count(self._seen[0])) / self._span


def _outcomes(progress: Progress) -> int:
    return sum(progress.stats.outcomes.values())


def _came(progress: Progress) -> tuple[int, int]:
    return progress.rows, _outcomes(progress)
