"""The ledger of a job: its output and its journal, kept in step whatever happens in between."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Literal, TypeAlias

from aliocr.job.budget import Bill
from aliocr.job.errors import BY_OUTPUT_FORMAT, JobError
from aliocr.job.output.appended import AppendedOutput, Output, strange
from aliocr.job.output.codecs import CSV, Codec, JSONLines
from aliocr.job.output.facts import Facts
from aliocr.job.output.journal import Journal, JournalError
from aliocr.job.output.lock import Lock, LockedError
from aliocr.job.output.parquet import StagedOutput
from aliocr.job.output.result import Result

OutputFormat: TypeAlias = Literal["jsonl", "csv", "parquet"]

CODECS: dict[str, type[Codec]] = {"jsonl": JSONLines, "csv": CSV}

SUFFIXES: dict[str, OutputFormat] = {
    "": "jsonl",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
}


def output_format_of(path: Path) -> OutputFormat:
    """The format that a file's name asks for; JSON lines if it has no suffix.

    Raises:
        ValueError: It has another.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(
            f"{path} does not say its format: give the output format {BY_OUTPUT_FORMAT}, jsonl, "
            "csv or parquet, or a name that ends in one of these"
        )
    return SUFFIXES[path.suffix.lower()]


class Ledger:
    """What has become of each row so far.

    Args:
        path: The output. Its journal is beside it, `.journal` appended to the name.
        output_format: Its format.
        settings: What makes the rows of this job mean what they mean, in words that a person can
            compare; a job is only gone on with under the same.

    Raises:
        ValueError: Something else is in the way; the message says what to do. Nothing was written.
        JobError: Another job holds it, or it cannot be written.
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
                    f"another job is writing {path}; wait for it, or give another output"
                ) from None
            parts.callback(lock.release)
            self.journal = _journal(path, settings)
            parts.callback(self.journal.close)
            self._output = self._opened(output_format)
            parts.callback(self._output.close)
            self._parts = parts.pop_all()
        self._rows = self.journal.done()

    def _opened(self, output_format: OutputFormat) -> Output:
        if output_format == "parquet":
            return StagedOutput(self.path, self.journal)
        return AppendedOutput(self.path, CODECS[output_format](), self.journal)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """What is written in this block may find no room.

        Raises:
            JobError: It did not.
        """
        try:
            yield
        except sqlite3.Error as error:
            raise JobError(f"cannot write {self.path}.journal: {error}; {REMEDY}") from error
        except OSError as error:
            name = error.filename or self.path
            raise JobError(f"cannot write {name}: {error.strerror}; {REMEDY}") from error

    def write(self, results: Sequence[Result]) -> None:
        """Results, into the output. May be called in any thread.

        Args:
            results: Of rows that have none yet.

        Raises:
            JobError: They found no room; those before them are kept.
        """
        if not results:
            return
        with self.writing(), self._lock:
            self._written += zip(results, self._output.append(results), strict=True)

    def settle(self, bill: Bill, *, duplicates: int) -> None:
        """Have the journal say what was written, once that is lasting.

        Args:
            bill: What was spent so far.
            duplicates: Rows that got the result of an equal one so far.

        Raises:
            JobError: It found no room.
        """
        if self._broken:
            return  # what was not settled is taken up when the job is opened again
        with self._lock:
            written, self._written = self._written, []
            length = self._output.length
        results = [result for result, _ in written]
        places = [place for _, place in written]
        self._broken = True
        with self.writing():
            if results:
                self._output.sync(results)
            self._rows.update(result.row for result in results)
            with self.journal.change(
                length=length, through=self._rows.advance(), duplicates=duplicates
            ) as facts:
                facts |= {"charged": bill.charged, "spent": bill.spent}
                self.journal.add(results, places)
                facts["published"] = self.journal.facts.published and not results
        self._broken = False

    def has(self, row: int) -> bool:
        """Whether a row is in the output, and the journal says so."""
        return row in self._rows

    def result(self, row: int) -> Result | None:
        """What has become of a row; None if nothing yet."""
        place = self.journal.place(row)
        if place is None:
            return None
        try:
            found = self._output.read(place)
        except (ValueError, StopIteration):
            found = None
        if found is None or found.row != row:
            raise JobError(strange(self.path))
        return found

    def retry(self, kinds: frozenset[str]) -> None:
        """Take failures out of the output, to be read once more.

        Either all of it is done or nothing.

        Args:
            kinds: Names of errors or codes; all if empty.

        Raises:
            ValueError: No row failed in these ways, though others did.
        """
        with self.writing():
            first = next(self.journal.failed(kinds), None)
            if first is None:
                self._refuse(kinds)
                return
            self._output.retry(kinds, min(self.journal.facts.through, first - 1))
            self._rows = self.journal.done()

    def _refuse(self, kinds: frozenset[str]) -> None:
        """A slip of the pen, unless these failures are being tried again already."""
        there = [str(code or kind) for kind, code, _ in self.journal.counts() if kind]
        if kinds and there and next(self.journal.retries(), None) is None:
            raise ValueError(
                f"no row of {self.path} failed as {' or '.join(sorted(kinds))}; there are "
                f"{', '.join(there)}"
            )

    def close(self) -> None:
        """Write what is written last, and let go of the files.

        Raises:
            JobError: A Parquet file could not be written; its results are in the journal.
        """
        with self._parts, self.writing():
            self._output.publish()


@contextmanager
def past(path: Path, settings: str) -> Iterator[Journal | None]:
    """The journal of a job for reading, whether or not that runs; None if it was never begun.

    Args:
        path: The output.
        settings: As of `Ledger`.

    Raises:
        ValueError: As of `Ledger`.
        JobError: It cannot be read, or not without writing where nobody can.
    """
    if not _is_begun(_journal_of(path)):
        yield None
        return
    try:
        with closing(_journal(path, settings, writes=False)) as journal:
            yield journal
    except sqlite3.Error as error:
        raise JobError(f"cannot read {path}.journal: {error}") from error


def _journal_of(path: Path) -> Path:
    """Where the journal is, if nothing else is in the way of it or of the output."""
    if path.is_dir():
        raise ValueError(f"{path} is a folder: give the name of a file")
    if not path.parent.is_dir():
        raise ValueError(f"there is no folder {path.parent} for the output: make it first")
    if path.exists() and not path.is_file():
        raise ValueError(f"{path} is no file that a job could go on with: give another output")
    journal = path.with_name(f"{path.name}.journal")
    if path.exists() and path.stat().st_size and not _is_begun(journal):
        raise ValueError(
            f"{path} is there already, and no journal of a job beside it: give another output, or "
            "move it away"
        )
    return journal


def _is_begun(journal: Path) -> bool:
    return journal.exists() and journal.stat().st_size > 0


def _journal(path: Path, settings: str, *, writes: bool = True) -> Journal:
    place = _journal_of(path)
    try:
        journal = Journal(place, settings, writes=writes)
    except JournalError as error:
        raise ValueError(f"{place} is not the journal of a job: {error}; move it away") from None
    if problem := _problem_of(journal.facts, path, settings):
        journal.close()
        raise ValueError(problem)
    return journal


def _problem_of(facts: Facts, path: Path, settings: str) -> str:
    if facts.settings != settings:
        return (
            f"{path} was begun with {facts.settings or 'no options'}, and now it is "
            f"{settings or 'none'}: give the same, or another output"
        )
    if facts.length and not path.exists() and not facts.replacing:
        return (
            f"{path} is gone, though the journal beside it says that it holds results: put it "
            "back, or remove the journal to begin anew"
        )
    return ""


REMEDY = "what was written before is kept. Mend that and start the job again"
