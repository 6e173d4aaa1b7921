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

from aliocr.job.errors import BY_OUTPUT_FORMAT, REMEDIES, JobError
from aliocr.job.output import database
from aliocr.job.output.job_state import (
    DamagedError,
    JobState,
    JournalError,
    NewerError,
    journal_of,
)
from aliocr.job.output.journal import Journal
from aliocr.job.output.lock import Lock, LockedError
from aliocr.job.output.parquet import StagedResults
from aliocr.job.output.read_back import (
    codec_of,
    found_in,
    has_bytes,
    has_lost_journal,
    in_the_way,
    written_in,
)
from aliocr.job.output.recovery import completed, ending_of, gone, strange, take_up
from aliocr.job.output.result import Result, images_charged
from aliocr.job.output.result_file import ResultFile
from aliocr.job.output.sent_mark import SentMark
from aliocr.job.output.versions import NEWEST

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


COMPRESSED = {".gz", ".bz2", ".xz", ".zst", ".zip"}


def output_format_of(path: Path, given: OutputFormat | None = None) -> OutputFormat:
    """Return the format for the suffix of a file name; JSON lines if the name has no suffix.

    Raises:
        ValueError: The suffix is not known, and no format is given; or it is one of `COMPRESSED`.
    """
    if path.suffix.lower() in COMPRESSED:
        raise ValueError(
            f"{path} is not compressed, because a job continues its output: give {path.stem} as "
            "the output, and compress it when the job is complete"
        )
    if given is not None:
        return given
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(
            f"{path} does not say its format: give the output format {BY_OUTPUT_FORMAT}, jsonl, "
            "csv or parquet, or a name that ends in one of these words"
        )
    return SUFFIXES[path.suffix.lower()]


