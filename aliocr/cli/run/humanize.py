"""Rates and durations, rounded for people."""

from __future__ import annotations

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def rate(per_second: float) -> str:
    """Return a rate as text, with one decimal below 100."""
    text = f"{per_second:.1f}" if per_second < 99.95 else f"{per_second:,.0f}"
    return text.removesuffix(".0")


def duration(seconds: float) -> str:
    """Return a duration as text with at most two units, because hours need no seconds."""
    whole = round(seconds)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < 10 * MINUTE:
        return f"{whole // MINUTE} min {whole % MINUTE:02} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min"
    if whole < 2 * DAY:
        return f"{whole // HOUR:,} h {whole % HOUR // MINUTE:02} min"
    return f"{whole // DAY:,} d {whole % DAY // HOUR} h"
