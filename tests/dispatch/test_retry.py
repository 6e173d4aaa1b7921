"""What becomes of a failed image: the table of rules, kind by kind and code by code."""

from collections.abc import Hashable

import pytest

from aliocr import (
    AuthError,
    OCRError,
    ResponseError,
    ScanTimeoutError,
    ThrottledError,
    TransportError,
)
from aliocr.dispatch.retry import (
    FEW_RETRIES,
    KEY_EXPIRED,
    RULES,
    Deed,
    FailureKind,
    RepeatBudget,
    RetryPolicy,
    counter_of,
    kind_of,
    throttled_pause,
)
from aliocr.errors import GATEWAY, IN_BODY, api_error

LOST = TransportError("", transient=True, maybe_charged=True)
LATE = ScanTimeoutError("", transient=True, maybe_charged=True)
UNSENT = ScanTimeoutError("", transient=True)


def _tries(
    policy: RetryPolicy, error: OCRError, together: int | None = None, *, chance: float = 0.0
) -> list[int | None]:
    """The batch limits of one image that meets the same failure until it is given up."""
    limits: list[int | None] = [together]
    tries: dict[Hashable, int] = {}
    while True:
        verdict = policy.judge(error, tries, together, chance=chance)
        if verdict.deed not in (Deed.AGAIN_LATER, Deed.AGAIN_NOW):
            return limits
        if verdict.counter is not None:
            tries[verdict.counter] = tries.get(verdict.counter, 0) + 1
        if together is not None and verdict.batch_limit is not None:
            together = min(together, verdict.batch_limit)
        limits.append(together)


@pytest.mark.parametrize(
    ("error", "tries"),
    [
        (api_error(500, ""), 4),
        (api_error(592, ""), 3),
        (api_error(586, ""), 3),
        (api_error(480, ""), 2),
        (api_error(404, ""), 1),
        (LATE, 4),
        (UNSENT, 4),
        (ResponseError(""), 1),
    ],
)
def test_each_kind_of_error_has_its_own_patience(error: OCRError, tries: int) -> None:
    """A failure that another try may cure is tried more often than one that it rarely cures."""
    assert len(_tries(RetryPolicy(3), error)) == tries


@pytest.mark.parametrize("code", [*IN_BODY, *GATEWAY, 700, "Strange.Code"])
@pytest.mark.parametrize("together", [None, 100])
def test_every_code_has_its_kind_and_its_rule(code: int | str, together: int | None) -> None:
    """Each code of the service falls into one row of the table, alone and together."""
    error = api_error(code, "")
    kind = kind_of(error, together)
    rule = RULES[kind]
    assert (kind is FailureKind.THROTTLED) == isinstance(error, ThrottledError)
    assert (kind is FailureKind.KEY_EXPIRED) == (code in KEY_EXPIRED)
    assert (rule.deed is Deed.GIVE_UP_ALL) == (isinstance(error, AuthError) and not error.transient)
    if rule.charged == "no":
        assert not error.maybe_charged
    if rule.charged == "maybe":
        assert error.maybe_charged


@pytest.mark.parametrize("code", sorted({*IN_BODY, 700} - {408, 411, 588, 596}))  # the account's
@pytest.mark.parametrize("retries", [1, 3, 8])
def test_whatever_code_a_request_is_refused_with_its_images_end_up_alone(
    code: int, retries: int
) -> None:
    """One image that has a whole request refused or fail costs its neighbours nothing."""
    limits = _tries(RetryPolicy(retries), api_error(code, ""), together=100)
    assert limits[-1] == 1
    assert len(limits) <= retries + 9


@pytest.mark.parametrize(
    ("error", "limits"),
    [
        (LATE, [100, 20, 4, 1]),
        (LOST, [100, 20, 4, 1]),
        (api_error(500, ""), [100, 20, 4, 1]),
        (api_error(595, ""), [100, 20, 4, 1]),
        (api_error(503, ""), [100, 100, 100, 100, 20, 4, 1]),
        (UNSENT, [100, 100, 100, 100]),
        (api_error("InvalidParameter.Format", ""), [100, 50, 25, 13, 7, 4, 2, 1]),
        (api_error(700, ""), [100, 20, 4, 1]),
    ],
)
def test_a_request_is_split_as_its_failure_suggests(error: OCRError, limits: list[int]) -> None:
    """At once where requests hardly ever fail, so that an image is the likely cause."""
    assert _tries(RetryPolicy(3), error, together=100) == limits


