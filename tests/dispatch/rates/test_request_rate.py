"""The rules at the top of `request_rate`, on plain numbers."""

import math
from collections.abc import Callable
from itertools import pairwise

import pytest

from aliocr.dispatch.rates.request_rate import RequestRate


def _use(
    rate: RequestRate, start: float, seconds: float, refuse: Callable[[float], bool] | None = None
) -> float:
    """Send at the rate's own pace to a server that answers at once; the end."""
    now = start
    while now < start + seconds:
        refused = refuse is not None and refuse(now)
        rate.answered(rate.sent(now), refused=refused, now=now)
        now += 1 / rate.rate
    return now


def _always(moment: float) -> bool:
    return True


@pytest.mark.parametrize("limit", [0.01, 0.5, 1.0, 3.0, 10.0, 100.0])
def test_a_rate_begins_below_the_limit_and_comes_near_to_it(limit: float) -> None:
    """94.5 % at first, and never above 99 %; a low limit takes longer in proportion."""
    rate = RequestRate(limit)
    assert rate.rate == pytest.approx(0.945 * limit)
    now = _use(rate, 0.0, 9 * max(1.0, 1 / limit))
    assert rate.rate == pytest.approx(0.945 * limit)
    _use(rate, now, 60 * max(1.0, 1 / limit))
    assert rate.rate == pytest.approx(0.99 * limit)


@pytest.mark.parametrize("limit", [0.5, 10.0, 100.0])
def test_a_rate_never_falls_below_a_quarter_and_comes_back_in_seconds(limit: float) -> None:
    """However long all was refused: 15 s later at least 90 % of the limit is used."""
    period = max(1.0, 1 / limit)
    rate = RequestRate(limit)
    now = _use(rate, 0.0, 600 * period, _always)
    assert 0.25 * limit <= rate.rate < 0.27 * limit
    _use(rate, now, 15 * period)
    assert rate.rate >= 0.9 * limit


def test_a_lone_refusal_near_the_limit_costs_little_and_is_held() -> None:
    """1.5 %, for 35 s: so at most 0.3 % are refused where the limit itself refuses."""
    rate = RequestRate(10.0)
    now = _use(rate, 0.0, 5.0)
    rate.answered(rate.sent(now), refused=True, now=now)
    assert rate.rate == pytest.approx(9.45 * 0.985)
    held = rate.rate
    now = _use(rate, now + 0.1, 34.0)
    assert rate.rate == held
    _use(rate, now, 10.0)
    assert rate.rate > held


def test_a_cut_is_as_deep_as_the_part_refused() -> None:
    """Two of ten: a fifth; never more than half at once."""
    shallow, deep = RequestRate(10.0), RequestRate(10.0)
    for rate, refused, left in ((shallow, 2, 0.8), (deep, 9, 0.5)):
        now = _use(rate, 0.0, 5.0)
        batches = [rate.sent(now + 0.1 * number) for number in range(10)]
        for batch in batches[:-1]:
            batch.refused = 0
        for batch in batches[10 - refused : -1]:
            batch.refused = 1
        rate.answered(batches[-1], refused=True, now=now + 1)
        assert rate.rate == pytest.approx(9.45 * left, rel=0.03)


def test_one_mistake_is_cut_once() -> None:
    """Refusals of what was under way, or sent within a second after the cut, cut nothing."""
    rate = RequestRate(10.0)
    now = _use(rate, 0.0, 5.0)
    under_way = [rate.sent(now + 0.1 * number) for number in range(10)]
    rate.answered(under_way[0], refused=True, now=now + 1)
    after = rate.rate
    for sent in under_way[1:]:
        rate.answered(sent, refused=True, now=now + 1.2)
    rate.answered(rate.sent(now + 1.9), refused=True, now=now + 2)
    assert rate.rate == after
    rate.answered(rate.sent(now + 2.1), refused=True, now=now + 2.2)
    assert rate.rate < after


def test_growth_is_convex() -> None:
    """Each second after a cut gains more than the one before."""
    rate = RequestRate(10.0)
    now = _use(rate, 0.0, 60.0, _always)
    levels = [rate.rate]
    for _ in range(6):
        now = _use(rate, now, 1.0)
        levels.append(rate.rate)
    gains = [later - earlier for earlier, later in pairwise(levels)]
    assert gains == sorted(gains)
    assert gains[-1] > 3 * gains[0]


def test_a_rate_that_is_not_used_does_not_grow() -> None:
    """One request a second tells nothing about ten."""
    rate = RequestRate(10.0)
    now = _use(rate, 0.0, 60.0, _always)
    for second in range(100):
        rate.answered(rate.sent(now + second), refused=False, now=now + second)
    assert rate.rate < 2.8


def test_a_lone_refusal_of_a_rate_that_was_hardly_used_costs_little() -> None:
    """Of one request, one refused: that is no half of the limit."""
    rate = RequestRate(10.0)
    for second in range(5):
        rate.answered(rate.sent(10.0 * second), refused=True, now=10.0 * second)
    assert rate.rate > 0.7 * 9.45


def test_a_request_that_was_not_sent_tells_nothing() -> None:
    """Permits that lapse are not counted as used."""
    rate = RequestRate(10.0)
    now = _use(rate, 0.0, 60.0, _always)
    floor = rate.rate
    for number in range(100):
        rate.forget(rate.sent(now + number / 3))
    assert rate.rate < 1.2 * floor
    assert math.isfinite(rate.rate)
