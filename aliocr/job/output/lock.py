"""A file lock, so that one job at a time writes an output; the kernel frees it after any kill."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

# Far behind the end of any journal, and off the bytes that SQLite locks itself.
WINDOWS_LOCK_AT = 1 << 62


class LockedError(Exception):
    """Another job holds the lock."""


class Lock:
    """The lock of a file, held until `release`. The file is made if there is none.

    SQLite locks byte ranges of the same file with another system call; the two locks do not meet.
    So a person can read a journal while its job runs, and no second file is needed.

    Raises:
        LockedError: Another job holds the lock.
        OSError: The file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.resolve()
        with _HELD_LOCK:
            # Opening and closing the file a second time would drop SQLite's locks on it, which
            # belong to the process and not to the descriptor.
            if self._path in _HELD:
                raise LockedError
            self._file = _locked(self._path)
            _HELD.add(self._path)

    def release(self) -> None:
        """Free the lock; only after SQLite has closed the file, as its locks would go, too."""
        os.close(self._file)
        _HELD.discard(self._path)


_HELD: set[Path] = set()
_HELD_LOCK = threading.Lock()


def _locked(path: Path) -> int:
    file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o666)
    try:
        _lock(file)
    except OSError:
        os.close(file)
        raise LockedError from None
    return file


if sys.platform == "win32":
    import msvcrt

    def _lock(file: int) -> None:
        os.lseek(file, WINDOWS_LOCK_AT, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
