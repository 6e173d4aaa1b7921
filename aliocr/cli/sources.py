"""Sources of pictures, on the command line or standard input: URLs, files and folders."""

from __future__ import annotations

import asyncio
import stat
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import attrs

from aliocr.checks import is_url
from aliocr.cli.exits import Misuse
from aliocr.job.errors import InputError
from aliocr.job.input.folder import Skipped, pictures_in
from aliocr.job.input.opening import STANDARD_INPUT, opened
from aliocr.job.input.prefetch import Prefetch
from aliocr.job.input.rows import RowOrBad

ROWS_AT_ONCE = 100
"""Maximum number of rows to take from standard input in one step."""


class NoSuchFileError(ValueError):
    """The named file does not exist."""


@attrs.frozen
class Source:
    """One picture to read: its name as the user wrote it, and its path (None for a URL)."""

    name: str
    path: Path | None


@attrs.frozen
class Expansion:
    """One picture, or the pictures of a folder in the order of their names.

    `skipped` says which entries of the folder are left out.
    """

    sources: tuple[Source, ...]
    skipped: Skipped = attrs.field(factory=Skipped)


def expand(name: str, *, files: bool) -> Expansion:
    """Return the pictures of a URL, a file or a folder.

    Args:
        name: Name of the source, as the user wrote it.
        files: Accept files and folders, not only URLs.

    Raises:
        ValueError: The source cannot be read. The message does not contain the source's name.
    """
    if is_url(name):
        return Expansion((Source(name, None),))
    if not name:  # an empty path would be the current folder
        raise ValueError("an empty name")
    path = Path(name)
    try:
        mode = path.stat().st_mode
        names, skipped = pictures_in(path) if files and stat.S_ISDIR(mode) else ([], Skipped())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        raise NoSuchFileError("no such file, and not an http:// or https:// URL") from None
    except OSError as error:
        raise ValueError(_reason(error)) from None
    if not files:
        raise ValueError("the service reads URLs only; --local reads files on this machine")
    if stat.S_ISREG(mode):
        return Expansion((Source(name, path),))
    if not stat.S_ISDIR(mode):
        raise ValueError("not a regular file")
    if not names:
        raise ValueError("no pictures in this folder")
    return Expansion(tuple(Source(str(path / each), path / each) for each in names), skipped)


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def check_standard_input() -> None:
    """Raise `Misuse` if standard input was closed at the start, because it would seem empty."""
    if sys.stdin is None:
        raise Misuse("cannot read standard input: it is closed")


async def listed() -> AsyncIterator[RowOrBad]:
    """Yield each row of the list on standard input, as soon as it comes, as a job reads it.

    Raises:
        Misuse: Standard input is not a list, or cannot be read.
    """
    rows = Prefetch(partial(opened, STANDARD_INPUT), None, {}, asyncio.get_running_loop())
    try:
        while batch := (await rows.take(ROWS_AT_ONCE)).rows:
            for row in batch:
                yield row
    except InputError as error:
        raise Misuse(str(error)) from None
    finally:
        rows.stop()
