"""Names of new files, and atomic writes: a temporary file, renamed when it is complete."""

from __future__ import annotations

import errno
import os
import secrets
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

NOT_SUPPORTED = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
"""Errors of drives that cannot sync a folder, as some network drives."""


def file_name(name: str) -> str:
    """Return the name of a new file, which is written in UTF-8 in any locale, as others write it.

    Args:
        name: The name, without lone surrogates.
    """
    return os.fsdecode(name.encode())


class Draft:
    """A temporary file that replaces the target in one step.

    Use it in a `with` block. If `place` was not called, the temporary file is deleted at the end.

    Args:
        path: The target. It stays unchanged until `place` is called. If the target is a link, the
            link itself is replaced, not the file to which it points.

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
        except BaseException:  # for example Ctrl-C, just after the file was made
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
        with suppress(OSError):  # for example, the disk is still full
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
        """Write the complete file safely to the disk, and put it in the target's place."""
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()
        self._beside.replace(self._path)
        with suppress(OSError):  # some network drives refuse this; the file is placed anyway
            sync_folder(self._path)


def sync_folder(path: Path) -> None:
    """Make the name of a new or renamed file survive a power failure, if the drive can do this.

    Raises:
        OSError: The folder cannot be synced, for example because the disk fails.
    """
    if not hasattr(os, "O_DIRECTORY"):
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    except OSError as error:
        if error.errno not in NOT_SUPPORTED:
            raise
    finally:
        os.close(folder)
