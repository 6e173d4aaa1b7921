"""What a lower rate does not avoid is chance; what it avoids is a quota."""

import pytest

from aliocr.dispatch.rates.chance_refusals import ChanceRefusals, exceeds_chance


def _noted(low: float, high: float, count: int = 40) -> ChanceRefusals:
    """As many low requests as others, ten a second, with these parts refused."""
    chance = ChanceRefusals()
    for number in range(count):
        chance.note(low, number / 10, low=True)
        chance.note(high, number / 10, low=False)
    return chance


def test_nothing_refused_is_no_chance() -> None:
    """From the first request on."""
    assert ChanceRefusals().part(100.0) == 0
    assert _noted(0.0, 0.0).part(100.0) == 0


def test_low_requests_that_fare_like_all_are_refused_by_chance() -> None:
    """Nearly the part itself, at once for many requests."""
    assert _noted(0.04, 0.04).part(100.0) == pytest.approx(0.04, rel=0.15)


def test_low_requests_that_pass_speak_for_a_quota() -> None:
    """Then nothing is tolerated."""
    assert _noted(0.0, 0.1).part(100.0) == 0
    assert _noted(0.01, 0.1).part(100.0) == 0


@pytest.mark.parametrize(("rate", "most"), [(5.0, 0.015), (20.0, 0.06), (1000.0, 0.06)])
def test_what_is_tolerated_is_bounded(rate: float, most: float) -> None:
    """6 %, and less at a few images a second."""
    assert _noted(0.5, 0.5).part(rate) == pytest.approx(most)


def test_what_was_is_soon_forgotten() -> None:
    """Half of it in 20 s."""
    chance = _noted(0.05, 0.05)
    for number in range(200):
        chance.note(0.0, 60.0 + number / 10, low=False)
    assert chance.part(100.0) < 0.01


def test_a_whole_request_refused_is_within_chance_if_chance_is_known() -> None:
    """One of ten; not five of ten, and nothing if no chance is known."""
    assert exceeds_chance(0.0, 1, 1000, 100_000)
    assert not exceeds_chance(0.05, 100, 1000, 100_000)
    assert exceeds_chance(0.05, 500, 1000, 100_000)
