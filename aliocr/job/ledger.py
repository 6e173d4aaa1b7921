"""The ledger of a job: its output and its journal, kept in step whatever happens in between."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal, TypeAlias

from aliocr.job.columnar import StagedOutput
from aliocr.job.formats import CSV, Codec, JSONLines
from aliocr.job.journal import Facts, Journal, JournalError
from aliocr.job.lock import Lock, LockedError
from aliocr.job.outputs import AppendedOutput, Output, synced_folder
from aliocr.job.record import Result
from aliocr.job.summary import JobError

__all__ = ["Ledger", "OutputFormat", "output_format_of", "past"]

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
            f"{path} does not say its format: give the output format, jsonl, csv or parquet, or a "
            "name that ends in one of these"
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
        self._format = output_format
        self._draft = path.with_name(f".{path.name}.draft")
        self._broken = False
        self._lock = threading.Lock()
        self._written: list[tuple[Result, int]] = []
        journal = _journal_of(path)
        with ExitStack() as parts, self.writing():
            try:
                lock = Lock(journal)
            except LockedError:
                raise JobError(
                    f"another job is writing {path}; wait for it, or give another -o"
                ) from None
            parts.callback(lock.release)
            self.journal = _journal(path, settings)
            parts.callback(self.journal.close)
            self.output = self._opened()
            parts.callback(self._close_output)
            if isinstance(self.output, AppendedOutput):
                self._recover(self.output)
            self._parts = parts.pop_all()
        self._rows = self.journal.done()

    def _opened(self) -> Output:
        if self._format == "parquet":
            return StagedOutput(self.path, self.journal)
        if self.journal.facts.replacing:
            self._replace()
        self._draft.unlink(missing_ok=True)
        return AppendedOutput(self.path, CODECS[self._format]())

    def _recover(self, output: AppendedOutput) -> None:
        """Bring both in step again: results that the journal missed, or that the disk lost."""
        known = self.journal.facts.length
        if output.length < known:
            self._recover_part(output)
            return
        last = self.journal.last_before(known)
        if last is not None and output.end_of(*last) != known:
            raise ValueError(self._strange)
        end = known
        places: list[int] = []
        found: list[Result] = []
        for place, behind, result in output.results(end):
            if self.journal.place(result.row) is not None:
                break
            places.append(place)
            found.append(result)
            end = behind
        output.cut(end)
        with self.journal.change(length=output.length):
            self.journal.add(found, places)

    def _recover_part(self, output: AppendedOutput) -> None:
        """Keep the results that are whole, of a file that lost its end."""
        end = 0
        if (last := self.journal.last_before(output.length)) is not None:
            end = output.end_of(*last) or 0
        if last is not None and not end and (last := self.journal.last_before(last[0])) is not None:
            # The last one was cut. Before it there is a whole one, or this is another's file.
            end = output.end_of(*last) or 0
            if not end:
                raise ValueError(self._strange)
        if not end and not output.is_begun_alike():
            raise ValueError(self._strange)
        output.cut(end)
        with self.journal.change(length=output.length, through=0):
            self.journal.cut(output.length)

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
            # One that is in the journal must wait for its thread.
            staged = isinstance(self.output, StagedOutput)
            places = [0] * len(results) if staged else self.output.append(results)
            self._written += zip(results, places, strict=True)

    def settle(self, *, spent: int, duplicates: int) -> None:
        """Have the journal say what was written, once that is lasting.

        Args:
            spent: Images that were, or may have been, charged so far.
            duplicates: Rows that got the result of an equal one so far.

        Raises:
            JobError: It found no room.
        """
        if self._broken:
            return  # what was not settled is taken up when the job is opened again
        with self._lock:
            written, self._written = self._written, []
            length = self.output.length
        results = [result for result, _ in written]
        places = [place for _, place in written]
        self._broken = True
        with self.writing():
            if results and isinstance(self.output, StagedOutput):
                places = self.output.append(results)
            elif results:
                self.output.sync()
            self._rows.update(result.row for result in results)
            with self.journal.change(
                length=length, through=self._rows.advance(), spent=spent, duplicates=duplicates
            ) as facts:
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
            found = self.output.read(place)
        except (ValueError, StopIteration):
            found = None
        if found is None or found.row != row:
            raise JobError(self._strange)
        return found

    @property
    def _strange(self) -> str:
        return (
            f"{self.path} is not what this job has written: put it back, or remove it and its "
            "journal to begin anew"
        )

    def retry(self, kinds: frozenset[str]) -> None:
        """Take failures out of the output, to be read once more.

        Either all of it is done or nothing: the output is copied without them, the journal says
        that the copy takes its place, and then it does.

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
            through = min(self.journal.facts.through, first - 1)
            if isinstance(self.output, AppendedOutput):
                self._retry_in_copy(self.output, kinds, through)
            else:
                with self.journal.change(through=through, published=False):
                    self.journal.retry(kinds)
            self._rows = self.journal.done()

    def _retry_in_copy(self, output: AppendedOutput, kinds: frozenset[str], through: int) -> None:
        try:
            with self.journal.change(through=through, replacing=True) as facts:
                places = self.journal.retry(kinds)
                self.journal.close_up(output.copied_without(self._draft, places))
                facts["length"] = self._draft.stat().st_size
                shutil.copymode(self.path, self._draft)
                # Once the journal says that the copy takes its place, it must be there.
                synced_folder(self._draft)
        except BaseException:
            self._draft.unlink(missing_ok=True)
            raise
        output.close()
        self._replace()
        self.output = AppendedOutput(self.path, CODECS[self._format]())

    def _refuse(self, kinds: frozenset[str]) -> None:
        """A slip of the pen, unless these failures are being tried again already."""
        there = [str(code or kind) for kind, code, _ in self.journal.counts() if kind]
        if kinds and there and next(self.journal.retries(), None) is None:
            raise ValueError(
                f"no row of {self.path} failed as {' or '.join(sorted(kinds))}; there are "
                f"{', '.join(there)}"
            )

    def _replace(self) -> None:
        if self._draft.exists():
            os.replace(self._draft, self.path)  # noqa: PTH105 - says what it is
            synced_folder(self.path)
        with self.journal.change(replacing=False):
            pass

    def _close_output(self) -> None:
        self.output.close()

    def close(self) -> None:
        """Write what is written last, and let go of the files.

        Raises:
            JobError: A Parquet file could not be written; its results are in the journal.
        """
        with self._parts, self.writing():
            published = self.journal.facts.published and self.path.exists()
            if isinstance(self.output, StagedOutput) and not published:
                self.output.publish()
                with self.journal.change(published=True):
                    pass