@pytest.mark.parametrize("error", [LATE, LOST, api_error(500, ""), api_error(586, "")])
@pytest.mark.parametrize(
    ("chance", "limits"),
    [
        (0.002, [100, 20, 4, 1]),
        (0.05, [100, 100, 20, 4, 1]),
        (0.14, [100, 100, 100, 20, 4, 1]),
        (0.9, [100] * 9 + [20, 4, 1]),
    ],
)
def test_the_more_requests_fail_the_longer_images_stay_together(
    error: OCRError, chance: float, limits: list[int]
) -> None:
    """Where requests fail all over, smaller ones only fail more often; the last try tells."""
    found = _tries(RetryPolicy(8), error, together=100, chance=chance)
    assert found[: len(limits)] == limits
    assert set(found[len(limits) :]) <= {1}


def test_in_an_outage_no_image_is_a_suspect() -> None:
    """All requests fail alike: they are not split, and tries count as usual."""
    policy = RetryPolicy(3)
    for error in (LATE, LOST, api_error(503, ""), api_error(595, "")):
        assert policy.judge(error, {}, 100, chance=1.0).batch_limit is None
    refused = policy.judge(api_error("InvalidParameter", ""), {}, 100, chance=1.0)
    assert refused.deed is Deed.GIVE_UP


def test_tries_are_counted_by_kind() -> None:
    """Two 503s take no try from a later 586, which has few of its own."""
    policy = RetryPolicy(3)
    unavailable = api_error(503, "")
    tries = {counter_of(unavailable, kind_of(unavailable)): 2}
    assert policy.judge(api_error(586, ""), tries).deed is Deed.AGAIN_LATER
    assert policy.judge(api_error(586, ""), tries | {586: 2}).deed is Deed.GIVE_UP
    assert policy.judge(unavailable, tries | {586: 2}).deed is Deed.AGAIN_LATER


@pytest.mark.parametrize("code", FEW_RETRIES)
def test_more_retries_than_usual_are_meant_for_all_codes(code: int | str) -> None:
    """`max_retries=8` tries a code with few retries eight times more, too."""
    assert len(_tries(RetryPolicy(8), api_error(code, ""))) == 9


def test_no_retries_means_none() -> None:
    """`max_retries=0` tries once; only a refusal that was not charged is searched for its image."""
    policy = RetryPolicy(0)
    assert _tries(policy, api_error(500, "")) == [None]
    assert _tries(policy, api_error(592, "")) == [None]
    assert _tries(policy, LATE, together=100) == [100]
    assert _tries(policy, api_error(400, ""), together=100)[-1] == 1
    assert _tries(policy, api_error(503, ""), together=100)[-1] == 1


def test_an_expired_key_costs_no_try() -> None:
    """The token and the clock are the account's business."""
    for code in KEY_EXPIRED:
        verdict = RetryPolicy(3).judge(api_error(code, ""), {})
        assert (verdict.deed, verdict.counter) == (Deed.AGAIN_NOW, None)


def test_an_error_of_one_image_does_not_end_the_account() -> None:
    """596 beside images that were read is that image's failure."""
    error = api_error(596, "")
    assert isinstance(error, AuthError)
    assert RetryPolicy(3).judge(error).deed is Deed.GIVE_UP_ALL
    error.of_image = True
    assert RetryPolicy(3).judge(error).deed is Deed.GIVE_UP


def test_rests_outlast_a_restart_and_do_not_meet() -> None:
    """About 0.3, 2 and 8 seconds, then 8 again; a quarter more or less."""
    policy = RetryPolicy(20)
    error = api_error(500, "")
    counter = counter_of(error, kind_of(error))
    for failures, rest in enumerate((0.3, 2, 8, 8, 8)):
        found = [policy.judge(error, {counter: failures}).rest for _ in range(300)]
        assert 0.75 * rest <= min(found) < 0.8 * rest
        assert 1.2 * rest < max(found) <= 1.25 * rest


@pytest.mark.parametrize("error", [LATE, LOST, UNSENT, api_error(503, ""), ResponseError("")])
def test_waiting_for_the_end_of_an_outage_uses_up_no_try(error: OCRError) -> None:
    """However many tries were used up before; what is final stays so, and no retries means none."""
    kind = kind_of(error, 100)
    tries = {counter_of(error, kind): 3}
    verdict = RetryPolicy(3).judge(error, tries, 100, chance=1.0, waits=True)
    assert verdict.deed is (Deed.AGAIN_LATER if error.transient else Deed.GIVE_UP)
    if error.transient:
        assert (verdict.counter, verdict.rest, verdict.batch_limit) == (None, 0.0, None)
    assert RetryPolicy(0).judge(error, {}, 100, chance=1.0, waits=True).deed is Deed.GIVE_UP


def test_an_account_pauses_longer_each_time_in_a_row() -> None:
    """Not for the first refusal; then full jitter again, from 0.2 s to 2 s."""
    assert throttled_pause(1) == 0
    for in_a_row, bound in enumerate((0.2, 0.4, 0.8, 1.6, 2, 2, 2), start=2):
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
