"""A file lock, so that only one job writes an output.

If the process is killed, the kernel frees the lock.
"""

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
    """The lock of a file, held until `release`. If there is no such file, it is made.

    The locked file is the journal, so no second file is needed. SQLite locks parts of the same file
    with another system call, so this lock does not stop SQLite, and a person can read the journal
    while its job runs.

    Raises:
        LockedError: Another job holds the lock.
        OSError: The file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.resolve()
        with _HELD_LOCK:
            # Check this set first, so that this process opens the file only once. To close a second
            # descriptor would free SQLite's locks, because they belong to the process and the file.
            if self._path in _HELD:
                raise LockedError
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
            self._file = os.open(self._path, flags, 0o666)
            try:
                if sys.platform == "win32":
                    # Lock a byte far after the end of any journal, because SQLite does not lock it.
                    os.lseek(self._file, 1 << 62, os.SEEK_SET)
                    msvcrt.locking(self._file, msvcrt.LK_NBLCK, 1)
                else:
                    fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(self._file)
                raise LockedError from None
            _HELD.add(self._path)

    def release(self) -> None:
        """Free the lock. First close the journal, because this also frees SQLite's locks on it."""
        try:
            os.close(self._file)
        finally:
            _HELD.discard(self._path)
