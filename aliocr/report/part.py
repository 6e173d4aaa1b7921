"""The file of a page on its way: a draft, and a spool of pictures for its end."""

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
"""Bytes copied in one step."""


class ReportError(Exception):
    """The page cannot be written; one line says why. An earlier file is unchanged."""


class Part:
    """The file of a page on its way.

    Use it in `with`: the block leaves nothing, unless `place` was called.

    Raises:
        ReportError: From every method: the disk is full, or another file is in the way.
    """

    def __init__(self, page: Path) -> None:
        self._page = page
        self._draft = Draft(page)
        self._held = ExitStack()
        self._spool: IO[bytes] | None = None

    def __enter__(self) -> Self:
        self._check_place()
        with self._in_words(), ExitStack() as held:
            held.enter_context(self._draft)
            # On the same disk, because the folder for temporary files may be in memory.
            self._spool = tempfile.TemporaryFile(dir=self._page.parent)
            held.push(suppress(OSError))  # a flush to a full disk
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
        """Append to the page."""
        with self._in_words():
            self._draft.file.write(data)

    def spool(self, data: bytes) -> None:
        """Append to the spool; see `copied`."""
        with self._in_words():
            self._open_spool.write(data)

    def copied(self) -> Iterator[None]:
        """Append the spool to the page, a chunk at each step."""
        spool, file = self._open_spool, self._draft.file
        with self._in_words():
            spool.seek(0)
            while chunk := spool.read(CHUNK):
                file.write(chunk)
                yield

    def place(self) -> None:
        """Put the finished page in its place."""
        self._check_place()
        with self._in_words():
            self._draft.place()

    def _check_place(self) -> None:
        """Refuse to replace anything but an earlier report.

        A file written there in the moment before it is replaced is lost.
        """
        with self._in_words():
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
    def _open_spool(self) -> IO[bytes]:
        if self._spool is None:
            raise RuntimeError("a Part works inside its with block")
        return self._spool

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        """Turn an error of the disk into a `ReportError`."""
        try:
            yield
        except OSError as error:
            raise ReportError(f"cannot write {self._page}: {error.strerror or error}") from None
