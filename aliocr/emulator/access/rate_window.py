"""How a service may count a rate: three ways, because the documents name none of them.

Pure: times come in as arguments, in seconds by a clock that never goes back.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import Literal, Protocol, TypeAlias

from aliocr.checks import is_number

WindowKind: TypeAlias = Literal["sliding", "fixed", "bucket"]
WINDOWS: tuple[WindowKind, ...] = ("sliding", "fixed", "bucket")


class Window(Protocol):
    """What counts one rate."""

    def take(self, wanted: int, moment: float) -> int:
        """How many of `wanted` fit now, 0 or more; they are counted, the others are not."""
        ...


class _SlidingLog:
    """No period, wherever it begins, has more than the limit: the strictest way to count."""

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
    """Periods follow each other by the clock, and each begins anew."""

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
    """A period's worth can be saved up, and comes back evenly."""

    def __init__(self, most: int, period: float) -> None:
        self._most = most
        self._rate = most / period
        self._tokens = float(most)
        self._last = -math.inf

    def take(self, wanted: int, moment: float) -> int:
        grown = (moment - self._last) * self._rate
        self._tokens = min(self._most, self._tokens + grown)
        self._last = moment
        # A token that is a rounding error short of whole is whole.
        granted = max(0, min(wanted, math.floor(self._tokens + 1e-9)))
        self._tokens -= granted
        return granted


def window_of(kind: WindowKind, per_second: float) -> Window:
    """A count of so many per second; below 1, of one in so many seconds.

    Args:
        kind: `"sliding"` log of what was accepted, `"fixed"` second by the clock, or token
            `"bucket"` that holds a second's worth.
        per_second: Above 0; parts of a whole are left out: 10.5 counts as 10 in 10 / 10.5 s.

    Raises:
        ValueError: Another kind, or a rate that is not above 0.
    """
    if not is_number(per_second) or per_second <= 0:
        raise ValueError(f"must be above 0 or None, not {per_second!r}")
    kinds: dict[str, Callable[[int, float], Window]] = {
        "sliding": _SlidingLog,
        "fixed": _FixedWindow,
        "bucket": _TokenBucket,
    }
    if kind not in kinds:
        raise ValueError(f"is counted by one of {', '.join(WINDOWS)}, not {kind!r}")
    most = max(1, math.floor(per_second))
    return kinds[kind](most, most / per_second)
