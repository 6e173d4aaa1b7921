"""What kind of value it is, before anybody asks how large: a slip is found where it was made.

Annotations do not hold where nobody checks them, and `nan` is a float to those who do.
"""

from __future__ import annotations

import sys
from typing import TypeGuard


def is_number(value: object) -> TypeGuard[float]:
    """One that can be compared and counted with, as a float, too: not nan, and no truth value."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= sys.float_info.max


def is_whole(value: object) -> TypeGuard[int]:
    """A number without a fraction, and no truth value."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_count(value: object, least: int = 0) -> TypeGuard[int]:
    """A whole number that is large enough."""
    return is_whole(value) and value >= least


def is_url(text: str) -> bool:
    """Return whether a text begins as an http or https URL does; else it may be a path."""
    return text.lower().startswith(("http://", "https://"))


def is_text(value: object) -> TypeGuard[str]:
    """A string that UTF-8 can hold: without the lone surrogates that stand for other bytes."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
