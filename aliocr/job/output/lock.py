"""A file lock, so that one job at a time writes an output; the kernel frees it after any kill."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_HELD: set[Path] = set()
_HELD_LOCK = threading.Lock()


class LockedError(Exception):
    """Another job holds the lock."""


class Lock:
    """The lock of a file, held until `release`; the file is made if there is none.

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
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
            self._file = os.open(self._path, flags, 0o666)
            try:
                if sys.platform == "win32":
                    # Far behind the end of any journal, and off the bytes that SQLite locks itself.
                    os.lseek(self._file, 1 << 62, os.SEEK_SET)
                    msvcrt.locking(self._file, msvcrt.LK_NBLCK, 1)
                else:
                    fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(self._file)
                raise LockedError from None
            _HELD.add(self._path)

    def release(self) -> None:
        """Free the lock; only after SQLite has closed the file, as its locks would go, too."""
        os.close(self._file)
        _HELD.discard(self._path)
