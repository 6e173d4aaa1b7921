"""One job at a time on one output: a lock that the kernel lets go of, however its holder ends."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

# Far behind the end of any journal, and off the bytes that SQLite locks itself.
WINDOWS_LOCK_AT = 1 << 62


class LockedError(Exception):
    """Another process holds it."""


class Lock:
    """A file's lock, held from here to `release`. The file is made if there is none.

    SQLite locks byte ranges of the same file with another call of the system; the two do not meet.
    So a person can read a journal while its job runs, and no second file is needed.

    Args:
        path: The file.

    Raises:
        LockedError: Somebody has it.
        OSError: The file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.resolve()
        with _HELD_LOCK:
            # To open and close a file once more would let go of SQLite's locks on it, which
            # are the process's and not the descriptor's.
            if self._path in _HELD:
                raise LockedError
            self._file = _locked(self._path)
            _HELD.add(self._path)

    def release(self) -> None:
        """Let others have it. Not before SQLite has closed the file, whose locks would go, too."""
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
