"""The charges of a job, counted without a session."""

from __future__ import annotations

from aliocr.errors import TransportError
from aliocr.job.budget import ChargeBudget
from aliocr.models import Failure, Frame, Image, Scan
from aliocr.stats import Stats

IMAGE = Image("https://example.com/a.png")
READ = Scan(image=IMAGE, text="")
FRAMES = Scan(image=IMAGE, text="", frames=(Frame(text=""), Frame(text=""), Frame(text="")))


class Session:
    """A session's numbers, set by hand."""

    def __init__(self, **numbers: int) -> None:
        self.numbers = numbers

    def stats(self) -> Stats:
        """The numbers of this moment."""
        return Stats(**self.numbers)  # type: ignore[arg-type]

    def budget(self, *, frames: int = 1, limit: int | None = None) -> ChargeBudget:
        """The budget of a job that begins now."""
        return ChargeBudget(self.stats, frames=frames, limit=limit)


def failed(*, maybe_charged: bool) -> Failure:
    """An image that got no answer."""
    error = TransportError("no answer", maybe_charged=maybe_charged)
    return Failure(image=IMAGE, error=error)


def test_an_image_counts_for_its_frames() -> None:
    """One frame or none that is told apart is one image; three are three."""
    budget = Session().budget()
    budget.answered(READ)
    assert budget.charged_at_most == 1
    budget.answered(FRAMES)
    assert budget.charged_at_most == 4


def test_a_failure_counts_if_it_may_have_been_charged() -> None:
    """A request that broke off may have been worked on; one that was refused was not."""
    budget = Session().budget()
    budget.answered(failed(maybe_charged=False))
    assert budget.charged_at_most == 0
    budget.answered(failed(maybe_charged=True))
    assert budget.charged_at_most == 1


def test_what_nobody_knows_counts_for_all_frames_that_were_asked() -> None:
    """Each of them is charged as an image, of a try that was given up as of one that failed."""
    session = Session()
    budget = session.budget(frames=5)
    budget.answered(failed(maybe_charged=True))
    assert budget.charged_at_most == 5
    session.numbers |= {"charged_again": 2, "given_up": 1}
    assert budget.charged_at_most == 20


def test_what_is_written_ahead_is_within_the_budget_but_for_repeats() -> None:
    """Drawn images are not sent beyond the budget; images that were sent count all the same."""
    session = Session()
    budget = session.budget(limit=10)
    assert budget.charged_at_worst(3, 4) == 7
    assert budget.charged_at_worst(8, 200) == 10
    session.numbers["charged_again"] = 3
    assert budget.charged_at_worst(8, 200) == 11
    assert session.budget().charged_at_worst(8, 200) == 208


def test_what_is_under_way_counts_for_all_it_may_cost() -> None:
    """So what was written down is enough if the job is killed before the answer."""
    session = Session()
    budget = session.budget(frames=20)
    session.numbers["under_way"] = 3
    assert budget.charged_at_most == 60
    session.numbers["under_way"] = 2
    budget.answered(READ)
    assert budget.charged_at_most == 41


def test_what_was_charged_before_is_told_apart() -> None:
    """Earlier runs of the job are added; what the session did for others is not."""
    session = Session(charged_again=7)
    budget = session.budget()
    budget.add(100)
    assert budget.charged_at_most == 100
    session.numbers["charged_again"] = 9
    budget.answered(READ)
    assert budget.charged_at_most == 103


def test_a_budget_affords_what_it_would_pay_for_in_the_worst_case() -> None:
    """All that is unanswered may be charged with all its frames, and so may the next image."""
    session = Session()
    budget = session.budget(frames=3, limit=10)
    assert budget.affords(2)
    assert not budget.affords(3)
    budget.answered(READ)
    assert budget.affords(2)
    session.numbers["charged_again"] = 1
    assert not budget.affords(2)
    assert budget.affords(1)


def test_what_is_under_way_is_reserved_once() -> None:
    """The unanswered are those under way and those that wait to be."""
    session = Session(under_way=2)
    budget = session.budget(limit=3)
    assert budget.affords(2)


def test_without_a_budget_everything_is_afforded() -> None:
    """Charges of before do not matter."""
    budget = Session().budget()
    budget.add(10**9)
    assert budget.affords(10**6)
