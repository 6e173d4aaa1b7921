"""How measured values spread."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["percentile"]


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many percent of all do not exceed (nearest rank).

    Args:
        values: One or more, in any order.
        percent: Above 0, at most 100.
    """
    ranked = sorted(values)
    return ranked[math.ceil(len(ranked) * percent / 100) - 1]
