"""Three ways to count a rate: sliding log, fixed window, token bucket.

The documents do not say which way the service uses. Nothing here reads a clock: the time is an
argument, in seconds by a monotonic clock.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import Literal, Protocol, TypeAlias

from aliocr.checks import is_number

WindowKind: TypeAlias = Literal["sliding", "fixed", "bucket"]
WINDOWS: tuple[WindowKind, ...] = ("sliding", "fixed", "bucket")


class RateWindow(Protocol):
    """A rate limit for requests or images, and the count of requests or images."""

    def take(self, wanted: int, moment: float) -> int:
        """Return how many of the wanted requests or images are allowed now, and count these."""
        ...


class _SlidingLog:
    """The strictest way: the limit holds for any period, at whatever time the period begins."""

    def __init__(self, most: int, period: float) -> None:
        self._most = most
        self._period = period
        self._taken: deque[tuple[float, int]] = deque()
        self._count = 0

    def take(self, wanted: int, moment: float) -> int:
        while self._taken and moment - self._taken[0][0] >= self._period:
            self._count -= self._taken.popleft()[1]
        granted = min(wanted, self._most - self._count)
        if granted > 0:
            self._taken.append((moment, granted))
            self._count += granted
        return max(granted, 0)


class _FixedWindow:
    """A count that is set to zero at fixed times of the clock, when a new period begins."""

    def __init__(self, most: int, period: float) -> None:
        self._most = most
        self._period = period
        self._current = -1
        self._count = 0

    def take(self, wanted: int, moment: float) -> int:
        current = math.floor(moment / self._period)
        if current != self._current:
            self._current, self._count = current, 0
        granted = max(0, min(wanted, self._most - self._count))
        self._count += granted
        return granted


class _TokenBucket:
    """A bucket of tokens, which is refilled evenly.

    Each request or image takes one token. A full bucket has the tokens of one period.
    """

    def __init__(self, most: int, period: float) -> None:
        self._most = most
        self._rate = most / period
        self._tokens = float(most)
        self._last = -math.inf

    def take(self, wanted: int, moment: float) -> int:
        grown = (moment - self._last) * self._rate
        self._tokens = min(self._most, self._tokens + grown)
        self._last = moment
        # A small number is added, because with a rounding error a whole token may be 0.999….
        granted = max(0, min(wanted, math.floor(self._tokens + 1e-9)))
        self._tokens -= granted
        return granted


def make_rate_window(kind: WindowKind, per_second: float) -> RateWindow:
    """Return a new rate limit, with a count of zero.

    The limit of a period is a whole number: a rate of 10.5 means 10 requests in 10 / 10.5 s, and a
    rate of 0.5 means 1 request in 2 s.

    Raises:
        ValueError: The kind is unknown or the rate is not above 0.
    """
    if not is_number(per_second) or per_second <= 0:
        raise ValueError(f"must be above 0, or None, not {per_second!r}")
    kinds: dict[str, Callable[[int, float], RateWindow]] = {
        "sliding": _SlidingLog,
        "fixed": _FixedWindow,
        "bucket": _TokenBucket,
    }
    if kind not in kinds:
        raise ValueError(f"must be counted by one of {', '.join(WINDOWS)}, not {kind!r}")
    most = max(1, math.floor(per_second))
    return kinds[kind](most, most / per_second)
