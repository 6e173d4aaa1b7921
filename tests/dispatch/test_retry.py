"""How often a failed image is tried again."""

import pytest

from aliocr import OCRError, ResponseError, ScanTimeoutError
from aliocr.dispatch.retry import Deed, RepeatBudget, RetryPolicy, throttled_pause
from aliocr.errors import api_error


def _tries(policy: RetryPolicy, error: OCRError) -> int:
    tries = 1
    while policy.judge(error, tries - 1).deed is Deed.AGAIN_LATER:
        tries += 1
    return tries


@pytest.mark.parametrize(
    ("error", "tries"),
    [
        (api_error(500, ""), 4),
        (api_error(592, ""), 3),
        (api_error(586, ""), 3),
        (api_error(480, ""), 2),
        (api_error("InvalidTimeStamp.Expired", ""), 2),
        (api_error(404, ""), 1),
        (ScanTimeoutError("", transient=True), 4),
        (ResponseError(""), 1),
    ],
)
def test_each_kind_of_error_has_its_own_patience(error: OCRError, tries: int) -> None:
    """What another try may cure is tried more often than what it rarely does."""
    assert _tries(RetryPolicy(3), error) == tries


def test_no_retries_means_none() -> None:
    """`max_retries=0` tries once, whatever a code's own number is."""
    policy = RetryPolicy(0)
    assert _tries(policy, api_error(500, "")) == 1
    assert _tries(policy, api_error(592, "")) == 1


def test_rests_are_jittered_over_a_growing_range() -> None:
    """Full jitter: anything from 0 up to 0.5, 1, 2, … 8 seconds."""
    policy = RetryPolicy(20)
    for failures, bound in enumerate((0.5, 1, 2, 4, 8, 8), start=1):
        verdicts = [policy.judge(api_error(500, ""), failures - 1) for _ in range(300)]
        found = [verdict.rest for verdict in verdicts]
        assert 0 <= min(found) < 0.1 * bound
        assert 0.9 * bound < max(found) <= bound


def test_an_account_pauses_longer_each_time_in_a_row() -> None:
    """Full jitter again, from 0.2 s to 10 s: a request that came a hair too early costs little."""
    for in_a_row, bound in enumerate((0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10), start=1):
        pauses = [throttled_pause(in_a_row) for _ in range(300)]
        assert 0 <= min(pauses) < 0.1 * bound
        assert 0.9 * bound < max(pauses) <= bound


def test_a_budget_is_drained_by_outages_and_refilled_by_success() -> None:
    """What may be charged twice is bounded: so many at once, and a tenth of what succeeds."""
    budget = RepeatBudget(5)
    assert [budget.spend() for _ in range(7)] == [True] * 5 + [False] * 2
    for _ in range(11):  # ten give one back, but for rounding
        budget.refill()
    assert [budget.spend(), budget.spend()] == [True, False]
    for _ in range(1000):
        budget.refill()
    assert sum(budget.spend() for _ in range(100)) == 5
    assert all(RepeatBudget(None).spend() for _ in range(100))
