"""Three ways to count a rate, each by its own definition."""

import random

import pytest

from aliocr.emulator.access.rate_window import WINDOWS, WindowKind, make_rate_window


def _accepted(kind: WindowKind, rate: float, moments: list[float]) -> list[float]:
    counted = make_rate_window(kind, rate)
    return [moment for moment in moments if counted.take(1, moment)]


def _busiest(moments: list[float], period: float = 1.0) -> int:
    return max(sum(start <= other < start + period for other in moments) for start in moments)


@pytest.mark.parametrize(("kind", "most"), [("sliding", 10), ("fixed", 20), ("bucket", 20)])
@pytest.mark.parametrize("seed", range(5))
def test_no_second_has_more_than_the_kind_allows(kind: WindowKind, most: int, seed: int) -> None:
    """A fixed second and a bucket let almost twice the rate through around a border of seconds."""
    chance = random.Random(seed)
    moments = sorted(chance.uniform(0, 20) for _ in range(2000))
    assert _busiest(_accepted(kind, 10, moments)) <= most


def test_a_fixed_second_begins_anew_by_the_clock() -> None:
    """Ten late in one second, ten early in the next."""
    moments = [0.95] * 12 + [1.0] * 12
    assert _accepted("fixed", 10, moments) == [0.95] * 10 + [1.0] * 10
    assert _accepted("sliding", 10, moments) == [0.95] * 10


def test_a_bucket_saves_up_a_second() -> None:
    """Ten at once after a rest, then one every tenth."""
    bucket = make_rate_window("bucket", 10)
    assert bucket.take(100, 0.0) == 10
    assert [bucket.take(1, 0.05 * n) for n in range(1, 7)] == [0, 1, 0, 1, 0, 1]
    assert bucket.take(100, 60.0) == 10


@pytest.mark.parametrize("kind", WINDOWS)
def test_the_whole_rate_is_given(kind: WindowKind) -> None:
    """An even rate is never refused, and a large amount is granted in part."""
    counted = make_rate_window(kind, 10)
    assert all(counted.take(1, 0.100001 * n) for n in range(200))
    assert make_rate_window(kind, 10).take(100, 0.0) == 10
    assert make_rate_window(kind, 0.5).take(100, 0.0) == 1


def test_another_kind_is_refused() -> None:
    """The message names it."""
    with pytest.raises(ValueError, match="'log'"):
        make_rate_window("log", 10)  # type: ignore[arg-type]