class Ledger:
    """The results of a job's rows so far.

    If the journal is lost, it is made again from the results in the output.

    Args:
        path: The output. The journal beside the output has the same name with `.journal` appended.
        output_format: The format of the output.
        settings: The `settings` of `JobState`, which error messages show.

    Raises:
        ValueError: The path cannot be used, or its file is not of this job; the message says what
            to do. In this case nothing was written.
        JobError: Another job holds the output, the journal is damaged, or the output cannot be
            written.
        ImportError: The format needs an extra.
    """

    def __init__(self, path: Path, output_format: OutputFormat, settings: str) -> None:
        self.path = path
        self._broken = False
        self._lock = threading.Lock()
        self._written: list[tuple[Result, int]] = []
        self._charged = 0  # by results that are not in the journal yet
        place = journal_of(path)
        has_lost_journal(path, place, output_format)
        with self.writing(), ExitStack() as parts:
            try:
                lock = Lock(place)
            except LockedError:
                raise JobError(
                    f"another job is writing {path}; wait for that job, or give another output"
                ) from None
            parts.callback(lock.release)
            self.journal = _opened(path, JobState(settings, output_format), lock)
            parts.callback(self.journal.close)
            try:
                self._store = _stored(path, output_format, self.journal)
            except BaseException as error:
                if self.journal.is_new:
                    self.journal.close()
                    place.unlink()
                    if isinstance(error, ValueError):
                        raise ValueError(in_the_way(path)) from None
                raise
            parts.callback(self._store.close)
            self.sent = self._opened_mark(SentMark(place))
            parts.callback(self._close_mark)
            self._rows = self.journal.done()
            self._parts = parts.pop_all()

    def _opened_mark(self, mark: SentMark) -> SentMark:
        """Give back the charges of images that a run took and had not sent when it was killed.

        Earlier versions neither write nor remove a mark, so beside their journals one proves
        nothing.
        """
        journal = self.journal
        if journal.version is NEWEST:
            sent = None if journal.is_new else mark.read()
            if sent is not None:
                with journal.change(charged_at_most=max(sent, journal.state.charged)):
                    pass
            mark.open(journal.state.charged_at_most)
        return mark

    def _close_mark(self) -> None:
        self.sent.close()
        if not self._broken and self.sent.number == self.journal.state.charged_at_most:
            self.sent.remove()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Turn errors of disk and database within this block into a `JobError` with a remedy."""
        try:
            yield
        except sqlite3.Error as error:
            raise JobError(_said(self.path, error)) from error
        except OSError as error:
            why = [error.strerror or str(error), *filter(None, [REMEDIES.get(error.errno or 0)])]
            name = error.filename or self.path
            raise JobError(f"cannot write {name}: {': '.join(why)}; {REMEDY}") from error

    def write(self, results: Sequence[Result], *, copies: bool = False) -> None:
        """Write results of rows that have no result yet. May be called in any thread.

        Args:
            results: The results.
            copies: True if other rows have paid for them.

        Raises:
            JobError: The results could not be written; earlier results are kept.
        """
        if not results:
            return
        with self.writing(), self._lock:
            self._written += zip(results, self._store.append(results), strict=True)
            self._charged += 0 if copies else sum(map(images_charged, results))

    def count_found(self, result: Result) -> None:
        """Count what a result was charged that an earlier run wrote and did not count."""
        with self._lock:
            self._charged += images_charged(result)

    @property
    def charged(self) -> int:
        """Number of images that were charged, in all runs."""
        return self.journal.state.charged + self._charged

    def commit(self, charged_at_most: int, *, duplicates: int) -> None:
        """Make written results safe on the disk, and then add them to the journal.

        Raises:
            JobError: The results could not be made safe.
        """
        if self._broken:
            return  # the next run adds the results that the journal lacks
        with self._lock:
            written, self._written = self._written, []
            charged, self._charged = self._charged, 0
            length = self._store.length
        results = [result for result, _ in written]
        self._broken = True
        with self.writing():
            if results:
                self._store.sync(results)
            charged += self.journal.state.charged
            self._rows.update(result.row for result in results)
            with self.journal.change(
                length=length,
                through=self._rows.advance(),
                duplicates=duplicates,
                charged=charged,
                charged_at_most=max(charged, charged_at_most),
            ) as state:
                self.journal.add(written)
                if length != self.journal.state.length:
                    state["ending"] = ending_of(self.path, length)
                state["published"] = self.journal.state.published and not results
        self._broken = False

    def has(self, row: int) -> bool:
        """Return True if the journal has a result of a row."""
        return row in self._rows

    def result(self, row: int) -> Result | None:
        """Return the result of a row; None if the row has no result yet."""
        with self.writing():
            place = self.journal.place(row)
        if place is None:
            return None
        try:
            with self.writing():
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
        with self.writing(), self._parts:
            self._store.publish()


def _stored(
    path: Path, output_format: OutputFormat, journal: Journal
) -> ResultFile | StagedResults:
    version = written_in(path) or journal.version
    if output_format == "parquet":
        return StagedResults(path, journal, journal.staged_version() or version)
    return ResultFile(path, codec_of(output_format, version), journal)


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
        with closing(_opened(path, state)) as journal:
            yield journal
    except sqlite3.Error as error:
        raise JobError(_said(path, error, "read")) from error


def _opened(path: Path, first: JobState, lock: Lock | None = None) -> Journal:
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
    elif state.settings != first.settings:
        problem = (
            f"{path} was begun with {state.settings or 'no options'}, and now has "
            f"{first.settings or 'no options'}: give the same options, or another output"
        )
    elif state.output_format != "parquet" and state.length and not state.replacing:
        problem = "" if has_bytes(path) else gone(path)
    if problem:
        journal.close()
        raise ValueError(problem)
    return journal


def _rebuilds(path: Path) -> str:
    return f"move it away, and the same command makes it again from the results in {path}"


def _said(path: Path, error: sqlite3.Error, action: str = "write") -> str:
    """Return the message for an error of SQLite."""
    code = database.code_of(error)
    if isinstance(error, DamagedError) or code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return f"{path}.journal is damaged: {error}; {_rebuilds(path)}"
    why = ": ".join([str(error), *filter(None, [database.REMEDIES.get(code)])])
    return f"cannot {action} {path}.journal: {why}; {REMEDY}"
