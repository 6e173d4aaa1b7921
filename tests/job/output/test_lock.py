"""One job for each output, on any drive; and what is said if a drive has no locks."""

from __future__ import annotations

import errno
import fcntl
import os
import sqlite3
import struct
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from aliocr.job.errors import REMEDIES, JobError
from aliocr.job.output import database
from aliocr.job.output.job_state import JobState
from aliocr.job.output.journal import Journal
from aliocr.job.output.ledger import Ledger, past
from aliocr.job.output.lock import Lock, LockedError
from tests.support.working import PATIENCE, files_in

NFS = """
import fcntl, struct
def flock(file, kind):
    fcntl.fcntl(file, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))  # F_OFD_SETLK
fcntl.flock = flock
"""
"""A lock of a whole file is a lock of each part of it, and not of the same owner as SQLite's."""

SMB = """
import fcntl
fcntl.flock = fcntl.lockf
"""
"""A lock of a whole file is a lock of each part of it, and of the same owner."""

NO_SHARED_MEMORY = """
import sqlite3
connect = sqlite3.connect
def connected(name, **options):
    return connect(f"{name}&vfs=unix-none" if name.startswith("file:") else name, **options)
sqlite3.connect = connected
"""
"""SQLite refuses a write-ahead log."""

OPEN = """
import sys
from pathlib import Path
from aliocr.job.output.ledger import Ledger
from aliocr.job.output.result import Read
ledger = Ledger(Path(sys.argv[1]), "jsonl", "")
row = ledger.journal.last_row + 1
ledger.write([Read(row=row, source="", text="")])
ledger.commit(0, duplicates=0)
print("open", flush=True)
sys.stdin.read()
ledger.close()
"""

LOCK_JOURNAL = """
import fcntl, sys
file = open(sys.argv[1], "r+b")
fcntl.flock(file, fcntl.LOCK_EX)
print("locked", flush=True)
sys.stdin.read()
"""
"""A job of an earlier version, which locks the journal itself."""


