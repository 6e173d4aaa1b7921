"""Opens the journal of an output: to write, to read, or to see how its job was begun."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from aliocr.job.errors import JobError
from aliocr.job.output import database
from aliocr.job.output.job_state import (
    Begun,
    DamagedError,
    JobState,
    JournalError,
    NewerError,
    begun_by,
    journal_of,
)
from aliocr.job.output.journal import Journal
from aliocr.job.output.lock import Lock
from aliocr.job.output.read_back import OutputFormat, found_in, has_bytes, has_lost_journal
from aliocr.job.output.recovery import completed, gone, take_up
from aliocr.job.output.settings import disagreement

REMEDY = "results written before are kept. Fix the cause and start the job again"


@contextmanager
def past(path: Path, output_format: OutputFormat, settings: str) -> Iterator[Journal | None]:
    """Open the journal of a job for reading, even while the job runs; give None if there is none.

    If the journal is lost, give a journal in memory that has the results of the output.

    Raises:
        ValueError: For the same reasons as in `Ledger`.
        JobError: The journal cannot be read, for example because its folder is read-only.
    """
    place, state = journal_of(path), JobState(settings, output_format)
    lost = has_lost_journal(path, place, output_format)
    if not lost and not has_bytes(place):
        yield None
        return
    try:
        if lost:
            with closing(Journal(None, state)) as journal:
                with journal.change():
                    take_up(journal, found_in(path, output_format), path)
                yield journal
            return
        with closing(opened_journal(path, state)) as journal:
            yield journal
    except sqlite3.Error as error:
        raise JobError(words_of(path, error, "read")) from error


def begun_in(path: Path, output_format: OutputFormat) -> Begun | None:
    """Return how the job of an output was begun; None if no row has had a result.

    Whoever opens a journal that cannot be read words this error.

    Raises:
        ValueError: As in `Ledger`.
    """
    place = journal_of(path)
    if has_lost_journal(path, place, output_format):
        return Begun()
    with suppress(sqlite3.Error):
        return begun_by(place, path)
    return None


def opened_journal(path: Path, first: JobState, lock: Lock | None = None) -> Journal:
    """Open the journal, to write if the lock is given."""
    place = journal_of(path)  # check again: a writer did not hold the lock before
    try:
        journal = Journal(place, first, writes=lock is not None, wal=not (lock and lock.on_network))
    except NewerError:
        raise ValueError(
            f"{path} was begun by a newer version of aliocr: upgrade aliocr, for example with "
            "`pip install --upgrade aliocr`, or give another output"
        ) from None
    except JournalError as error:
        raise ValueError(
            f"{place} is not the journal of a job: {error}; {_rebuilds(path)}"
        ) from None
    if journal.version.lacks:
        _, last_found = (lock and journal.uncounted) or (0, 0)
        journal.state = completed(journal.state, path, first.output_format, last_found)
    state, problem = journal.state, ""
    if state.output_format != first.output_format:
        problem = (
            f"{place} is the journal of an output in {state.output_format}, and {path} is to be in "
            f"{first.output_format}: {_rebuilds(path)}, or give another output"
        )
    elif not journal.binds(path):
        if lock:
            journal.begin_again(first.settings)
    elif differ := disagreement(state.settings, first.settings):
        then, now = differ
        problem = (
            f"{path} was begun with {then}, and now has {now}: give the same options, or another "
            "output"
        )
    elif state.output_format != "parquet" and state.length and not state.replacing:
        problem = "" if has_bytes(path) else gone(path)
    if problem:
        journal.close()
        raise ValueError(problem)
    return journal


def _rebuilds(path: Path) -> str:
    return f"move it away, and the same command makes it again from the results in {path}"


def words_of(path: Path, error: sqlite3.Error, action: str = "write") -> str:
    """Return the message for an error of SQLite."""
    code = database.code_of(error)
    if isinstance(error, DamagedError) or code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return f"{path}.journal is damaged: {error}; {_rebuilds(path)}"
    why = ": ".join([str(error), *filter(None, [database.REMEDIES.get(code)])])
    return f"cannot {action} {path}.journal: {why}; {REMEDY}"
