"""Count the character errors between two texts."""

from __future__ import annotations

import unicodedata


def squeezed(text: str) -> str:
    """Return the text without spaces and in normal form NFKC, because engines differ in both."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def character_errors(true: str, found: str) -> float:
    """Return the edit distance between two texts, divided by the length of the true text.

    Args:
        true: The true text, not empty.
        found: The text that was read.

    Returns:
        0 for equal texts; 1 if there are as many errors as characters. Values above 1 are possible.
    """
    # Skip the common beginning and end. They have no errors, and are most of the text of a page.
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
