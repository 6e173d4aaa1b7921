"""A page on its way: a draft, and what is put by until its turn comes."""

from __future__ import annotations

import stat
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from aliocr.atomic_file import Draft
from aliocr.report.template import MARK

CHUNK = 1 << 20
"""Bytes that are copied at once."""


class ReportError(Exception):
    """The page cannot be written; one line says why. What was at its place is still there."""


class Part:
    """The page to be.

    `with` it: unless it was put in its place by then, nothing of it is left after the block.

    Args:
        page: Its place, where there may be an earlier report.

    Raises:
        ReportError: From every method: the disk is full, say, or what is there is no report.
    """

    def __init__(self, page: Path) -> None:
        self._page = page
        self._draft = Draft(page)
        self._held = ExitStack()
        self._spool: IO[bytes] | None = None

    def __enter__(self) -> Self:
        self._may_be_written()
        with self._said(), ExitStack() as held:
            held.enter_context(self._draft)
            # On the same disk, as the folder for temporary files may be in memory.
            self._spool = tempfile.TemporaryFile(dir=self._page.parent)
            held.push(suppress(OSError))  # of what is flushed to a full disk again
            held.callback(self._spool.close)
            self._held = held.pop_all()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._spool = None
        self._held.close()

    def write(self, data: bytes) -> None:
        """Add to the page."""
        with self._said():
            self._draft.file.write(data)

    def put_by(self, data: bytes) -> None:
        """Keep for later; see `copied`."""
        with self._said():
            self._put_by.write(data)

    def copied(self) -> Iterator[None]:
        """Add to the page what was put by, a piece at each step."""
        spool, file = self._put_by, self._draft.file
        with self._said():
            spool.seek(0)
            while chunk := spool.read(CHUNK):
                file.write(chunk)
                yield

    def place(self) -> None:
        """The page is whole."""
        self._may_be_written()
        with self._said():
            self._draft.place()

    def _may_be_written(self) -> None:
        """Whether nothing is there, or a report.

        A file that somebody has put there meanwhile, in the moment before it is replaced, is lost.
        """
        with self._said():
            try:
                mode = self._page.stat().st_mode
            except FileNotFoundError:
                return
            if not stat.S_ISREG(mode):
                raise ReportError(f"cannot write {self._page}: it is no regular file")
            with self._page.open("rb") as file:
                if file.read(len(MARK)) != MARK:
                    raise ReportError(
                        f"{self._page} is there already, and is no report that may be overwritten: "
                        "write to another file"
                    )

    @property
    def _put_by(self) -> IO[bytes]:
        if self._spool is None:
            raise RuntimeError("a Part works inside its with block")
        return self._spool

    @contextmanager
    def _said(self) -> Iterator[None]:
        """Trouble with the disk, in words."""
        try:
            yield
        except OSError as error:
            raise ReportError(f"cannot write {self._page}: {error.strerror or error}") from None
