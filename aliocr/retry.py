"""How often a failed image is tried again, and how long it rests before that.

One policy a kind of error, and tenacity's strategies answer; they never run anything. What is
retried is an image in a queue, not a call, and an image that succeeds at its first try never comes
here.
"""

from __future__ import annotations

import attrs
from tenacity import RetryCallState, Retrying
from tenacity.stop import stop_after_attempt, stop_base
from tenacity.wait import wait_base, wait_random_exponential

from aliocr.errors import APIError, OCRError, ThrottledError

__all__ = ["RetryPolicy"]

THROTTLED_RETRIES = 12
"""Tries that were throttled are counted apart: the image did nothing wrong and was not charged.
With the waits below this is about a minute of patience."""

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


@attrs.frozen
class _Policy:
    stop: stop_base
    wait: wait_base

    def rest_after(self, failures: int) -> float | None:
        state = RetryCallState(_NOBODY, None, (), {})
        state.attempt_number = failures
        return None if self.stop(state) else self.wait(state)


# A state must belong to some `Retrying`; the strategies used here never look at it.
_NOBODY = Retrying()


class RetryPolicy:
    """Decides for one image at a time.

    Args:
        max_retries: Tries after the first, 0 or more; throttled tries do not count.
    """

    def __init__(self, max_retries: int) -> None:
        self.max_retries = max_retries
        self._usual = _Policy(stop_after_attempt(max_retries + 1), _BACKOFF)
        self._throttled = _Policy(stop_after_attempt(THROTTLED_RETRIES + 1), _BACKOFF)
        self._few = {
            code: _Policy(stop_after_attempt(min(few, max_retries) + 1), _BACKOFF)
            for code, few in _FEW_RETRIES.items()
        }

    def rest_after(self, error: OCRError, *, failures: int, throttled: int) -> float | None:
        """Seconds the image rests before it joins the queue again, or None to give it up.

        Args:
            error: The failure just met.
            failures: Tries of this image that failed, this one included, throttled ones left out.
            throttled: Tries of this image that were throttled, this one included.
        """
        if not error.transient:
            return None
        if isinstance(error, ThrottledError):
            return self._throttled.rest_after(throttled)
        code = error.code if isinstance(error, APIError) else None
        policy = self._usual if code is None else self._few.get(code, self._usual)
        return policy.rest_after(failures)
