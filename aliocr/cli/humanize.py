"""Numbers as a person reads them."""

from __future__ import annotations

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def counted(number: int, noun: str) -> str:
    """`1 row`, `31,240 rows`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def rate(per_second: float) -> str:
    """With one digit behind the point where that still says something."""
    text = f"{per_second:.1f}" if per_second < 99.95 else f"{per_second:,.0f}"
    return text.removesuffix(".0")


def duration(seconds: float) -> str:
    """In the two largest units, as nobody waits by the second for hours."""
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