def opened(output: Path, drive: str) -> subprocess.Popen[str]:
    """A job of its own process, which adds one result, and waits for the end of its input."""
    return subprocess.Popen(
        [sys.executable, "-c", drive + OPEN, output],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


on_linux = pytest.mark.skipif(sys.platform != "linux", reason="locks of open files are Linux's own")


@on_linux
@pytest.mark.parametrize("drive", ["", NFS, SMB, NFS + NO_SHARED_MEMORY])
def test_a_drive_of_any_kind_has_one_job_for_an_output(tmp_path: Path, drive: str) -> None:
    """The second says so, a killed one leaves no lock, and another drive can go on."""
    output = tmp_path / "results.jsonl"
    with opened(output, drive) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "open\n"
        with opened(output, drive) as second:
            assert "another job is writing" in second.communicate(timeout=PATIENCE)[0]
        first.kill()
    with opened(output, drive) as third:
        assert third.communicate("", timeout=PATIENCE)[0] == "open\n"
    ledger = Ledger(output, "jsonl", "")
    assert ledger.has(2)
    ledger.close()
    assert set(files_in(tmp_path)) == {"results.jsonl", "results.jsonl.journal"}


@on_linux
def test_on_a_network_drive_the_journal_has_no_write_ahead_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another machine cannot share its memory; a log that came from elsewhere is taken up."""

    def flock(file: int, _: int) -> None:
        fcntl.fcntl(file, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))

    output = tmp_path / "results.jsonl"
    Ledger(output, "jsonl", "").close()
    with closing(sqlite3.connect(f"{output}.journal")) as journal:
        assert journal.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    monkeypatch.setattr(fcntl, "flock", flock)
    ledger = Ledger(output, "jsonl", "")
    with past(output, "jsonl", "") as seen:  # a reader sees it
        assert seen is not None
    ledger.close()
    with closing(sqlite3.connect(f"{output}.journal")) as journal:
        assert journal.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_a_drive_whose_memory_fails_late_has_a_rollback_journal(tmp_path: Path) -> None:
    """SQLite says that it has a write-ahead log, and cannot write; nothing of it is lost."""
    for name in ("new", "old"):
        path = tmp_path / name
        path.touch()
        if name == "old":  # written at a drive that has the memory, and copied with its log
            other = tmp_path / "other"
            other.touch()
            with closing(Journal(other, JobState("", "jsonl"))) as journal:
                with journal.change(charged=7):
                    pass
                for end in ("", "-wal"):
                    Path(f"{path}{end}").write_bytes(Path(f"{other}{end}").read_bytes())
        Path(f"{path}-shm").mkdir()
        with closing(Journal(path, JobState("", "jsonl"))) as journal:
            with journal.change(duplicates=3):
                pass
            assert journal.state.charged == (7 if name == "old" else 0)
        with closing(Journal(path, JobState("", "jsonl"), writes=False)) as journal:
            assert journal.state.duplicates == 3


def test_a_job_of_an_earlier_version_is_another_job(tmp_path: Path) -> None:
    """It locks the journal, and so does a job of this version where SQLite permits it."""
    output = tmp_path / "results.jsonl"
    Ledger(output, "jsonl", "").close()
    with subprocess.Popen(
        [sys.executable, "-c", LOCK_JOURNAL, f"{output}.journal"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as earlier:
        assert earlier.stdout is not None
        assert earlier.stdout.readline()
        with pytest.raises(JobError, match="another job is writing"):
            Ledger(output, "jsonl", "")
        earlier.kill()
    lock = Lock(Path(f"{output}.journal"))
    with Path(f"{output}.journal").open("rb") as journal, pytest.raises(BlockingIOError):
        fcntl.flock(journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
    lock.release()


def test_a_lock_that_its_owner_removes_meanwhile_is_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a third job would make another file, and lock it."""
    lock_file = tmp_path / "journal-lock"
    flock = fcntl.flock
    removed: list[int] = []

    def late(file: int, kind: int) -> None:
        flock(file, kind)
        if not removed:
            removed.append(os.fstat(file).st_ino)
            lock_file.unlink()

    monkeypatch.setattr(fcntl, "flock", late)
    lock = Lock(tmp_path / "journal")
    with lock_file.open("rb") as file, pytest.raises(BlockingIOError):
        flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with pytest.raises(LockedError):
        Lock(tmp_path / "journal")
    lock.release()
    assert not lock_file.exists()


@pytest.mark.parametrize("number", sorted(REMEDIES), ids=errno.errorcode.get)
@pytest.mark.parametrize("call", ["open", "flock", "lockf"])
def test_an_error_of_the_drive_is_named_with_its_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    """Only a lock that is taken is another job; and afterwards there is no trace of the error."""

    def fails(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number))

    output = tmp_path / "results.jsonl"
    taken: Callable[[], object] = lambda: Ledger(output, "jsonl", "").close()  # noqa: E731
    if number == errno.EACCES and call != "open":
        pytest.skip("the word of SMB drives for another job")
    with monkeypatch.context() as patch:
        patch.setattr(os if call == "open" else fcntl, call, fails)
        with pytest.raises(JobError) as error:
            taken()
    assert os.strerror(number) in str(error.value)
    assert REMEDIES[number] in str(error.value)
    assert "another job" not in str(error.value)
    assert not output.exists()
    taken()


@pytest.mark.parametrize(("code", "name"), [(5, "BUSY"), (10, "IOERR"), (13, "FULL")])
def test_an_error_of_the_database_is_named_with_its_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, name: str
) -> None:
    """SQLite itself says no more than that there was one."""
    output = tmp_path / "results.jsonl"
    Ledger(output, "jsonl", "").close()
    monkeypatch.setattr(database, "PATIENCE", 0.0)
    problem = sqlite3.OperationalError(name)
    problem.sqlite_errorcode = code

    def fails(_: object) -> None:
        raise problem

    monkeypatch.setattr(database, "_read", fails)
    with pytest.raises(JobError, match=database.REMEDIES[code]):
        Ledger(output, "jsonl", "")
