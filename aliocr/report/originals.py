"""Read the pictures of results again, from files and over http and https."""

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
from aliocr.job.input.rows import Reader
from aliocr.job.output.result import Result
from aliocr.redaction import without_query
from aliocr.report.fetching import MAX_BYTES, Fetcher, MissingError

CUT = "its URL is kept without the query, which may be a key; give the full URL by --input LIST"

NOT_HERE = "its file is not found from this folder; give the job's INPUT by --input"

NOT_LISTED = "its URL is kept without the query, and the list does not have this URL in its row"

SLICE = 200
"""Number of rows of a list that are read before the event loop may run other tasks."""


class Originals(Protocol):
    """A source of the pictures of results. Several calls may run at the same time."""

    async def picture(self, result: Result) -> bytes:
        """Return the bytes of a result's picture, at most about 20 MB.

        Nothing checks that the bytes are a picture.

        Raises:
            MissingError: There is no picture.
        """


class FromSources:
    """Reads the picture at the source of a result: a path, or a URL that still has its query.

    Use it in `async with`; the end of the block closes the connections.

    Args:
        folders: Folders in which a relative path is looked for if the current folder does not have
            the file.
        given: A folder in which the last parts of a path are looked for, too; None for no folder.
    """

    def __init__(self, *folders: Path, given: Path | None = None) -> None:
        self._folders = folders
        self._given = given
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
            return await asyncio.to_thread(_contents, source, self._folders, self._given)
        if is_cut(source):
            raise MissingError(CUT)
        return await self._fetcher.picture(source)


class FromInput:
    """Completes shortened URLs from the job's input, which has the URLs with their queries.

    The reader must be at the beginning of the input. The caller closes the reader.
    """

    def __init__(self, originals: Originals, reader: Reader) -> None:
        self._originals = originals
        self._reader = reader
        self._whole: dict[int, str] = {}

    async def look_up(self, results: Iterable[Result]) -> None:
        """Find the complete sources of these results.

        The input is read once, up to the last row that is needed.

        Raises:
            InputError: The input cannot be read.
        """
        cut = {result.row: result.source for result in results if is_cut(result.source)}
        for count, row in enumerate(self._reader if cut else (), 1):
            # Compare the URLs, because a wrong input would put wrong pictures beside the texts.
            if cut.pop(row.number, None) == without_query(row.source):
                self._whole[row.number] = row.source
            if not cut:
                break
            if count % SLICE == 0:
                await asyncio.sleep(0)

    async def picture(self, result: Result) -> bytes:
        """See `Originals`."""
        source = self._whole.get(result.row, result.source)
        if is_cut(source):
            raise MissingError(NOT_LISTED)
        return await self._originals.picture(attrs.evolve(result, source=source))


def _contents(source: str, folders: tuple[Path, ...], given: Path | None) -> bytes:
    try:
        found = _found(source, folders, given)
        status = found.stat()
        if not stat.S_ISREG(status.st_mode):
            raise MissingError("its path is not a regular file")
        if status.st_size > MAX_BYTES:
            raise MissingError("it is larger than 20 MB")
        with found.open("rb") as file:
            return file.read(MAX_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        is_whole = Path(source).is_absolute()
        raise MissingError("its file no longer exists" if is_whole else NOT_HERE) from None
    except (OSError, ValueError) as error:
        words = error.strerror if isinstance(error, OSError) else None
        raise MissingError(f"its file cannot be read: {words or 'not a path'}") from None


def _found(source: str, folders: tuple[Path, ...], given: Path | None = None) -> Path:
    """Look for the path in the current folder, then in `folders`; return the first that exists.

    Then look in `given` for the last parts of the path, as many as possible. If no path exists,
    return the path itself.
    """
    here = Path(source)
    ends = (here.parts[at:] for at in range(len(here.parts))) if given else ()
    places = (here, *(each / here for each in folders), *(Path(given or "", *end) for end in ends))
    return next((path for path in places if path.exists()), here)


def address(source: str, page: Path, folders: tuple[Path, ...] = ()) -> str:
    """Return the address from which the page loads a picture; for a file, relative to the page.

    Raises:
        MissingError: The URL is not complete, or no relative path leads to the file.
    """
    if not is_url(source):
        try:
            path = os.path.relpath(_found(source, folders), page.parent)
        except ValueError:  # the source is not a path, or is on another drive
            raise MissingError("no relative path leads from this page to its file") from None
        # Begin with a dot, so that a name before a colon is not taken for the scheme of a URL.
        return f"./{quote(os.fsencode(path.replace(os.sep, '/')))}"
    if is_cut(source):
        raise MissingError(CUT)
    return source


def is_cut(source: str) -> bool:
    """Return True if `without_query` removed the URL's query, or its user and password."""
    try:
        user = urlsplit(source).netloc.rpartition("@")[0]
    except ValueError:
        user = ""
    return source.endswith(("?…", "#…")) or user == "…"
