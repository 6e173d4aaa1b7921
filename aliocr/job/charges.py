"""What a job is charged, and whether its budget allows one image more."""

from __future__ import annotations

from collections.abc import Callable

from aliocr.models import Outcome
from aliocr.stats import Stats

__all__ = ["Charges"]


class Charges:
    """Images that were, or may have been, charged: what a job has spent.

    An image that is under way counts for all frames that were asked of it. Once it is answered it
    counts for those it had, or for one if it failed and may have been charged nevertheless.

    Args:
        stats: The numbers of the session, at the moment they are asked for. Those of before are not
            the job's.
        frames: Frames asked for of one image, at most; each is charged as an image.
        budget: Images that may be charged, in all runs of the job; None for no limit.

    Attributes:
        budget: The same.
    """

    def __init__(self, stats: Callable[[], Stats], *, frames: int, budget: int | None) -> None:
        self.budget = budget
        self._stats = stats
        self._frames = frames
        before = stats()
        self._again_before = before.charged_again
        self._given_up_before = before.given_up
        self._answered = 0

    def add(self, images: int) -> None:
        """So many were charged in earlier runs."""
        self._answered += images

    def answered(self, outcome: Outcome) -> None:
        """An image is under way no more."""
        if outcome.ok:
            self._answered += max(1, len(outcome.frames))
        elif outcome.error.maybe_charged:
            self._answered += 1

    @property
    def charged_again(self) -> int:
        """Those that may have been charged for an image a second time, in this run."""
        return self._stats().charged_again - self._again_before

    @property
    def spent(self) -> int:
        """All of them, those under way among them."""
        return self._settled + self._stats().under_way * self._frames

    def affords(self, unanswered: int) -> bool:
        """Whether one more may be charged, though all that are unanswered will be, too.

        Args:
            unanswered: Images that were given to the session and have no outcome yet, whether or
                not they were sent.
        """
        return self.budget is None or self.most(unanswered + 1) <= self.budget

    def most(self, unanswered: int) -> int:
        """What is spent if all that are unanswered are charged for all their frames."""
        return self._settled + unanswered * self._frames

    @property
    def _settled(self) -> int:
        given_up = self._stats().given_up - self._given_up_before
        return self._answered + self.charged_again + given_up
