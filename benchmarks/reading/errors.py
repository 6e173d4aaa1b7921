"""How far one text is from another."""

from __future__ import annotations

import unicodedata

__all__ = ["character_errors", "squeezed"]


def squeezed(text: str) -> str:
    """The text without what engines and people write differently: blanks, full-width forms."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def character_errors(true: str, found: str) -> float:
    """Characters to insert, delete or replace to make one of the other, of those that are true.

    Args:
        true: Not empty.
        found: Anything.

    Returns:
        0 for the same, 1 for as many errors as characters; in theory more.
    """
    # What both begin and end with costs nothing, and on most pages is nearly all.
    start = 0
    while start < min(len(true), len(found)) and true[start] == found[start]:
        start += 1
    stop = 0
    while stop < min(len(true), len(found)) - start and true[-1 - stop] == found[-1 - stop]:
        stop += 1
    left, right = true[start : len(true) - stop], found[start : len(found) - stop]
    before = list(range(len(right) + 1))
    for row, letter in enumerate(left, 1):
        now = [row]
        for column, other in enumerate(right, 1):
            now.append(min(before[column] + 1, now[-1] + 1, before[column - 1] + (letter != other)))
        before = now
    return before[-1] / len(true)
