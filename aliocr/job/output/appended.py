"""An output and the journal beside it, brought in step and kept so."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from aliocr.job.output.codecs import Codec
from aliocr.job.output.journal import Journal
from aliocr.job.output.result import Result
from aliocr.job.output.result_file import RecordFile, synced_folder

MOST_AHEAD = 1_000_000
"""Rows by which one may be ahead of all others in an output. Far fewer are read at once; what is
further ahead another has put there."""


def strange(path: Path) -> str:
    """What to say of a file in which results are not where the journal says."""
    return (
        f"{path} is not what this job has written: put it back, or remove it and its journal to "
        "begin anew"
    )


class Output(Protocol):
    """Where results go. A place in it is a number that its journal keeps.

    `append` is called by one thread at a time; all else by that of the journal.
    """

    @property
    def length(self) -> int:
        """Bytes in it; 0 for one that has no places in bytes."""
        ...

    def append(self, results: Sequence[Result]) -> list[int]:
        """Take results, and write them if that can be done without the journal.

        Returns:
            The place of each.

        Raises:
            OSError: There is no room, or worse. What was there before is there still.
        """
        ...

    def sync(self, results: Sequence[Result]) -> None:
        """Have no power failure take back what was appended, once the journal is changed next.

        Args:
            results: All that was appended and that the journal does not know yet, but for what came
                in this moment.
        """
        ...

    def read(self, place: int) -> Result:
        """The result at a place."""
        ...

    def retry(self, kinds: frozenset[str], through: int) -> None:
        """Take failures out of it and out of the journal, to be read once more; all or nothing.

        Args:
            kinds: Names of errors or codes; all if empty.
            through: All rows up to this one are in it then.
        """
        ...

    def publish(self) -> None:
        """Have the file hold all that was taken.

        Raises:
            OSError: It cannot be written; the one that was there before is there still.
        """
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


class AppendedOutput:
    """An output whose file is appended to as results come.

    Args:
        path: The file; made if it is not there.
        codec: Its format.
        journal: Says where each result is. What a kill left the two to differ in is mended.

    Raises:
        OSError: It cannot be opened or written.
        ValueError: It is another's; the message says what to do.
    """

    def __init__(self, path: Path, codec: Codec, journal: Journal) -> None:
        self._path = path
        self._codec = codec
        self._journal = journal
        self._draft = path.with_name(f".{path.name}.draft")
        if journal.facts.replacing:
            self._replace()
        self._draft.unlink(missing_ok=True)
        self._file = RecordFile(path, codec)
        try:
            self._recover()
        except BaseException:
            self._file.close()
            raise

    @property
    def length(self) -> int:
        """Bytes in the file."""
        return self._file.length

    def _recover(self) -> None:
        """Bring both in step again: results that the journal missed, or that the disk lost."""
        known = self._journal.facts.length
        if self._file.length < known:
            self._keep_what_is_whole()
        else:
            self._take_up_missed(known)

    def _keep_what_is_whole(self) -> None:
        file, journal = self._file, self._journal
        end = 0
        if (last := journal.last_before(file.length)) is not None:
            end = file.end_of(*last) or 0
        if last is not None and not end and (last := journal.last_before(last[0])) is not None:
            # The last one was cut. Before it there is a whole one, or this is another's file.
            end = file.end_of(*last) or 0
            if not end:
                raise ValueError(strange(self._path))
        if not end and not file.is_begun_alike():
            raise ValueError(strange(self._path))
        file.cut(end)
        with journal.change(length=file.length, through=0):
            journal.cut(file.length)

    def _take_up_missed(self, known: int) -> None:
        file, journal = self._file, self._journal
        last = journal.last_before(known)
        if last is not None and file.end_of(*last) != known:
            raise ValueError(strange(self._path))
        end = known
        places: list[int] = []
        found: list[Result] = []
        rows: set[int] = set()
        most = journal.last_row
        for place, behind, result in file.results(end):
            if result.row in rows or not 1 <= result.row <= most + MOST_AHEAD:
                raise ValueError(strange(self._path))
            if journal.place(result.row) is not None:
                break
            rows.add(result.row)
            most = max(most, result.row)
            places.append(place)
            found.append(result)
            end = behind
        file.cut(end)
        try:
            with journal.change(length=file.length):
                journal.add(found, places)
        except OverflowError:  # a code that no journal holds, and no service has given
            raise ValueError(strange(self._path)) from None

    def append(self, results: Sequence[Result]) -> list[int]:
        """Write results, so that not even the end of this process takes them back."""
        return self._file.append(results)

    def sync(self, results: Sequence[Result]) -> None:  # noqa: ARG002 - all there are
        """Wait for the disk."""
        self._file.sync()

    def read(self, place: int) -> Result:
        """The result whose record begins at an offset."""
        return self._file.read(place)

    def retry(self, kinds: frozenset[str], through: int) -> None:
        """Copy the file without them, have the journal say that the copy takes its place, do so."""
        try:
            with self._journal.change(through=through, replacing=True) as facts:
                places = self._journal.retry(kinds)
                self._journal.close_up(self._file.copied_without(self._draft, places))
                facts["length"] = self._draft.stat().st_size
                shutil.copymode(self._path, self._draft)
                # Once the journal says that the copy takes its place, it must be there.
                synced_folder(self._draft)
        except BaseException:
            self._draft.unlink(missing_ok=True)
            raise
        self._file.close()
        self._replace()
        self._file = RecordFile(self._path, self._codec)

    def _replace(self) -> None:
        if self._draft.exists():
            os.replace(self._draft, self._path)  # noqa: PTH105 - says what it is
            synced_folder(self._path)
        with self._journal.change(replacing=False):
            pass

    def publish(self) -> None:
        """Nothing: it holds them."""

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
