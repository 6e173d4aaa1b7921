"""How often a failed image is tried again, how long it rests before that, and what it may cost.

One policy a kind of error, and tenacity's strategies answer; they never run anything. What is
retried is an image in a queue, not a call, and an image that succeeds at its first try never comes
here.
"""

from __future__ import annotations

import math

import attrs
from tenacity import RetryCallState, Retrying
from tenacity.stop import stop_after_attempt, stop_base
from tenacity.wait import wait_base, wait_random_exponential

from aliocr.errors import APIError, OCRError

__all__ = ["Budget", "RetryPolicy", "throttled_pause"]

# Codes that a second or third try cures or none does; the documents advise "contact support" for
# some of them. The limit is lowered, never raised, by `max_retries`.
_FEW_RETRIES: dict[int | str, int] = {
    480: 1,
    595: 1,
    586: 2,
    587: 2,
    592: 2,
    "InvalidTimeStamp.Expired": 1,
    "InvalidSecurityToken.Expired": 1,
}

# Full jitter: a random time up to 0.5 s after the first failure, 1 s after the second, and so on.
_BACKOFF = wait_random_exponential(multiplier=0.5, max=8.0)
# The account pauses for less: a request that came a hair too early is the usual reason.
_PAUSE = wait_random_exponential(multiplier=0.2, max=10.0)

BUDGET_REFILL = 0.1
"""What an image that is read gives back of the budget, in images."""


@attrs.frozen
class _Policy:
    stop: stop_base
    wait: wait_base

    def rest_after(self, failures: int) -> float | None:
        state = _after(failures)
        return None if self.stop(state) else self.wait(state)


# A state must belong to some `Retrying`; the strategies used here never look at it.
_NOBODY = Retrying()


def _after(attempts: int) -> RetryCallState:
    state = RetryCallState(_NOBODY, None, (), {})
    state.attempt_number = attempts
    return state


class RetryPolicy:
    """Decides for one image at a time.

    Args:
        max_retries: Tries after the first, 0 or more; throttled tries do not count.
    """

    def __init__(self, max_retries: int) -> None:
        self.max_retries = max_retries
        self._usual = _Policy(stop_after_attempt(max_retries + 1), _BACKOFF)
        self._few = {
            code: _Policy(stop_after_attempt(min(few, max_retries) + 1), _BACKOFF)
            for code, few in _FEW_RETRIES.items()
        }

    def rest_after(self, error: OCRError, failures: int) -> float | None:
        """Seconds the image rests before it joins the queue again, or None to give it up.

        Args:
            error: The failure just met.
            failures: Tries of this image that failed, this one included, throttled ones left out.
        """
        if not error.transient:
            return None
        code = error.code if isinstance(error, APIError) else None
        policy = self._usual if code is None else self._few.get(code, self._usual)
        return policy.rest_after(failures)


def throttled_pause(in_a_row: int) -> float:
    """Seconds an account pauses after so many refusals in a row: jittered, 10 at most."""
    return float(_PAUSE(_after(in_a_row)))


class Budget:
    """How many images may be sent again although an earlier try may have been charged.

    An outage drains it, success refills it: a flapping service is paid for at most a tenth more
    than once, and a single bad picture never notices.

    Args:
        most: Images it holds when full; None for no limit.
    """

    def __init__(self, most: int | None) -> None:
        self._most = math.inf if most is None else float(most)
        self._left = self._most

    def spend(self) -> bool:
        """Whether one more image may be sent again; if so, it is counted."""
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def refill(self) -> None:
        """An image was read."""
        self._left = min(self._most, self._left + BUDGET_REFILL)
