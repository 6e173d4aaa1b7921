"""The SQLite file of a journal, opened so that it can be used on any drive.

SQLite's write-ahead log (WAL) is the fastest mode, and people can read the journal while a job
writes it. It needs memory that all users of the file share. Drives of a network do not have this
memory, and some drives of virtual machines neither. There the journal has a rollback journal.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from aliocr.job.output.job_state import JournalError

PATIENCE = 60.0
"""Maximum time to wait for another program that uses the file, in seconds. With a rollback journal,
a job cannot write while a program reads, and a reader cannot know how long a job waits."""

CACHE_KIBIBYTES = 8_192
"""Size of SQLite's cache, in KiB. The digests of some 250,000 images fit into the cache; the cache
of the operating system holds the rest."""

REMEDIES = {
    sqlite3.SQLITE_BUSY: "another program uses it: close that program",
    sqlite3.SQLITE_FULL: "make room there",
    sqlite3.SQLITE_READONLY: "give this user the right to write it and its folder",
    sqlite3.SQLITE_CANTOPEN: "give this user the right to write it and its folder",
    sqlite3.SQLITE_IOERR: "the drive, or the connection to it, fails",
}
"""Remedies for errors of SQLite, by their kind."""


def connected(path: Path | None) -> sqlite3.Connection:
    """Open a file, which may have a WAL of another drive; without a path, open one in memory.

    Raises:
        JournalError: The file is not a SQLite file.
        sqlite3.Error: The file cannot be read.
    """
    db = _opened(path)
    try:
        _read(db)
    except sqlite3.OperationalError as error:
        db.close()
        if code_of(error) == sqlite3.SQLITE_BUSY:
            raise
        return _alone(path)
    except sqlite3.DatabaseError as error:
        db.close()
        if code_of(error) == sqlite3.SQLITE_NOTADB:
            raise JournalError("it is not a SQLite file") from error
        raise
    return db


def prepared(db: sqlite3.Connection, path: Path | None, *, wal: bool) -> sqlite3.Connection:
    """Return a connection that writes: this one, or another one if the drive does not permit a WAL.

    Args:
        db: A connection from `connected`; it is closed if it is not returned.
        path: The path of its file.
        wal: False to use a rollback journal in any case.
    """
    try:
        if wal:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("BEGIN IMMEDIATE")  # the first statement that needs the shared memory
            db.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        db.close()
        if code_of(error) == sqlite3.SQLITE_BUSY:
            raise
        db, wal = _alone(path), False
    if not wal:
        db.execute("PRAGMA journal_mode = DELETE")
        db.execute("PRAGMA locking_mode = NORMAL")
        _read(db)  # this changes the locks
    # A rollback journal needs more than FULL, so that no commit is undone if the power fails.
    db.execute("PRAGMA synchronous = EXTRA")
    db.execute(f"PRAGMA cache_size = -{CACHE_KIBIBYTES}")
    return db


def _opened(path: Path | None) -> sqlite3.Connection:
    # Without an isolation level, the owner of the connection begins the transactions.
    return sqlite3.connect(
        # Open for writing even to read, because a read-only connection would not remove the files
        # that SQLite makes beside the journal.
        f"{path.absolute().as_uri()}?mode=rw" if path else ":memory:",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=PATIENCE,
    )


def _alone(path: Path | None) -> sqlite3.Connection:
    """Open a file so that no other connection can use it; then a WAL needs no shared memory."""
    db = _opened(path)
    try:
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        _read(db)
    except BaseException:
        db.close()
        raise
    return db


def _read(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA user_version").fetchone()


def code_of(error: sqlite3.Error) -> int:
    """Return the code of an error's kind, the lowest byte of its own code; 0 if it has no code."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
