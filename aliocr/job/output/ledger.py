"""The ledger of a job: write results to output and journal, in the right order.

A result is written to the output immediately. It is added to the journal when the output is safe on
the disk. So the journal never names a missing result, even if the process is killed. Only this
module writes to both files, so it holds the lock of the job, and words the errors, such as a full
disk.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Literal, TypeAlias

from aliocr.job.budget import Charges
from aliocr.job.errors import BY_OUTPUT_FORMAT, JobError
from aliocr.job.output.codecs import CSV, JSONLines
from aliocr.job.output.journal import Journal, JournalError
from aliocr.job.output.lock import Lock, LockedError
from aliocr.job.output.parquet import StagedResults
from aliocr.job.output.result import Result
from aliocr.job.output.result_file import ResultFile, strange

OutputFormat: TypeAlias = Literal["jsonl", "csv", "parquet"]

SUFFIXES: dict[str, OutputFormat] = {
    "": "jsonl",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
}

REMEDY = "results written before are kept. Fix the cause and start the job again"


def output_format_of(path: Path) -> OutputFormat:
    """Return the format for the suffix of a file name; JSON lines if the name has no suffix.

    Raises:
        ValueError: The suffix is not known.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(
            f"{path} does not say its format: give the output format {BY_OUTPUT_FORMAT}, jsonl, "
            "csv or parquet, or a name that ends in one of these words"
        )
    return SUFFIXES[path.suffix.lower()]


