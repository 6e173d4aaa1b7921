"""How measured values spread."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["percentile", "ratios", "rise"]


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many percent of all do not exceed (nearest rank).

    Args:
        values: One or more, in any order.
        percent: Above 0, at most 100.
    """
    ranked = sorted(values)
    return ranked[math.ceil(len(ranked) * percent / 100) - 1]


def ratios(values: Sequence[float], others: Sequence[float]) -> tuple[float, ...]:
    """Of each round, the one value ÷ the other."""
    return tuple(mine / theirs for mine, theirs in zip(values, others, strict=True))


def rise(costs: Sequence[float]) -> float:
    """How many times dearer a unit of work is at one size than at the cheapest smaller size.

    Args:
        costs: Two or more, by growing size. What only falls gives less than 1.
    """
    return max(cost / min(costs[:place]) for place, cost in enumerate(costs) if place)
