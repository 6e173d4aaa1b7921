"""Budget of a job: count the images that may be charged, and stay within a limit."""

from __future__ import annotations

from collections.abc import Callable

from aliocr.models import Outcome
from aliocr.stats import Stats


class ChargeBudget:
    """Counts what a job may be charged in all its runs, and keeps it within a limit.

    An image that was read counts once for each of its frames. For an image in flight, the number of
    frames is not known, so it counts `frames` times. So does a failed image that may have been
    charged.

    Args:
        stats: Returns the current numbers of the session. Charges from before this object was made
            do not count.
        frames: Maximum number of frames that are read from one image; each frame is charged like
            an image.
        limit: Maximum number of charged images in all runs of the job; None for no limit.
    """

    def __init__(self, stats: Callable[[], Stats], *, frames: int, limit: int | None) -> None:
        self.limit = limit
        self._stats = stats
        self._frames = frames
        before = stats()
        self._repeats_before = before.charged_again + before.given_up
        self._answered = 0

    def add(self, earlier: int) -> None:
        """Add what earlier runs may have been charged."""
        self._answered += earlier

    def answered(self, outcome: Outcome) -> None:
        """Count an image that has its outcome."""
        if outcome.ok:
            self._answered += max(1, len(outcome.frames))
        elif outcome.error.maybe_charged:
            self._answered += self._frames

    @property
    def charged_at_most(self) -> int:
        """The charges if all images that are in requests now are charged."""
        return self.charged_with(self._stats().under_way)

    def charged_at_worst(self, unanswered: int, promised: int) -> int:
        """Return the charges if this process ends now and all unanswered images are charged.

        Args:
            unanswered: Number of images without an outcome, as in `affords`.
            promised: Number of images that the session gets next, if the budget allows them.
        """
        at_most = self.charged_with(unanswered + promised)
        if self.limit is None:
            return at_most
        return max(self.charged_with(unanswered), min(self.limit, at_most))

    def affords(self, unanswered: int) -> bool:
        """Return True if the budget allows one more image, even if all unanswered ones are charged.

        Args:
            unanswered: Number of images that were given to the session and have no outcome yet,
                whether they were sent or not.
        """
        return self.limit is None or self.charged_with(unanswered + 1) <= self.limit

    def charged_with(self, unanswered: int) -> int:
        """Return the charges if so many unanswered images are charged for all frames."""
        stats = self._stats()
        repeats = stats.charged_again + stats.given_up - self._repeats_before
        return self._answered + (repeats + unanswered) * self._frames
