"""Images that a job was charged, and may be charged: a budget allows one image more, or not."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from aliocr.models import Outcome
from aliocr.stats import Stats


@attrs.frozen
class Charges:
    """Images that a job was charged: two numbers, as an image without an answer may be charged.

    Args:
        charged: Images that were read, and so were charged.
        charged_at_most: These, and all images that may have been charged.
    """

    charged: int = 0
    charged_at_most: int = 0


class ChargeBudget:
    """Counts the charges of a job in all its runs, and keeps them within a limit.

    An image that was read counts for the frames it had. An image under way, or one that failed and
    may have been charged, counts for all frames that were asked of it.

    Args:
        stats: Returns the session's numbers of the moment. Earlier charges of the session are not
            the job's.
        frames: Frames asked for of one image, at most; each is charged as an image.
        limit: Images that may be charged, in all runs of the job; None for no limit.
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
        """Count an image that is no longer under way."""
        if outcome.ok:
            frames = max(1, len(outcome.frames))
            self._charged += frames
            self._answered += frames
        elif outcome.error.maybe_charged:
            self._answered += self._frames

    @property
    def charges(self) -> Charges:
        """The charges so far, with all images under way."""
        return Charges(self._charged, self._at_most(self._stats().under_way))

    def charges_at_worst(self, unanswered: int, promised: int) -> Charges:
        """Return the charges if this process ends now and all unanswered images are charged.

        Args:
            unanswered: As of `affords`.
            promised: Images that the session gets next, if the budget affords them.
        """
        at_most = self._at_most(unanswered + promised)
        if self.limit is not None:
            at_most = max(self._at_most(unanswered), min(self.limit, at_most))
        return Charges(self._charged, at_most)

    def affords(self, unanswered: int) -> bool:
        """Return True if one image more may be charged, and all unanswered images as well.

        Args:
            unanswered: Images that were given to the session and have no outcome yet, sent or not.
        """
        return self.limit is None or self._at_most(unanswered + 1) <= self.limit

    def _at_most(self, unanswered: int) -> int:
        """Return the charges if all unanswered images are charged for all their frames."""
        stats = self._stats()
        repeats = stats.charged_again + stats.given_up - self._repeats_before
        return self._answered + (repeats + unanswered) * self._frames
