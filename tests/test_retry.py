"""How often a failed image is tried again."""

import pytest

from aliocr import OCRError, ResponseError, ScanTimeoutError
from aliocr.errors import api_error
from aliocr.retry import RetryPolicy


def _tries(policy: RetryPolicy, error: OCRError) -> int:
    tries = 1
    while policy.rest_after(error, failures=tries, throttled=tries) is not None:
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
        (api_error(588, ""), 13),
        (api_error("Throttling.User", ""), 13),
        (ScanTimeoutError("", transient=True), 4),
        (ResponseError(""), 1),
    ],
)
def test_each_kind_of_error_has_its_own_patience(error: OCRError, tries: int) -> None:
    """What another try may cure is tried more often than what it rarely does."""
    assert _tries(RetryPolicy(3), error) == tries


def test_no_retries_means_none() -> None:
    """`max_retries=0` tries once, whatever a code's own number is; throttled is no try."""
    policy = RetryPolicy(0)
    assert _tries(policy, api_error(500, "")) == 1
    assert _tries(policy, api_error(592, "")) == 1
    assert _tries(policy, api_error(588, "")) == 13


def test_rests_are_jittered_over_a_growing_range() -> None:
    """Full jitter: anything from 0 up to 0.5, 1, 2, … 8 seconds."""
    policy = RetryPolicy(20)
    for failures, bound in enumerate((0.5, 1, 2, 4, 8, 8), start=1):
        rests = [
            policy.rest_after(api_error(500, ""), failures=failures, throttled=0)
            for _ in range(300)
        ]
        found = [rest for rest in rests if rest is not None]
        assert len(found) == 300
        assert 0 <= min(found) < 0.1 * bound
        assert 0.9 * bound < max(found) <= bound
