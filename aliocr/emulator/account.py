"""What the gateway remembers of one account: its AccessKey, its request rate, its nonces."""

from __future__ import annotations

import math
from collections import deque

from aliocr.credentials import Credentials
from aliocr.limits import REQUESTS_PER_SECOND

__all__ = ["Account"]

NONCE_LIFETIME = 15 * 60
"""Seconds that a nonce stays used: as long as a `Date` stays good. Source: "ROA mechanism"."""


class Account:
    """One account and what it has used up. Times come in as arguments, so that any clock will do.

    The rate is a sliding log, the strictest way to count: no second, wherever it begins, has more
    accepted requests than the limit. How the service counts is not documented; who passes here
    passes a fixed window and a token bucket as well.

    Args:
        credentials: The AccessKey that requests must be signed with.
        requests_per_second: How many are accepted in any one second, above 0; below 1, one in so
            many seconds; None for no limit.

    Raises:
        ValueError: A rate that is not above 0.

    Source: "QPS limits".
    """

    def __init__(
        self, credentials: Credentials, requests_per_second: float | None = REQUESTS_PER_SECOND
    ) -> None:
        if requests_per_second is not None and not 0 < requests_per_second < math.inf:
            raise ValueError(
                f"requests_per_second must be above 0 or None, not {requests_per_second!r}"
            )
        self.credentials = credentials
        self._rate = requests_per_second
        self._accepted: deque[float] = deque()
        self._nonces: dict[str, float] = {}

    def accept(self, moment: float) -> bool:
        """Whether one more request fits the rate now; if so, it is counted.

        Args:
            moment: Seconds by a clock that never goes back.
        """
        if self._rate is None:
            return True
        most = max(1, math.floor(self._rate))
        # In whole requests: 10 in 1 s, but 1 in 2 s for a rate of 0.5.
        window = most / self._rate
        while self._accepted and moment - self._accepted[0] >= window:
            self._accepted.popleft()
        if len(self._accepted) >= most:
            return False
        self._accepted.append(moment)
        return True

    def knows_nonce(self, nonce: str, now: float) -> bool:
        """Whether the nonce was used within the last 15 minutes.

        Args:
            nonce: As it came.
            now: Seconds since the epoch.
        """
        while self._nonces:
            oldest = next(iter(self._nonces))
            if now - self._nonces[oldest] < NONCE_LIFETIME:
                break
            del self._nonces[oldest]
        return nonce in self._nonces

    def use_nonce(self, nonce: str, now: float) -> None:
        """Take note of a nonce; see `knows_nonce` for the arguments."""
        self._nonces[nonce] = now
