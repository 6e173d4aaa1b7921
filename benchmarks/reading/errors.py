"""Character errors between two texts."""

from __future__ import annotations

import unicodedata


def squeezed(text: str) -> str:
    """Return the text without blanks and with normal forms, which engines write differently."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def character_errors(true: str, found: str) -> float:
    """Return the edit distance ÷ the length of the true text.

    Args:
        true: The true text, not empty.
        found: The text to compare.

    Returns:
        0 for equal texts, 1 for as many errors as characters; more is possible.
    """
    # The common beginning and end cost nothing, and are nearly all of most pages.
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
