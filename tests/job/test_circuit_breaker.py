"""The circuit breaker of a job, without a service."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from aliocr.errors import APIError, DownloadError, OCRError, ThrottledError, TransportError
from aliocr.job.circuit_breaker import MOST_UNSERVED, CircuitBreaker
from aliocr.job.errors import JobError
from aliocr.job.input.rows import Row
from aliocr.job.worklist import PendingRow
from aliocr.models import Failure, Image, Outcome, Scan

GONE = TransportError("no network")


def shown(breaker: CircuitBreaker, errors: Sequence[OCRError | None]) -> list[int]:
    """The rows that may be kept, of images that failed so; None for one that was read."""
    kept = []
    for number, error in enumerate(errors, 1):
        row = Row(number, f"https://example.com/{number}.png")
        image = Image(row.source)
        outcome: Outcome = Scan(image=image, text="")
        if error is not None:
            outcome = Failure(image=image, error=error)
        pending = PendingRow(row, image, b"")
        kept += [each.row.number for each, _ in breaker.take(pending, outcome)]
    return kept


@pytest.mark.parametrize(
    "error",
    [GONE, ThrottledError(588, "quota"), APIError("Throttling", "hurry")],
    ids=["network", "quota", "gateway"],
)
def test_what_is_not_served_waits_until_another_is(error: OCRError) -> None:
    """Then it is a failure of its own, and stands before the other."""
    assert shown(CircuitBreaker(), [None, error, error]) == [1]
    assert shown(CircuitBreaker(), [None, error, error, None]) == [1, 2, 3, 4]


def test_a_picture_that_is_missing_was_served() -> None:
    """The service has looked for it."""
    assert shown(CircuitBreaker(), [GONE, DownloadError(404, "not found"), GONE]) == [1, 2]


def test_many_in_a_row_end_the_job_and_are_no_failures() -> None:
    """The outcomes are dropped, and the rows read when the job is started again."""
    breaker = CircuitBreaker()
    with pytest.raises(JobError, match=r"300 images in a row were not served, .*: no network; "):
        shown(breaker, [GONE] * MOST_UNSERVED)
    assert breaker.end(stopped=False) == []


def test_one_that_is_served_begins_the_row_anew() -> None:
    """Failures before it do not count any more."""
    almost = [GONE] * (MOST_UNSERVED - 1)
    breaker = CircuitBreaker()
    assert len(shown(breaker, [*almost, None, *almost])) == MOST_UNSERVED
    assert len(breaker.end(stopped=False)) == MOST_UNSERVED - 1


def test_where_nothing_was_served_nothing_has_failed() -> None:
    """One image is enough; but a job that was told to stop ends as it was told."""
    breaker = CircuitBreaker()
    assert shown(breaker, [GONE]) == []
    with pytest.raises(JobError, match="1 image was not served"):
        breaker.end(stopped=False)
    breaker = CircuitBreaker()
    assert shown(breaker, [GONE]) == []
    assert len(breaker.end(stopped=True)) == 1
