"""When an account pauses, on plain numbers."""

import pytest

from aliocr.dispatch.rates.account_pause import AccountPause


def test_a_lone_refusal_pauses_nothing() -> None:
    """Nor does another one, once something was accepted between."""
    pause = AccountPause()
    for second in range(10):
        pause.refused(second, None, second + 0.1)
        assert pause.until <= second + 0.1
        pause.accepted()


def test_refusals_in_a_row_pause_longer_each_time() -> None:
    """From the second on; 2 s at most."""
    pause = AccountPause()
    now, lengths = 0.0, []
    for _ in range(300):
        pause.refused(now, None, now + 0.1)
        lengths.append(max(0.0, pause.until - now - 0.1))
        now = max(now + 0.1, pause.until) + 0.01
    assert lengths[0] == 0
    assert 0 < lengths[1] <= 0.2
    assert lengths[2] <= 0.4
    assert 1.8 < max(lengths) <= 2


def test_requests_that_were_under_way_do_not_count_again() -> None:
    """Ten refused for one reason are one refusal."""
    pause = AccountPause()
    for number in range(10):
        pause.refused(number / 100, None, 0.2 + number / 100)
    assert pause.until <= 0.2


@pytest.mark.parametrize(("named", "length"), [(7.5, 7.5), (0.0, 0.0), (3600.0, 60.0)])
def test_the_service_may_name_the_time(named: float, length: float) -> None:
    """At once, and for a minute at most; a shorter one later does not end it."""
    pause = AccountPause()
    pause.refused(0.0, named, 1.0)
    assert pause.until == 1.0 + length
    pause.refused(0.5, 0.0, 1.0)
    pause.wait(0.0, 1.0)
    assert pause.until == 1.0 + length
