"""Statistics of measured values."""

from __future__ import annotations

import math
from collections.abc import Sequence


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the percentile by nearest rank: a value that was measured.

    Args:
        values: At least one, in any order.
        percent: Above 0, at most 100.
    """
    ranked = sorted(values)
    return ranked[math.ceil(len(ranked) * percent / 100) - 1]


def ratios(values: Sequence[float], others: Sequence[float]) -> tuple[float, ...]:
    """Return value ÷ other value, round by round."""
    return tuple(mine / theirs for mine, theirs in zip(values, others, strict=True))


def rise(costs: Sequence[float]) -> float:
    """Return the largest ratio of a cost to the lowest cost at a smaller size.

    Args:
        costs: Two or more costs of one unit of work, by ascending size. Costs that only fall give
            less than 1.
    """
    return max(cost / min(costs[:place]) for place, cost in enumerate(costs) if place)
