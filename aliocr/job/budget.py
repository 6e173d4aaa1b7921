"""Budget of a job: count the images that are charged, and stay within a limit."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from aliocr.models import Outcome
from aliocr.stats import Stats


@attrs.frozen
class Charges:
    """Numbers of charged images: certain charges, and all possible charges.

    Args:
        charged: Number of images that were read, and so were charged.
        charged_at_most: `charged`, plus the number of images that may have been charged, such as
            images without an answer.
    """

    charged: int = 0
    charged_at_most: int = 0


class ChargeBudget:
    """Counts the charges of a job in all its runs, and keeps them within a limit.

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
        self._charged = 0
        self._answered = 0

    def add(self, earlier: Charges) -> None:
        """Add the charges of earlier runs."""
        self._charged += earlier.charged
        self._answered += earlier.charged_at_most

    def answered(self, outcome: Outcome) -> None:
        """Count an image that has its outcome."""
        if outcome.ok:
            frames = max(1, len(outcome.frames))
            self._charged += frames
            self._answered += frames
        elif outcome.error.maybe_charged:
            self._answered += self._frames

    @property
    def charges(self) -> Charges:
        """The charges so far; all images in flight count as possible charges."""
        return Charges(self._charged, self._at_most(self._stats().under_way))

    def charges_at_worst(self, unanswered: int, promised: int) -> Charges:
        """Return the charges if this process ends now and all unanswered images are charged.

        Args:
            unanswered: Number of images without an outcome, as in `affords`.
            promised: Number of images that the session gets next, if the budget allows them.
        """
        at_most = self._at_most(unanswered + promised)
        if self.limit is not None:
            at_most = max(self._at_most(unanswered), min(self.limit, at_most))
        return Charges(self._charged, at_most)

    def affords(self, unanswered: int) -> bool:
        """Return True if the budget allows one more image, even if all unanswered ones are charged.

        Args:
            unanswered: Number of images that were given to the session and have no outcome yet,
                whether they were sent or not.
        """
        return self.limit is None or self._at_most(unanswered + 1) <= self.limit

    def _at_most(self, unanswered: int) -> int:
        """Return the charges if all unanswered images are charged for all frames."""
        stats = self._stats()
        repeats = stats.charged_again + stats.given_up - self._repeats_before
        return self._answered + (repeats + unanswered) * self._frames
