"""The rules at the top of `pace.py`, on plain numbers."""

import math

import pytest

from aliocr.dispatch.adaptive_rate import IMAGES, REQUESTS, AdaptiveRate, RateTuning

QUICK = RateTuning(aim=0.1, cut=0.05, step=0.1, lift=0.0)


def _use(pace: AdaptiveRate, start: float, seconds: float, limit: float = math.inf) -> float:
    """Send at the pace's own rate to a server of some limit that answers at once; the end."""
    now = start
    accepted: list[float] = []
    while now < start + seconds:
        accepted = [moment for moment in accepted if moment > now - 1]
        sent = pace.sent(1, now)
        taken = len(accepted) < limit
        if taken:
            accepted.append(now)
        pace.answered(sent, int(taken), int(not taken), now)
        now += 1 / pace.rate
    return now


def test_a_rate_stands_at_what_was_seen_to_pass() -> None:
    """A hundred sent at once, ten of them accepted: ten a second, less a margin."""
    pace = AdaptiveRate(math.inf, math.inf, IMAGES)
    pace.answered(pace.sent(100, 0.0), 10, 90, 0.2)
    assert pace.rate == pytest.approx(0.945 * 10)


def test_a_better_answer_to_the_first_burst_corrects_the_first_cut() -> None:
    """Answers come in any order; the one that was all refused may come first."""
    pace = AdaptiveRate(math.inf, math.inf, IMAGES)
    first, second = pace.sent(100, 0.0), pace.sent(100, 0.1)
    pace.answered(second, 0, 100, 0.3)
    pace.answered(first, 50, 50, 0.4)
    assert pace.rate == pytest.approx(0.945 * 50)


def test_a_rate_is_held_until_the_refused_are_few() -> None:
    """One refused of ten allowed in a hundred: ten must pass before it is probed."""
    pace = AdaptiveRate(10.0, 100.0, QUICK, hold=12)
    now = _use(pace, 0.0, 1.0)
    pace.answered(pace.sent(1, now), 0, 1, now)
    assert pace.rate < 10
    held = pace.rate
    now = _use(pace, now + 0.1, 0.9)
    assert pace.rate == held
    _use(pace, now, 1.0)
    assert pace.rate > held


def test_steps_grow_while_they_pass() -> None:
    """A limit that is a hundred times higher is reached in seconds, not in minutes."""
    pace = AdaptiveRate(10.0, 2000.0, IMAGES)
    _use(pace, 0.0, 5.0)
    assert pace.rate > 1000


def test_a_probe_that_is_refused_goes_back_to_where_it_came_from() -> None:
    """If the limit is what it was, the rate is what it was; the margin is kept."""
    pace = AdaptiveRate(9.45, math.inf, IMAGES)
    _use(pace, 0.0, 30.0, limit=10)
    assert 9.0 < pace.rate < 13


def test_a_ceiling_is_the_end_of_a_probe() -> None:
    """And a refusal there takes a little, not all that was climbed."""
    pace = AdaptiveRate(9.45, 9.9, REQUESTS, hold=10)
    now = _use(pace, 0.0, 120.0)
    assert pace.rate == 9.9
    pace.answered(pace.sent(1, now), 0, 1, now)
    assert pace.rate == pytest.approx(9.9 * 0.98)


@pytest.mark.parametrize("start", [9.45, 50.0, math.inf])
def test_a_rate_that_is_not_used_is_not_lost(start: float) -> None:
    """A lone refusal takes a little, and of an unknown rate nothing."""
    pace = AdaptiveRate(start, math.inf, IMAGES)
    for now in (100.0, 100.3, 200.0):
        pace.answered(pace.sent(1, now), 0, 1, now + 0.1)
    assert pace.rate >= 0.9 * start


def test_what_was_sent_before_a_cut_teaches_nothing_more() -> None:
    """Ten that were under way are refused for the one mistake."""
    pace = AdaptiveRate(10.0, 10.0, QUICK)
    _use(pace, 0.0, 0.95)
    under_way = [pace.sent(1, 1.0 + 0.01 * number) for number in range(10)]
    for sent in under_way:
        pace.answered(sent, 0, 1, 1.2)
    assert 9.4 < pace.rate < 10


def test_a_limit_that_came_down_is_followed() -> None:
    """From a hundred to ten, by what is accepted, within a second or two."""
    pace = AdaptiveRate(100.0, math.inf, IMAGES, hold=1e9)
    now = _use(pace, 0.0, 3.0)
    _use(pace, now, 3.0, limit=10)
    assert 8 < pace.rate < 12


def test_slack_is_learnt_and_waited_out() -> None:
    """A server that lets a burst of ten through is not believed for it a second time."""

    def peak(pace: AdaptiveRate, start: float) -> tuple[float, float]:
        """The highest rate of one probe against a bucket, and its end."""
        tokens, now, highest, probed = 10.0, start, 0.0, False
        while True:
            now += 1 / pace.rate
            tokens = min(10.0, tokens + 10 / pace.rate)
            taken = tokens >= 1
            tokens -= taken
            pace.answered(pace.sent(1, now), int(taken), int(not taken), now)
            highest = max(highest, pace.rate)
            probed |= pace.rate > 9.6
            if probed and not taken:
                return highest, now

    pace = AdaptiveRate(9.45, math.inf, IMAGES)
    first, now = peak(pace, 0.0)
    for _ in range(400):  # hold it out
        now += 1 / min(pace.rate, 9.0)
        pace.answered(pace.sent(1, now), 1, 0, now)
        if pace.rate > 9.6:
            break
    second, _ = peak(pace, now)
    assert second < first


def test_another_ceiling_counts_at_once() -> None:
    """Downwards for a rate above it; upwards for one that stood at the old one."""
    pace = AdaptiveRate(50.0, 50.0, IMAGES)
    pace.cap(20.0)
    assert pace.rate == 20
    pace.cap(30.0)
    assert pace.rate == 30
