"""Argument type checks: no bool as int, no NaN, no text that UTF-8 cannot hold.

Callers without a type checker pass anything, and to a type checker NaN is a float.
"""

from __future__ import annotations

import sys
from typing import TypeGuard


def is_number(value: object) -> TypeGuard[float]:
    """Tell whether a value is a finite number, also as a float; a bool is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= sys.float_info.max


def is_whole(value: object) -> TypeGuard[int]:
    """Tell whether a value is an int; a bool is none."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_count(value: object, least: int = 0) -> TypeGuard[int]:
    """Tell whether a value is an int that is large enough."""
    return is_whole(value) and value >= least


def is_url(text: str) -> bool:
    """Return whether a text begins as an http or https URL does; else it may be a path."""
    return text.lower().startswith(("http://", "https://"))


def is_text(value: object) -> TypeGuard[str]:
    """Tell whether a value is a string that UTF-8 can hold: one without lone surrogates."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
