"""Text filled to the width of the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import fill

from rich.text import Text

GLUE = "\0"
"""Stands for a space at which no line is broken; no name contains it."""


def filled(words: str, width: int, label: str = "", column: int = 0) -> str:
    """Break text between words into lines from `column` on, with a label to the left."""
    first, rest = label.ljust(column), " " * column
    lines = fill(
        words,
        width,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return lines.replace(GLUE, " ")


def whole(words: str) -> str:
    """Keep text on one line: names and commands, which users copy."""
    return words.replace(" ", GLUE)


def listing(
    entries: Sequence[tuple[str, str]], width: int, *, style: str = "dim"
) -> Iterator[Text]:
    """Put labels into a column, in their own style, with the text of each beside it."""
    column = max((len(label) for label, _ in entries), default=0) + 2
    for label, words in entries:
        text = Text(filled(words, width, label, column))
        text.stylize(style, 0, len(label))
        yield text
