"""A page that is there once it is whole: written beside its place, then put there in one step."""

from __future__ import annotations

import os
import secrets
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from aliocr.report.template import MARK

__all__ = ["Part", "ReportError"]

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
        self._path = page.with_name(f".aliocr-{secrets.token_hex(8)}.part")
        self._file: IO[bytes] | None = None
        self._spool: IO[bytes] | None = None

    def __enter__(self) -> Self:
        self._may_be_written()
        with self._said():
            self._file = self._path.open("xb")
            # On the same disk, as the folder for temporary files may be in memory.
            try:
                self._spool = tempfile.TemporaryFile(dir=self._page.parent)
            except OSError:
                self._leave()
                raise
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._leave()

    def write(self, data: bytes) -> None:
        """Add to the page."""
        with self._said():
            self._opened(self._file).write(data)

    def put_by(self, data: bytes) -> None:
        """Keep for later; see `copied`."""
        with self._said():
            self._opened(self._spool).write(data)

    def copied(self) -> Iterator[None]:
        """Add to the page what was put by, a piece at each step."""
        spool, file = self._opened(self._spool), self._opened(self._file)
        with self._said():
            spool.seek(0)
            while chunk := spool.read(CHUNK):
                file.write(chunk)
                yield

    def place(self) -> None:
        """The page is whole."""
        file = self._opened(self._file)
        self._may_be_written()
        with self._said():
            file.flush()
            os.fsync(file.fileno())
            self._path.replace(self._page)

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

    def _leave(self) -> None:
        for file in (self._file, self._spool):
            if file is not None:
                with suppress(OSError):  # what is flushed to a full disk again
                    file.close()
        if self._file is not None:
            self._path.unlink(missing_ok=True)
        self._file = self._spool = None

    @staticmethod
    def _opened(file: IO[bytes] | None) -> IO[bytes]:
        if file is None:
            raise RuntimeError("a Part works inside its with block")
        return file

    @contextmanager
    def _said(self) -> Iterator[None]:
        """Trouble with the disk, in words."""
        try:
            yield
        except OSError as error:
            raise ReportError(f"cannot write {self._page}: {error.strerror or error}") from None
