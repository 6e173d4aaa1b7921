"""Text and progress bars for people; no text can steer the terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from aliocr.errors import without_query

MOST_BAR = 40
"""Columns of a progress bar."""

MOST_NAME = 200
"""Characters of a source's name in a message."""


def plain_console(*, stderr: bool = False, soft_wrap: bool = False) -> Console:
    """Return a console that prints text as it is: no markup, no highlighted numbers."""
    return Console(stderr=stderr, soft_wrap=soft_wrap, highlight=False, markup=False, emoji=False)


def width_of(console: Console) -> int:
    """Return the columns to keep to; no limit if the console is no terminal."""
    return console.width if console.file.isatty() else sys.maxsize


def plain(text: str) -> str:
    """Replace control characters, which the text of a picture may have, by spaces."""
    text = text.encode("utf-8", "backslashreplace").decode()
    return "".join(c if c.isprintable() or c == "\t" else " " for c in text)


def decoded(name: str) -> str:
    """Return a file's name as UTF-8, if its bytes are UTF-8, whatever the locale is."""
    try:
        return os.fsencode(name).decode()
    except UnicodeError:
        return name


def shown(name: str) -> str:
    """Return a source for a message: printable, not too long, and without a URL's query."""
    words = plain(decoded(without_query(name) if "://" in name else name))
    return words if len(words) <= MOST_NAME else f"{words[:MOST_NAME]}…"


def counted(number: int, noun: str) -> str:
    """`1 row`, `31,240 rows`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def progress_bar(console: Console, beside: int, *, hidden: bool = False) -> Progress:
    """Return a bar of items that is removed at its end.

    `beside`: columns for the text beside the bar, and for the ^C that a terminal writes after it.
    """
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(min(MOST_BAR, max(1, console.width - beside))),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=hidden,
        transient=True,
    )


@contextmanager
def writing() -> Iterator[None]:
    """Write to standard output in this block.

    Raises:
        BrokenPipeError: The reader is gone, which is no error.
        ClickException: The disk is full, say; nothing more is written then.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        discard(sys.stdout)
        raise click.ClickException(f"cannot write: {error.strerror or error}") from None


def discard(stream: TextIO) -> None:
    """Send the rest to the null device: the interpreter writes its buffers once more at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
