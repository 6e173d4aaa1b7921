"""Text for people, kept to the width of their terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap

from rich.text import Text

__all__ = ["listing", "whole", "wrapped"]

LEAST_WIDTH = 20
"""Columns below which wrapping helps nobody."""

GLUE = "\0"
"""Stands for a space that is not to be parted at; it is in no name."""


def wrapped(words: str, width: int | None, indent: int = 0) -> list[str]:
    """Lines that end between words.

    Args:
        words: At least one.
        width: Columns to keep to; None for one line, however long.
        indent: Columns that stand before each line.
    """
    # One is left free, as some terminals go on to the next row with the last.
    room = len(words) + 1 if width is None else max(LEAST_WIDTH, width - 1 - indent)
    lines = wrap(words, room, break_long_words=False, break_on_hyphens=False)
    return [line.replace(GLUE, " ") for line in lines]


def whole(words: str) -> str:
    """Words that no line may part: names and commands, which are copied."""
    return words.replace(" ", GLUE)


def listing(
    entries: Sequence[tuple[str, str]], width: int | None, *, style: str = "dim"
) -> Iterator[Text]:
    """Labels in a column, and beside it what there is to say of each.

    Args:
        entries: Labels and words.
        width: As of `wrapped`.
        style: Of the labels.
    """
    column = max((len(label) for label, _ in entries), default=0) + 2
    for label, words in entries:
        first = label.ljust(column)
        for line in wrapped(words, width, column):
            yield Text.assemble((first, style), line)
            first = " " * column
