"""Text and progress bars for people; control characters in texts never reach the terminal."""

from __future__ import annotations

import json
import os
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from aliocr.redaction import without_query

MOST_BAR = 40
"""Maximum width of a progress bar, in columns."""

MOST_NAME = 200
"""Maximum length of a source's name in a message, in characters."""


def plain_console(*, stderr: bool = False, soft_wrap: bool = False) -> Console:
    """Return a console that prints text unchanged, without markup or highlighted numbers."""
    return Console(stderr=stderr, soft_wrap=soft_wrap, highlight=False, markup=False, emoji=False)


def width_of(console: Console) -> int:
    """Return the maximum width of text, in columns; unlimited if there is no terminal."""
    return console.width if console.file.isatty() else sys.maxsize


def plain(text: str) -> str:
    """Replace control characters by spaces; the text of a picture may contain such characters."""
    text = text.encode("utf-8", "backslashreplace").decode()
    return "".join(c if c.isprintable() or c == "\t" else " " for c in text)


def harmless_json(line: str) -> str:
    """Escape the characters of a line of JSON that control a terminal or the direction of text.

    So the line is the same on a terminal and in a file, and its values stay exact.
    """
    controls = ("Cc", "Cf", "Zl", "Zp")
    return "".join(json.dumps(c)[1:-1] if unicodedata.category(c) in controls else c for c in line)


def decoded(name: str) -> str:
    """Return a file name decoded as UTF-8, in any locale; keep a name that is not UTF-8."""
    try:
        return os.fsencode(name).decode()
    except UnicodeError:
        return name


def shown(name: str) -> str:
    """Return the name of a source for a message: printable, shortened, without a URL's query."""
    words = plain(decoded(without_query(name) if "://" in name else name))
    return words if len(words) <= MOST_NAME else f"{words[:MOST_NAME]}…"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 row`, `31,240 rows`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def progress_bar(console: Console, beside: int, *, hidden: bool = False) -> Progress:
    """Return a progress bar that counts items, and disappears when it stops.

    `beside`: columns to keep free for the text beside the bar, and for the ^C that a terminal
    prints.
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
    """Handle the errors of a block that writes to standard output.

    Raises:
        BrokenPipeError: The reader of the output is gone, which is not an error of the command.
        ClickException: Writing failed, for example on a full disk; later output is discarded.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except SystemExit:  # rich ends the program when the reader is gone
        raise BrokenPipeError from None
    except OSError as error:
        discard(sys.stdout)
        raise click.ClickException(f"cannot write: {error.strerror or error}") from None


def discard(stream: TextIO) -> None:
    """Send further output to the null device.

    The interpreter writes its buffers at exit; without this, it would then fail again.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
