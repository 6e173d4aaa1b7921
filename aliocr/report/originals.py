"""Get the pictures of results once more: from files, and over http and https."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol, Self
from urllib.parse import quote, urlsplit

import attrs

from aliocr.checks import is_url
from aliocr.errors import without_query
from aliocr.job.input.rows import Reader
from aliocr.job.output.result import Result
from aliocr.report.fetching import MAX_BYTES, Fetcher, MissingError

CUT = "its URL is kept without the query, which may be a key: --input LIST has it"

NOT_LISTED = "its URL is kept without the query, and the list has another in its row, or none"

SLICE = 200
"""Rows of a list that are read without a pause for the event loop."""


class Originals(Protocol):
    """A source of the pictures of results. Allows calls at the same time."""

    async def picture(self, result: Result) -> bytes:
        """Return the bytes of a result's picture, at most some 20 MB; they may be no picture.

        Raises:
            MissingError: There is no picture.
        """


class FromSources:
    """Follows the source of a result: a path, or a URL that still has its query.

    Use it in `async with`: its connections live as long as the block.

    Args:
        folders: Further folders for a relative path that leads nowhere from the current folder.
    """

    def __init__(self, *folders: Path) -> None:
        self._folders = folders
        self._fetcher = Fetcher()

    async def __aenter__(self) -> Self:
        await self._fetcher.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._fetcher.__aexit__(*exc)

    async def picture(self, result: Result) -> bytes:
        """See `Originals`."""
        source = result.source
        if not is_url(source):
            return await asyncio.to_thread(_contents, source, self._folders)
        if _is_cut(source):
            raise MissingError(CUT)
        return await self._fetcher.picture(source)


class FromInput:
    """Completes sources from the job's input, which has them with their queries.

    The reader is at the beginning of the input, and is not closed here.
    """

    def __init__(self, originals: Originals, reader: Reader) -> None:
        self._originals = originals
        self._reader = reader
        self._whole: dict[int, str] = {}

    async def look_up(self, results: Iterable[Result]) -> None:
        """Find the whole sources of all wanted results; the input is read once, up to the last.

        Raises:
            InputError: The input cannot be read.
        """
        cut = {result.row: result.source for result in results if _is_cut(result.source)}
        for count, row in enumerate(self._reader if cut else (), 1):
            # The row of another input than the job's would put a picture beside a foreign text.
            if cut.pop(row.number, None) == without_query(row.source):
                self._whole[row.number] = row.source
            if not cut:
                break
            if count % SLICE == 0:
                await asyncio.sleep(0)

    async def picture(self, result: Result) -> bytes:
        """See `Originals`."""
        source = self._whole.get(result.row, result.source)
        if _is_cut(source):
            raise MissingError(NOT_LISTED)
        return await self._originals.picture(attrs.evolve(result, source=source))


def _contents(source: str, folders: tuple[Path, ...]) -> bytes:
    try:
        found = _found(source, folders)
        status = found.stat()
        if not stat.S_ISREG(status.st_mode):
            raise MissingError("its path leads to no regular file")
        if status.st_size > MAX_BYTES:
            raise MissingError("it is larger than 20 MB")
        with found.open("rb") as file:
            return file.read(MAX_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        raise MissingError("its file is not there any more") from None
    except (OSError, ValueError) as error:
        words = error.strerror if isinstance(error, OSError) else None
        raise MissingError(f"its file cannot be read: {words or 'not a path'}") from None


def _found(source: str, folders: tuple[Path, ...]) -> Path:
    """Return the first path with a file, or else the path itself."""
    here = Path(source)
    return next(
        (path for path in (here, *(each / here for each in folders)) if path.exists()), here
    )


def address(source: str, page: Path, folders: tuple[Path, ...] = ()) -> str:
    """Return the address by which an HTML page loads a picture: a file's is relative to the page.

    Raises:
        MissingError: The URL is not whole.
    """
    if not is_url(source):
        try:
            path = os.path.relpath(_found(source, folders), page.parent)
        except ValueError:  # no path, or on another drive
            raise MissingError("its path does not lead there from this page") from None
        # The dot, because a name before a colon would be the scheme of a URL.
        return f"./{quote(os.fsencode(path.replace(os.sep, '/')))}"
    if _is_cut(source):
        raise MissingError(CUT)
    return source


def _is_cut(source: str) -> bool:
    """Return True for a URL that lost its query, or user and password, in `without_query`."""
    try:
        user = urlsplit(source).netloc.rpartition("@")[0]
    except ValueError:
        user = ""
    return source.endswith("?…") or user == "…"
