"""How long a failure rests: tenacity's strategies answer; they never run anything."""

from __future__ import annotations

from tenacity import RetryCallState, Retrying
from tenacity.stop import stop_after_attempt
from tenacity.wait import wait_random_exponential

# Full jitter: a random time up to 0.5 s after the first failure, 1 s after the second, and so on.
_REST = wait_random_exponential(multiplier=0.5, max=8.0)
# The account pauses for less: a request that came a hair too early is the usual reason.
_PAUSE = wait_random_exponential(multiplier=0.2, max=10.0)

# A state must belong to some `Retrying`; the strategies used here never look at it.
_NOBODY = Retrying()


def rest(failures: int, tries: int) -> float | None:
    """Seconds that an image rests after so many failures, or None if it has had its tries."""
    state = _after(failures)
    return None if stop_after_attempt(tries)(state) else float(_REST(state))


def pause(in_a_row: int) -> float:
    """Seconds that an account pauses after so many refusals in a row."""
    return float(_PAUSE(_after(in_a_row)))


def _after(attempts: int) -> RetryCallState:
    state = RetryCallState(_NOBODY, None, (), {})
    state.attempt_number = attempts
    return state
