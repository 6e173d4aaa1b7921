"""The circuit breaker of a job, without a service."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import pytest

from aliocr.errors import (
    GATEWAY,
    IN_BODY,
    APIError,
    AuthError,
    DownloadError,
    ImageError,
    OCRError,
    OverloadError,
    ResponseError,
    ScanTimeoutError,
    TransportError,
    api_error,
)
from aliocr.job.circuit_breaker import FEW, MOST_UNSERVED, CircuitBreaker
from aliocr.job.errors import JobError
from aliocr.job.input.rows import Row
from aliocr.job.worklist import PendingRow
from aliocr.models import Failure, Image, Outcome, Scan
from aliocr.stats import Stats

GONE = TransportError("no network")


def shown(
    breaker: CircuitBreaker,
    errors: Sequence[OCRError | None],
    rows: Sequence[int] | None = None,
) -> list[int]:
    """The rows that may be kept, of images that failed so; None for one that was read."""
    kept = []
    for number, error in zip(rows or range(1, len(errors) + 1), errors, strict=True):
        row = Row(number, f"https://example.com/{number}.png")
        image = Image(row.source)
        outcome: Outcome = Scan(image=image, text="")
        if error is not None:
            outcome = Failure(image=image, error=error)
        pending = PendingRow(row, image, b"")
        kept += [each.row.number for each, _ in breaker.take(pending, outcome)]
    return kept


def _of_one_image() -> AuthError:
    error = AuthError(596, "not for this image")
    error.of_image = True
    return error


EVERY: list[OCRError] = [
    *(api_error(code, "") for code in IN_BODY),
    *(api_error(code, "") for code in GATEWAY),
    *(api_error(code, "") for code in (999, "SomethingNew")),
    *(kind("") for kind in (OCRError, TransportError, ScanTimeoutError, ResponseError)),
    OverloadError(""),
    _of_one_image(),
]
"""An error of each code and of each class."""


def test_the_walk_is_over_every_class() -> None:
    """A class that is added is walked, too."""

    def below(kind: type[OCRError]) -> set[type[OCRError]]:
        return {kind}.union(*map(below, kind.__subclasses__()))

    ours = {kind for kind in below(OCRError) if kind.__module__.startswith("aliocr.")}
    assert {type(error) for error in EVERY} | {APIError} == ours


@pytest.mark.parametrize("error", EVERY, ids=repr)
def test_the_class_of_an_error_tells_the_image_from_the_service(error: OCRError) -> None:
    """A failure of the service waits until an image is served; a list of bad pictures goes on.

    The service may admit its failure for each image as well as for a request.
    """
    breaker = CircuitBreaker()
    many = [error] * MOST_UNSERVED
    if isinstance(error, ImageError) or getattr(error, "of_image", False):
        assert len(shown(breaker, many)) == MOST_UNSERVED
        assert breaker.end(stopped=False) == []
        return
    assert shown(breaker, [None, error, error]) == [1]
    if type(error) is OCRError:  # the session has failed
        with pytest.raises(JobError, match="2 images in a row were not served"):
            breaker.end(stopped=False)
    else:
        assert len(breaker.end(stopped=False)) == 2
    assert shown(CircuitBreaker(), [None, error, error, None]) == [1, 2, 3, 4]
    with pytest.raises(JobError, match=r"^300 images in a row were not served, .* started again$"):
        shown(CircuitBreaker(), many)


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
    for errors in ([GONE], [None, *[GONE] * (FEW + 1)]):
        breaker = CircuitBreaker()
        shown(breaker, errors)
        assert (breaker.end(stopped=True), breaker.has_dropped) == ([], True)


def test_a_failure_of_its_own_stays_one_when_the_job_is_stopped() -> None:
    """Other images were read, and few failed."""
    breaker = CircuitBreaker()
    assert shown(breaker, [None, GONE]) == [1]
    assert len(breaker.end(stopped=True)) == 1
    assert not breaker.has_dropped


def test_failures_that_come_last_do_not_end_a_job_whose_other_images_were_read() -> None:
    """Images that fail are tried several times: where one in ten fails, all of these come last."""
    failing = range(10, 6_001, 10)
    read = [row for row in range(1, 6_002) if row not in failing]
    errors = [None] * len(read) + [api_error(586, "")] * len(failing)
    breaker = CircuitBreaker()
    assert shown(breaker, errors, [*read, *failing]) == read
    assert [each.row.number for each, _ in breaker.end(stopped=False)] == list(failing)


def test_a_few_that_may_have_been_charged_are_results() -> None:
    """An image that breaks its connection is not paid for in every run; an outage is no result."""
    error = api_error(500, "")
    breaker = CircuitBreaker()
    assert shown(breaker, [error] * FEW) == []
    assert len(breaker.end(stopped=False)) == FEW
    breaker = CircuitBreaker()
    assert shown(breaker, [error] * (FEW + 1)) == []
    with pytest.raises(JobError, match=f"{FEW + 1} images in a row were not served.* 500"):
        breaker.end(stopped=False)


def test_an_outage_takes_no_more_images_than_tell_it() -> None:
    """While tries are repeated and none is read; but as many as end the job."""
    breaker = CircuitBreaker()
    read = {"Scan": 5}
    assert not breaker.is_enough(Stats(retried=50, outcomes=read), 5_000)
    assert not breaker.is_enough(Stats(retried=349, outcomes=read), 5_000)
    outage = Stats(retried=350, outcomes=read)
    assert breaker.is_enough(outage, MOST_UNSERVED)
    assert not breaker.is_enough(outage, MOST_UNSERVED - 1)
    shown(breaker, [GONE])
    assert breaker.is_enough(outage, MOST_UNSERVED - 1)
    assert not breaker.is_enough(attrs.evolve(outage, outcomes={"Scan": 6}), MOST_UNSERVED)
