"""The file of a page on its way: a draft, and a spool of pictures for its end."""

from __future__ import annotations

import stat
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from aliocr.atomic_file import Draft
from aliocr.report.template import MARK

CHUNK = 1 << 20
"""Bytes copied in one step."""


class ReportError(Exception):
    """The page cannot be written; one line says why. An earlier file is unchanged."""


@contextmanager
def new_report_file(page: Path) -> Iterator[ReportFile]:
    """Begin a page; the block leaves nothing, unless `ReportFile.place` was called."""
    with ExitStack() as held:
        with _in_words(page):
            _check_place(page)
            draft = held.enter_context(Draft(page))
            # On the same disk, because the folder for temporary files may be in memory.
            spool = tempfile.TemporaryFile(dir=page.parent)  # noqa: SIM115 (closed below)
        try:
            yield ReportFile(page, draft, spool)
        finally:
            with suppress(OSError):  # a flush to a full disk
                spool.close()


class ReportFile:
    """The file of a page on its way.

    Raises:
        ReportError: From every method: the disk is full, or another file is in the way.
    """

    def __init__(self, page: Path, draft: Draft, spool: IO[bytes]) -> None:
        self._page = page
        self._draft = draft
        self._spool = spool
        self._kept = 0

    def write(self, data: bytes) -> None:
        """Append to the page."""
        with _in_words(self._page):
            self._draft.file.write(data)

    def keep(self, uri: str) -> int:
        """Append a picture, as a `data:` URI, to the spool, and return its number in the page."""
        # Base64 contains nothing that could end the element.
        element = f'<script type="text/plain" id="picture-{self._kept}">{uri}</script>\n'
        with _in_words(self._page):
            self._spool.write(element.encode())
        self._kept += 1
        return self._kept - 1

    def copied(self) -> Iterator[None]:
        """Append the spool to the page, a chunk at each step."""
        with _in_words(self._page):
            self._spool.seek(0)
            while chunk := self._spool.read(CHUNK):
                self._draft.file.write(chunk)
                yield

    def place(self) -> None:
        """Put the finished page in its place."""
        with _in_words(self._page):
            _check_place(self._page)
            self._draft.place()


def _check_place(page: Path) -> None:
    """Refuse to replace anything but an earlier report.

    A file written there in the moment before it is replaced is lost.
    """
    try:
        mode = page.stat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        raise ReportError(f"cannot write {page}: it is no regular file")
    with page.open("rb") as file:
        if file.read(len(MARK)) != MARK:
            raise ReportError(
                f"{page} is there already, and is no report that may be overwritten: "
                "write to another file"
            )


@contextmanager
def _in_words(page: Path) -> Iterator[None]:
    """Turn an error of the disk into a `ReportError`."""
    try:
        yield
    except OSError as error:
        raise ReportError(f"cannot write {page}: {error.strerror or error}") from None