class Ledger:
    """The results of a job's rows so far.

    Args:
        path: The output. The journal beside the output has the same name with `.journal` appended.
        output_format: The format of the output.
        settings: The `settings` of `JobState`, which error messages show.

    Raises:
        ValueError: The path cannot be used, or its file is not of this job; the message says what
            to do. In this case nothing was written.
        JobError: Another job holds the output, or the output cannot be written.
        ImportError: The format needs an extra.
    """

    def __init__(self, path: Path, output_format: OutputFormat, settings: str) -> None:
        self.path = path
        self._broken = False
        self._lock = threading.Lock()
        self._written: list[tuple[Result, int]] = []
        journal = _journal_of(path)
        with ExitStack() as parts, self.writing():
            try:
                lock = Lock(journal)
            except LockedError:
                raise JobError(
                    f"another job is writing {path}; wait for that job, or give another output"
                ) from None
            parts.callback(lock.release)
            self.journal = _opened(path, settings)
            parts.callback(self.journal.close)
            self._store: ResultFile | StagedResults
            if output_format == "parquet":
                self._store = StagedResults(path, self.journal)
            else:
                codec = CSV() if output_format == "csv" else JSONLines()
                self._store = ResultFile(path, codec, self.journal)
            parts.callback(self._store.close)
            self._parts = parts.pop_all()
        self._rows = self.journal.done()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Turn errors of disk and database within this block into a `JobError` with a remedy."""
        try:
            yield
        except sqlite3.Error as error:
            raise JobError(f"cannot write {self.path}.journal: {error}; {REMEDY}") from error
        except OSError as error:
            name = error.filename or self.path
            raise JobError(f"cannot write {name}: {error.strerror}; {REMEDY}") from error

    def write(self, results: Sequence[Result]) -> None:
        """Write results of rows that have no result yet. May be called in any thread.

        Raises:
            JobError: The results could not be written; earlier results are kept.
        """
        if not results:
            return
        with self.writing(), self._lock:
            self._written += zip(results, self._store.append(results), strict=True)

    def commit(self, charges: Charges, *, duplicates: int) -> None:
        """Make written results safe on the disk, and then add them to the journal.

        Raises:
            JobError: The results could not be made safe.
        """
        if self._broken:
            return  # the next run adds the results that the journal lacks
        with self._lock:
            written, self._written = self._written, []
            length = self._store.length
        results = [result for result, _ in written]
        self._broken = True
        with self.writing():
            if results:
                self._store.sync(results)
            self._rows.update(result.row for result in results)
            with self.journal.change(
                length=length,
                through=self._rows.advance(),
                duplicates=duplicates,
                charged=charges.charged,
                charged_at_most=charges.charged_at_most,
            ) as state:
                self.journal.add(written)
                state["published"] = self.journal.state.published and not results
        self._broken = False

    def has(self, row: int) -> bool:
        """Return True if the journal has a result of a row."""
        return row in self._rows

    def result(self, row: int) -> Result | None:
        """Return the result of a row; None if the row has no result yet."""
        place = self.journal.place(row)
        if place is None:
            return None
        try:
            found = self._store.read(place)
        except (ValueError, StopIteration):
            found = None
        if found is None or found.row != row:
            raise JobError(strange(self.path))
        return found

    def retry(self, kinds: frozenset[str]) -> None:
        """Remove all failures of these kinds from the output, so that their rows are read again.

        If this fails, no failure is removed.

        Raises:
            ValueError: No row failed with these kinds, but rows failed with other kinds.
        """
        with self.writing():
            first = next(self.journal.failed(kinds), None)
            if first is not None:
                self._store.retry(kinds, min(self.journal.state.through, first - 1))
                self._rows = self.journal.done()
                return
            there = [str(code or kind) for kind, code, _ in self.journal.counts() if kind]
            retries = next(self.journal.retries(), None)
        # An earlier run may have removed these failures; then their rows are in `retries`.
        if kinds and there and retries is None:
            raise ValueError(
                f"no row of {self.path} failed as {' or '.join(sorted(kinds))}; there are "
                f"{', '.join(there)}"
            )

    def close(self) -> None:
        """Write the Parquet file if it lacks results, and close all files.

        Raises:
            JobError: A Parquet file could not be written; its results are in the journal.
        """
        with self._parts, self.writing():
            self._store.publish()


@contextmanager
def past(path: Path, settings: str) -> Iterator[Journal | None]:
    """Open the journal of a job for reading, even while the job runs; give None if there is none.

    Raises:
        ValueError: For the same reasons as in `Ledger`.
        JobError: The journal cannot be read, for example because its folder is read-only.
    """
    if not _is_begun(_journal_of(path)):
        yield None
        return
    try:
        with closing(_opened(path, settings, writes=False)) as journal:
            yield journal
    except sqlite3.Error as error:
        raise JobError(f"cannot read {path}.journal: {error}") from error


def _journal_of(path: Path) -> Path:
    """Return the path of the journal; refuse a path that cannot be the output of a job."""
    if path.is_dir():
        raise ValueError(f"{path} is a folder: give the name of a file")
    if not path.parent.is_dir():
        raise ValueError(f"there is no folder {path.parent} for the output: make it first")
    if path.exists() and not path.is_file():
        raise ValueError(f"{path} is not a regular file: give another output")
    journal = path.with_name(f"{path.name}.journal")
    if path.exists() and path.stat().st_size and not _is_begun(journal):
        raise ValueError(
            f"{path} is there already, without a journal of a job beside it: give another output, "
            "or move the file away"
        )
    return journal


def _is_begun(journal: Path) -> bool:
    return journal.exists() and journal.stat().st_size > 0


def _opened(path: Path, settings: str, *, writes: bool = True) -> Journal:
    place = _journal_of(path)  # check again: a writer did not hold the lock before
    try:
        journal = Journal(place, settings, writes=writes)
    except JournalError as error:
        raise ValueError(f"{place} is not the journal of a job: {error}; move it away") from None
    state, problem = journal.state, ""
    if state.settings != settings:
        problem = (
            f"{path} was begun with {state.settings or 'no options'}, and now has "
            f"{settings or 'no options'}: give the same options, or another output"
        )
    elif state.length and not path.exists() and not state.replacing:
        problem = (
            f"{path} is gone, but the journal beside it says that it has results: put the file "
            "back, or remove the journal to begin again"
        )
    if problem:
        journal.close()
        raise ValueError(problem)
    return journal
