"""Write the file of a page: a draft for the page, and a spool (a temporary file) for pictures."""

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
"""Number of bytes copied in one step."""


class ReportError(Exception):
    """The page cannot be written. The message is one line. An earlier report stays unchanged."""


@contextmanager
def new_report_file(page: Path) -> Iterator[ReportFile]:
    """Begin a page. If the block ends before `ReportFile.place` is called, the page is deleted."""
    with ExitStack() as held:
        with _in_words(page):
            _check_place(page)
            draft = held.enter_context(Draft(page))
            # Put the spool beside the page: the usual temporary folder may be in memory, and the
            # pictures may be too large for it.
            spool = tempfile.TemporaryFile(dir=page.parent)  # noqa: SIM115 (closed below)
        try:
            yield ReportFile(page, draft, spool)
        finally:
            with suppress(OSError):  # `close` writes the last bytes, and the disk may be full
                spool.close()


class ReportFile:
    """The file of a page that is being written.

    Raises:
        ReportError: From every method: the disk is full, or the path has a file of another kind.
    """

    def __init__(self, page: Path, draft: Draft, spool: IO[bytes]) -> None:
        self._page = page
        self._draft = draft
        self._spool = spool
        self._kept = 0

    def write(self, data: bytes) -> None:
        """Append bytes to the page."""
        with _in_words(self._page):
            self._draft.file.write(data)

    def keep(self, uri: str) -> int:
        """Append a picture, as a `data:` URI, to the spool; return the picture's number."""
        # The URI needs no escapes, because Base64 has no characters that could end the element.
        element = f'<script type="text/plain" id="picture-{self._kept}">{uri}</script>\n'
        with _in_words(self._page):
            self._spool.write(element.encode())
        self._kept += 1
        return self._kept - 1

    def copied(self) -> Iterator[None]:
        """Append the spool to the page, one chunk per step of the iterator."""
        with _in_words(self._page):
            self._spool.seek(0)
            while chunk := self._spool.read(CHUNK):
                self._draft.file.write(chunk)
                yield

    def place(self) -> None:
        """Move the finished page to its path, and replace an earlier report."""
        with _in_words(self._page):
            _check_place(self._page)
            self._draft.place()


def _check_place(page: Path) -> None:
    """Refuse to replace a file that is not an earlier report.

    A file that another program creates after this check and before the replacement is lost.
    """
    try:
        mode = page.stat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        raise ReportError(f"cannot write {page}: it is not a regular file")
    with page.open("rb") as file:
        if file.read(len(MARK)) != MARK:
            raise ReportError(
                f"{page} exists already and is not a report, so it is not overwritten; "
                "give another file"
            )


@contextmanager
def _in_words(page: Path) -> Iterator[None]:
    """Convert an error of the disk to a `ReportError`."""
    try:
        yield
    except OSError as error:
        raise ReportError(f"cannot write {page}: {error.strerror or error}") from None
