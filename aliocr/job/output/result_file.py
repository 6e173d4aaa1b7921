"""Result file: append results to a file, and keep the same results in file and journal.

The file is written first and the journal second. If the process is killed or the power fails
between the two writes, file and journal differ. Therefore, when the file is opened, results that
the journal lacks are added to the journal. Results that the disk lost are deleted from the journal,
and their rows are read again.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from aliocr.atomic_file import sync_folder
from aliocr.job.output.codecs import Codec
from aliocr.job.output.journal import Journal
from aliocr.job.output.result import Result

CHUNK = 1 << 20
"""Size of the pieces in which a file is copied, in bytes."""

MOST_AHEAD = 1_000_000
"""Maximum difference between the row of a result and the highest row before it in the output. A job
reads far fewer rows at the same time, so a result with a larger difference is not of this job."""


class ResultFile:
    """A file of records, one record per result; the place of a record is an offset in bytes.

    A missing file is made, with its header. Only one thread at a time may call `append`. The
    thread that uses the journal calls the other methods.

    Raises:
        OSError: The file cannot be opened or written.
        ValueError: The file is not of this job; the message says what to do.
    """

    def __init__(self, path: Path, codec: Codec, journal: Journal) -> None:
        self._path = path
        self._codec = codec
        self._journal = journal
        self._draft = path.with_name(f".{path.name}.draft")
        if journal.state.replacing:
            self._replace()
        self._draft.unlink(missing_ok=True)
        self._open()
        try:
            if self.length < journal.state.length:
                self._forget_lost()
            else:
                self._take_up_missed(journal.state.length)
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        new = not self._path.exists()
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        self._file = os.open(self._path, flags, 0o666)
        self.length = os.lseek(self._file, 0, os.SEEK_END)
        if new:
            self._cut(0)
            sync_folder(self._path)

    def append(self, results: Sequence[Result]) -> list[int]:
        """Write all results or none of them; return the place of each result.

        Written results are not lost if this process is killed.

        Raises:
            OSError: The disk is full, or has an error. Earlier results are kept.
        """
        records = [self._codec.encode(result) for result in results]
        places = [self.length]
        for record in records:
            places.append(places[-1] + len(record))
        self._write(b"".join(records))
        self.length = places.pop()
        return places

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._file, view) :]
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._file, self.length)
                os.lseek(self._file, self.length, os.SEEK_SET)
            raise

    def sync(self, results: Sequence[Result]) -> None:
        """Make appended results safe on the disk, so that they may be added to the journal.

        Args:
            results: The results that are added to the journal next.
        """
        del results  # `fsync` makes the whole file safe
        os.fsync(self._file)

    def read(self, place: int) -> Result:
        """Return the result at a place."""
        with self._path.open("rb") as file:
            file.seek(place)
            return self._codec.decode(next(self._codec.records(file)))

    def publish(self) -> None:
        """Do nothing, because the file has all results already."""

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def retry(self, kinds: frozenset[str], through: int) -> None:
        """Remove failures of these kinds from file and journal: either all these failures or none.

        The file is copied without the failures. The journal notes that the copy will replace the
        file, so that the next run can do this if the process is killed. Then the copy replaces the
        file. After this, all rows up to `through` are in the output.
        """
        try:
            with self._journal.change(through=through, replacing=True) as state:
                places = self._journal.retry(kinds)
                self._journal.close_up(self._copied_without(places))
                state["length"] = self._draft.stat().st_size
                shutil.copymode(self._path, self._draft)
                # Make the name of the copy safe on the disk before the journal refers to the copy.
                sync_folder(self._draft)
        except BaseException:
            self._draft.unlink(missing_ok=True)
            raise
        self.close()
        self._replace()
        self._open()

    def _copied_without(self, places: Iterable[int]) -> Iterator[tuple[int, int]]:
        """Write a copy without the results at these places, and make the copy safe on the disk.

        Yield each place, in rising order, with the number of all bytes left out up to the end of
        its result.
        """
        gone = 0
        with self._path.open("rb") as file, self._draft.open("wb") as copy:
            for place in places:
                _copy(file, copy, place - file.tell())
                record = next(self._codec.records(file))
                gone += len(record)
                file.seek(place + len(record))
                yield place, gone
            _copy(file, copy, self.length - file.tell())
            copy.flush()
            os.fsync(copy.fileno())

    def _replace(self) -> None:
        if self._draft.exists():
            os.replace(self._draft, self._path)  # noqa: PTH105 - clearer than `Path.replace`
            sync_folder(self._path)
        with self._journal.change(replacing=False):
            pass

    def _forget_lost(self) -> None:
        """Cut the file after its last whole result, and delete lost results from the journal."""
        journal = self._journal
        end = 0
        if (last := journal.last_before(self.length)) is not None:
            end = self._end_of(*last) or 0
        if last is not None and not end and (last := journal.last_before(last[0])) is not None:
            # The last result is cut off. If the result before it is not whole either, this job has
            # not written the file.
            end = self._end_of(*last) or 0
            if not end:
                raise ValueError(strange(self._path))
        if not end:
            # A file without a whole result must begin like an output of this format.
            start = self._codec.header or b'{"row":'
            with self._path.open("rb") as file:
                if not start.startswith(file.read(len(start))):
                    raise ValueError(strange(self._path))
        self._cut(end)
        with journal.change(length=self.length, through=0):
            journal.cut(self.length)

    def _take_up_missed(self, known: int) -> None:
        """Add the results after an offset to the journal; cut off a broken or known result."""
        journal = self._journal
        last = journal.last_before(known)
        if last is not None and self._end_of(*last) != known:
            raise ValueError(strange(self._path))
        end = known
        found: list[tuple[Result, int]] = []
        rows: set[int] = set()
        most = journal.last_row
        for place, behind, result in self._results(end):
            if result.row in rows or not 1 <= result.row <= most + MOST_AHEAD:
                raise ValueError(strange(self._path))
            if journal.place(result.row) is not None:
                break
            rows.add(result.row)
            most = max(most, result.row)
            found.append((result, place))
            end = behind
        self._cut(end)
        try:
            with journal.change(length=self.length):
                journal.add(found)
        except OverflowError:  # a code is too large for SQLite; the service never sends it
            raise ValueError(strange(self._path)) from None

    def _results(self, place: int) -> Iterator[tuple[int, int, Result]]:
        """Yield place, end and result of each record after a place, until a record is broken."""
        with self._path.open("rb") as file:
            place = max(place, len(self._codec.header))
            file.seek(place)
            for record in self._codec.records(file):
                try:
                    result = self._codec.decode(record)
                except ValueError:
                    return
                end = place + len(record)
                yield place, end, result
                place = end

    def _end_of(self, place: int, row: int) -> int | None:
        """Return the end of the record at a place; None if it is broken, or of another row."""
        for _, end, result in self._results(place):
            return end if result.row == row else None
        return None

    def _cut(self, length: int) -> None:
        """Cut the file at an offset, but keep the header, or write it if it is missing."""
        os.ftruncate(self._file, length)
        self.length = os.lseek(self._file, length, os.SEEK_SET)
        if length < len(self._codec.header):
            rest = self._codec.header[length:]
            self._write(rest)
            self.length += len(rest)
        os.fsync(self._file)


def strange(path: Path) -> str:
    """Return the message for a file whose results are not at the places in the journal."""
    return (
        f"{path} is not what this job has written: restore the file, or remove the file and its "
        "journal to begin again"
    )


def _copy(file: BinaryIO, copy: BinaryIO, size: int) -> None:
    while size > 0 and (piece := file.read(min(CHUNK, size))):
        copy.write(piece)
        size -= len(piece)
