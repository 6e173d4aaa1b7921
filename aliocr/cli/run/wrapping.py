"""Wrapping of text at the width of the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import fill

from rich.text import Text

GLUE = "\0"
"""Placeholder for a space where a line must not be broken. No name contains this character."""


def filled(words: str, width: int, label: str = "", column: int = 0) -> str:
    """Wrap text into lines that start at `column`; the first line has the label at its left."""
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
    """Keep text on one line, because users copy names and commands."""
    return words.replace(" ", GLUE)


def listing(
    entries: Sequence[tuple[str, str]], width: int, *, style: str = "dim"
) -> Iterator[Text]:
    """Yield a text for each entry: its label, with `style`, and its words in a second column."""
    column = max((len(label) for label, _ in entries), default=0) + 2
    for label, words in entries:
        text = Text(filled(words, width, label, column))
        text.stylize(style, 0, len(label))
        yield text
