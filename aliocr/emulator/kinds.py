"""What kind of value it is, before anybody asks how large: a slip is found where it was made.

Annotations do not hold where nobody checks them, and `nan` is a float to those who do.
"""

from __future__ import annotations

import math

__all__ = ["is_number", "is_text", "is_whole"]


def is_number(value: object) -> bool:
    """One that can be compared and counted with: neither nan nor infinite, and no truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def is_whole(value: object) -> bool:
    """A number without a fraction, and no truth value."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_text(value: object) -> bool:
    """A string that UTF-8 can hold: without the lone surrogates that stand for other bytes."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
