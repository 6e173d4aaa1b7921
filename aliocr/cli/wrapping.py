"""Text for people, kept to the width of their terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from textwrap import fill

from rich.console import Console
from rich.text import Text

GLUE = "\0"
"""Stands for a space that is not to be parted at; it is in no name."""


def plain_console(*, stderr: bool = False) -> Console:
    """One that takes text as it is: a path is no markup, and a number nothing special."""
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False)


def width_of(console: Console) -> int:
    """Columns to keep to: as many as come, if it is no terminal."""
    return console.width if console.file.isatty() else sys.maxsize


def filled(words: str, width: int, label: str = "", column: int = 0) -> str:
    """Lines that end between words, with a label on the left of the first.

    Args:
        words: At least one.
        width: Columns to keep to.
        label: What stands beside them.
        column: Where they begin.
    """
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
    """Words that no line may part: names and commands, which are copied."""
    return words.replace(" ", GLUE)


def listing(
    entries: Sequence[tuple[str, str]], width: int, *, style: str = "dim"
) -> Iterator[Text]:
    """Labels in a column, and beside it what there is to say of each.

    Args:
        entries: Labels and words.
        width: Columns to keep to.
        style: Of the labels.
    """
    column = max((len(label) for label, _ in entries), default=0) + 2
    for label, words in entries:
        text = Text(filled(words, width, label, column))
        text.stylize(style, 0, len(label))
        yield text
