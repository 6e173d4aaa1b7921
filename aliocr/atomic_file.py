"""Atomic write: a temporary file beside the target, renamed once it is whole."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self


class Draft:
    """A temporary file that replaces the target in one step.

    Use it in a `with` block: without a call of `place`, nothing of the file remains after it.

    Args:
        path: The target. It stays as it is until `place`; a link is replaced, not followed.

    Raises:
        OSError: From every method, for example because the disk is full.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._beside = path.with_name(f".aliocr-{secrets.token_hex(8)}.part")
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self._file = self._beside.open("xb")
        except BaseException:  # a signal, just when the file was made
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
        with suppress(OSError):  # the disk is still full
            self._file.close()
        self._file = None
        self._beside.unlink(missing_ok=True)

    @property
    def file(self) -> IO[bytes]:
        """The open temporary file."""
        if self._file is None:
            raise RuntimeError("a Draft works inside its with block")
        return self._file

    def place(self) -> None:
        """Put the whole file safely on the disk, and in its place."""
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()
        self._beside.replace(self._path)
        with suppress(OSError):  # some network drives cannot; the file is there all the same
            sync_folder(self._path)


def sync_folder(path: Path) -> None:
    """Make the name of a new or renamed file survive a power failure, where the system can.

    Raises:
        OSError: The folder cannot be synced, as on some network drives.
    """
    if not hasattr(os, "O_DIRECTORY"):
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
