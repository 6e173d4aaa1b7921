"""Compute statistics of measured values."""

from __future__ import annotations

import math
from collections.abc import Sequence


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the percentile by nearest rank, which is one of the measured values.

    Args:
        values: At least one value, in any order.
        percent: Percentage above 0 and up to 100.
    """
    ranked = sorted(values)
    return ranked[math.ceil(len(ranked) * percent / 100) - 1]


def ratios(values: Sequence[float], others: Sequence[float]) -> tuple[float, ...]:
    """Return the ratio of the two values of each round."""
    return tuple(mine / theirs for mine, theirs in zip(values, others, strict=True))


def rise(costs: Sequence[float]) -> float:
    """Return the largest ratio of a cost to the lowest cost at a smaller size.

    Args:
        costs: Two or more costs per unit of work, in ascending order of size. If the costs only
            fall, the result is less than 1.
    """
    return max(cost / min(costs[:place]) for place, cost in enumerate(costs) if place)
