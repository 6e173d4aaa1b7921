"""What a job is charged, and whether its budget allows one image more."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from aliocr.models import Outcome
from aliocr.stats import Stats


@attrs.frozen
class Bill:
    """What is known of it, as nobody says what becomes of an image that is not answered.

    Args:
        charged: Images that were charged: they were read.
        spent: Those and all that may have been charged.
    """

    charged: int = 0
    spent: int = 0


class Charges:
    """Images that were, or may have been, charged: what a job has spent, in all its runs.

    An image counts for all frames that were asked of it, as long as nobody knows better: while it
    is under way, and if it failed and may have been charged nevertheless. One that was read counts
    for those it had.

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
        self._charged = 0
        self._answered = 0

    def add(self, bill: Bill) -> None:
        """So many were charged in earlier runs."""
        self._charged += bill.charged
        self._answered += bill.spent

    def answered(self, outcome: Outcome) -> None:
        """An image is under way no more."""
        if outcome.ok:
            frames = max(1, len(outcome.frames))
            self._charged += frames
            self._answered += frames
        elif outcome.error.maybe_charged:
            self._answered += self._frames

    @property
    def bill(self) -> Bill:
        """All of them, those under way among them."""
        return Bill(self._charged, self._settled + self._stats().under_way * self._frames)

    def bill_of(self, unanswered: int, promised: int) -> Bill:
        """The same if this process ends now, and all that are unanswered are charged.

        Args:
            unanswered: As of `affords`.
            promised: Images that may be given to the session next, if the budget affords them.
        """
        spent = self.most(unanswered + promised)
        if self.budget is not None:
            spent = max(self.most(unanswered), min(self.budget, spent))
        return Bill(self._charged, spent)

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
        stats = self._stats()
        again = stats.charged_again - self._again_before
        given_up = stats.given_up - self._given_up_before
        return self._answered + (again + given_up) * self._frames
