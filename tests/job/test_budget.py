"""What a job counts as charged, without a session."""

from __future__ import annotations

from aliocr.errors import TransportError
from aliocr.job.budget import Bill, Charges
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
        """Those of this moment."""
        return Stats(**self.numbers)  # type: ignore[arg-type]

    def charges(self, *, frames: int = 1, budget: int | None = None) -> Charges:
        """Those of a job that begins now."""
        return Charges(self.stats, frames=frames, budget=budget)


def failed(*, maybe_charged: bool) -> Failure:
    """An image that got no answer."""
    error = TransportError("no answer", maybe_charged=maybe_charged)
    return Failure(image=IMAGE, error=error)


def test_an_image_counts_for_its_frames() -> None:
    """One frame or none that is told apart is one image; three are three."""
    charges = Session().charges()
    charges.answered(READ)
    assert charges.bill.spent == 1
    charges.answered(FRAMES)
    assert charges.bill.spent == 4


def test_a_failure_counts_if_it_may_have_been_charged() -> None:
    """A request that broke off may have been worked on; one that was refused was not."""
    charges = Session().charges()
    charges.answered(failed(maybe_charged=False))
    assert charges.bill.spent == 0
    charges.answered(failed(maybe_charged=True))
    assert charges.bill.spent == 1


def test_what_nobody_knows_counts_for_all_frames_that_were_asked() -> None:
    """Each of them is charged as an image, of a try that was given up as of one that failed."""
    session = Session()
    charges = session.charges(frames=5)
    charges.answered(failed(maybe_charged=True))
    assert charges.bill == Bill(charged=0, spent=5)
    session.numbers |= {"charged_again": 2, "given_up": 1}
    assert charges.bill == Bill(charged=0, spent=20)


def test_what_is_written_ahead_is_within_the_budget_but_for_repeats() -> None:
    """Those that are drawn are not sent if they cannot be afforded; those that are out, are."""
    session = Session()
    charges = session.charges(budget=10)
    assert charges.bill_of(3, 4).spent == 7
    assert charges.bill_of(8, 200).spent == 10
    session.numbers["charged_again"] = 3
    assert charges.bill_of(8, 200).spent == 11
    assert session.charges().bill_of(8, 200).spent == 208


def test_what_is_under_way_counts_for_all_it_may_cost() -> None:
    """So what was written down is enough if the job is killed before the answer."""
    session = Session()
    charges = session.charges(frames=20)
    session.numbers["under_way"] = 3
    assert charges.bill.spent == 60
    session.numbers["under_way"] = 2
    charges.answered(READ)
    assert charges.bill.spent == 41


def test_what_was_charged_before_is_told_apart() -> None:
    """Earlier runs of the job are added; what the session did for others is not."""
    session = Session(charged_again=7)
    charges = session.charges()
    charges.add(Bill(charged=90, spent=100))
    assert charges.bill == Bill(charged=90, spent=100)
    session.numbers["charged_again"] = 9
    charges.answered(READ)
    assert charges.bill == Bill(charged=91, spent=103)


def test_a_budget_affords_what_it_would_pay_for_in_the_worst_case() -> None:
    """All that is unanswered may be charged with all its frames, and so may the next image."""
    session = Session()
    charges = session.charges(frames=3, budget=10)
    assert charges.affords(2)
    assert not charges.affords(3)
    charges.answered(READ)
    assert charges.affords(2)
    session.numbers["charged_again"] = 1
    assert not charges.affords(2)
    assert charges.affords(1)


def test_what_is_under_way_is_reserved_once() -> None:
    """The unanswered are those under way and those that wait to be."""
    session = Session(under_way=2)
    charges = session.charges(budget=3)
    assert charges.affords(2)


def test_without_a_budget_everything_is_afforded() -> None:
    """Whatever was spent before."""
    charges = Session().charges()
    charges.add(Bill(spent=10**9))
    assert charges.affords(10**6)
