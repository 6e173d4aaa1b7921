"""A file that is there once it is whole: written beside its place, then put there in one step."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self


class Draft:
    """The file to be.

    `with` it: unless it was put in its place by then, nothing of it is left after the block.

    Args:
        path: Its place. What is there stays until the draft is whole; a link is not followed.

    Raises:
        OSError: From every method: the disk is full, say.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._beside = path.with_name(f".aliocr-{secrets.token_hex(8)}.part")
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self._file = self._beside.open("xb")
        except BaseException:  # a signal, just when it was made
            with suppress(OSError):
                self._beside.unlink()
            raise
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._file is None:
            return
        with suppress(OSError):  # what is flushed to a full disk again
            self._file.close()
        self._file = None
        self._beside.unlink(missing_ok=True)

    @property
    def file(self) -> IO[bytes]:
        """What to write to."""
        if self._file is None:
            raise RuntimeError("a Draft works inside its with block")
        return self._file

    def place(self) -> None:
        """It is whole: have it safe on the disk, and in its place."""
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()
        self._beside.replace(self._path)
        _sync_folder(self._path.parent)


def _sync_folder(folder: Path) -> None:
    """Have the new name survive a power failure, where that can be asked."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    with suppress(OSError):  # the file is there; some network drives know no more than that
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