@contextmanager
def past(path: Path, settings: str) -> Iterator[Journal | None]:
    """The journal of a job for reading, whether or not that runs; None if it was never begun.

    Args:
        path: The output.
        settings: As of `Ledger`.

    Raises:
        ValueError: As of `Ledger`.
    """
    if not _is_begun(_journal_of(path)):
        yield None
        return
    journal = _journal(path, settings, writes=False)
    try:
        yield journal
    finally:
        journal.close()


def _journal_of(path: Path) -> Path:
    """Where the journal is, if nothing else is in the way of it or of the output."""
    if path.is_dir():
        raise ValueError(f"{path} is a folder: give the name of a file to -o")
    if not path.parent.is_dir():
        raise ValueError(f"there is no folder {path.parent} for the output: make it first")
    if path.exists() and not path.is_file():
        raise ValueError(f"{path} is no file that a job could go on with: give another output")
    journal = path.with_name(f"{path.name}.journal")
    if path.exists() and path.stat().st_size and not _is_begun(journal):
        raise ValueError(
            f"{path} is there already, and no journal of a job beside it: give another -o, or "
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
            f"{settings or 'none'}: give the same, or another -o"
        )
    if facts.length and not path.exists() and not facts.replacing:
        return (
            f"{path} is gone, though the journal beside it says that it holds results: put it "
            "back, or remove the journal to begin anew"
        )
    return ""


REMEDY = "what was written before is kept. Mend that and start the job again"
