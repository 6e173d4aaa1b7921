"""A file lock, so that only one job writes an output; the kernel frees the lock after any kill."""

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
    """The lock of a file, held until `release`; a missing file is made.

    SQLite locks byte ranges of the same file with another system call, so the two locks do not
    conflict. A person can read a journal while its job runs, and no second file is needed.

    Raises:
        LockedError: Another job holds the lock.
        OSError: The file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.resolve()
        with _HELD_LOCK:
            # Check this set first. Opening and closing the file a second time would drop SQLite's
            # locks on the file, because they belong to the process and not to the descriptor.
            if self._path in _HELD:
                raise LockedError
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
            self._file = os.open(self._path, flags, 0o666)
            try:
                if sys.platform == "win32":
                    # Lock a byte far after the end of any journal, which SQLite does not lock.
                    os.lseek(self._file, 1 << 62, os.SEEK_SET)
                    msvcrt.locking(self._file, msvcrt.LK_NBLCK, 1)
                else:
                    fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(self._file)
                raise LockedError from None
            _HELD.add(self._path)

    def release(self) -> None:
        """Free the lock. Close the SQLite file before, because SQLite's locks are freed as well."""
        os.close(self._file)
        _HELD.discard(self._path)
