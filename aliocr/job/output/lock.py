"""A file lock, so that only one job writes an output.

If the process is killed, the kernel frees the lock. The lock is on a file of its own beside the
journal. On a network drive, a lock of a whole file is also a lock of each part of it, and SQLite
locks parts of the journal: it would wait for this process itself.
"""

from __future__ import annotations

import errno
import os
import sys
import threading
from contextlib import ExitStack, suppress
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

TAKEN = frozenset({errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES})
"""Errors of the system if another process has a lock. SMB drives say EACCES."""

FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)

_HELD: set[Path] = set()
_HELD_LOCK = threading.Lock()


class LockedError(Exception):
    """Another job holds the lock."""


class Lock:
    """The lock of a job, held until `release`. If there is no journal, an empty one is made.

    Earlier versions lock the journal itself, so it is locked, too, where SQLite permits this.

    Args:
        journal: The journal. The file of the lock has the same name with `-lock` appended; it is
            removed by `release`, except on a network drive.

    Attributes:
        on_network: True if the journal is on a network drive, where a lock of a whole file is also
            a lock of each part of it.

    Raises:
        LockedError: Another job holds the lock.
        OSError: A file cannot be opened, or the drive has no locks.
    """

    def __init__(self, journal: Path) -> None:
        self._journal = journal.resolve()
        self._path = Path(f"{self._journal}-lock")
        self.on_network = False
        with _HELD_LOCK, ExitStack() as parts:
            # Check this set first, so that this process opens the files only once. To close a
            # second descriptor would free SQLite's locks, because they belong to the process and
            # the file.
            if self._journal in _HELD:
                raise LockedError
            _HELD.add(self._journal)
            parts.callback(_HELD.discard, self._journal)
            if sys.platform == "win32":
                # Lock a byte far after the end of any journal, because SQLite does not lock it.
                _opened(self._journal, parts, at=1 << 62)
            else:
                self._lock_files(parts)
            self._parts = parts.pop_all()

    def _lock_files(self, parts: ExitStack) -> None:
        file = _opened(self._path, parts)
        while not _is_at(file, self._path):  # its owner has removed it meanwhile
            file = _opened(self._path, parts)
        self.on_network = not _has_two_locks(file)
        if self.on_network:
            os.close(os.open(self._journal, FLAGS, 0o666))
            return
        # Another machine may see a removed file for some seconds, so keep it on a network drive.
        parts.callback(_remove, self._path)
        _opened(self._journal, parts)

    def release(self) -> None:
        """Free the lock. First close the journal, because this also frees SQLite's locks on it."""
        self._parts.close()


def _opened(path: Path, parts: ExitStack, at: int = 0) -> int:
    """Open and lock a file until the end of `parts`; return its descriptor."""
    file = os.open(path, FLAGS, 0o666)
    parts.callback(os.close, file)
    try:
        if sys.platform == "win32":
            os.lseek(file, at, os.SEEK_SET)
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in TAKEN:
            raise LockedError from None
        raise OSError(error.errno, error.strerror, str(path)) from None
    return file


def _has_two_locks(file: int) -> bool:
    """Return True if a locked file can also be locked in SQLite's way; keep both locks."""
    try:
        if sys.platform != "win32":
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in TAKEN:
            return False
        raise
    return True


def _is_at(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def _remove(path: Path) -> None:
    with suppress(OSError):  # the lock is free anyway
        path.unlink()
