"""The rules at the top of `image_rate`, on plain numbers."""

import math
import random

import pytest

from aliocr.dispatch.rates.image_rate import ImageRate
from aliocr.emulator.access.rate_window import make_rate_window


def _use(
    rate: ImageRate, start: float, seconds: float, quota: float = 1e9, chance: float = 0.0
) -> tuple[float, int]:
    """Send ten requests a second to a server that answers at once; the end, and the accepted."""
    now, accepted, saved = start, 0, 0.0
    window = make_rate_window("sliding", quota)
    dice = random.Random(1)
    while now < start + seconds:
        now += 0.1
        saved = min(saved + 0.1 * min(rate.rate, 1000.0), 100.0)
        count = int(saved)
        if count:
            saved -= count
            batch = rate.sent(count, now)
            lucky = sum(dice.random() >= chance for _ in range(count))
            taken = window.take(lucky, now) if lucky else 0
            accepted += taken
            rate.answered(batch, count - taken, now + 0.05)
    return now, accepted


def test_a_newcomer_takes_half_of_what_it_sees() -> None:
    """A hundred sent at once, ten of them accepted: five a second, and then more."""
    rate = ImageRate(math.inf)
    rate.answered(rate.sent(100, 0.0), 90, 0.2)
    assert rate.rate == pytest.approx(5)
    _use(rate, 0.2, 12.0)
    assert rate.rate > 10


def test_a_better_answer_to_the_first_burst_corrects_the_first_cut() -> None:
    """Answers come in any order; the one that was all refused may come first."""
    rate = ImageRate(math.inf)
    first, second = rate.sent(100, 0.0), rate.sent(100, 0.1)
    rate.answered(second, 100, 0.3)
    assert rate.rate == 3
    rate.answered(first, 50, 0.4)
    assert rate.rate == pytest.approx(25)


def test_few_refusals_at_the_start_wait_for_a_whole_second() -> None:
    """Five of the first hundred: nobody knows yet what ten requests would have carried."""
    rate = ImageRate(math.inf)
    for number in range(12):
        rate.answered(rate.sent(100, number / 10), 5, number / 10 + 0.05)
    assert 400 < rate.rate < 550


@pytest.mark.parametrize("quota", [10, 50, 100, 500])
def test_a_quota_is_found_and_nearly_all_of_it_used(quota: float) -> None:
    """Whatever it is; nobody told."""
    rate = ImageRate(math.inf)
    now, _ = _use(rate, 0.0, 20.0, quota)
    _, accepted = _use(rate, now, 60.0, quota)
    assert accepted > 0.85 * 60 * quota


@pytest.mark.parametrize("raised", [50, 1000])
def test_a_raised_quota_is_found_in_seconds(raised: float) -> None:
    """From 10 to 50, or to 1,000."""
    rate = ImageRate(math.inf)
    now, _ = _use(rate, 0.0, 30.0, 10)
    _use(rate, now, 12.0, raised)
    assert rate.rate > 0.8 * raised


def test_a_quota_that_came_down_is_followed() -> None:
    """From 1,000 to 100, within three seconds."""
    rate = ImageRate(math.inf)
    now, _ = _use(rate, 0.0, 30.0, 900)
    assert rate.rate > 700
    _use(rate, now, 4.0, 100)
    assert rate.rate < 130


@pytest.mark.parametrize(
    ("ceiling", "lowest"), [(math.inf, 3.0), (9.45, 9.45 / 4), (945.0, 3.0), (0.5, 0.125)]
)
def test_a_rate_has_a_floor_and_leaves_it_in_seconds(ceiling: float, lowest: float) -> None:
    """3 images a second, or a quarter of a known quota that is lower."""
    rate = ImageRate(ceiling)
    now = 0.0
    for _ in range(2000):
        now += 0.5
        count = max(1, round(rate.rate / 2)) if rate.rate < math.inf else 100
        rate.answered(rate.sent(count, now), count, now + 0.1)
    assert rate.rate <= max(lowest, 3.0) * 1.2
    assert rate.rate >= lowest * 0.999
    _use(rate, now, 30.0)
    assert rate.rate > min(0.9 * ceiling, 100)


def test_refusals_by_chance_are_tolerated() -> None:
    """5 % of the images, whatever the rate: nearly all of what is possible is sent."""
    rate = ImageRate(math.inf)
    now, _ = _use(rate, 0.0, 20.0, chance=0.05)
    _, accepted = _use(rate, now, 60.0, chance=0.05)
    assert accepted > 0.9 * 0.95 * 60 * 1000


@pytest.mark.parametrize("start", [9.45, 50.0, math.inf])
def test_a_rate_that_is_not_used_is_not_lost(start: float) -> None:
    """A lone refusal takes nothing from a rate of which little was sent."""
    rate = ImageRate(start)
    for now in (100.0, 100.3, 200.0):
        rate.answered(rate.sent(1, now), 1, now + 0.1)
    assert rate.rate == start


def test_one_mistake_is_cut_once() -> None:
    """Refusals of what was under way, or sent within a second after the cut, cut nothing."""
    rate = ImageRate(100.0)
    for number in range(20):
        rate.answered(rate.sent(10, number / 10), 0, number / 10)
    under_way = [rate.sent(10, 2 + number / 10) for number in range(10)]
    rate.answered(under_way[-1], 5, 3.0)
    after = rate.rate
    assert after < 100
    for sent in under_way[:-1]:
        rate.answered(sent, 5, 3.1)
    rate.answered(rate.sent(10, 3.9), 10, 4.0)
    assert rate.rate == after


def test_a_batch_of_unknown_outcome_tells_nothing() -> None:
    """Throttled, or lost: its images were neither accepted nor refused."""
    rate = ImageRate(100.0)
    for number in range(20):
        batch = rate.sent(10, number / 10)
        rate.forget(batch)
    rate.answered(rate.sent(1, 2.0), 1, 2.1)
    assert rate.rate == 100


def test_another_ceiling_counts_at_once() -> None:
    """Downwards for a rate above it; upwards for one that stood at the old one."""
    rate = ImageRate(50.0)
    rate.cap(20.0)
    assert rate.rate == 20
    rate.cap(30.0)
    assert rate.rate == 30
