"""Result file: append results to a file, and keep the same results in file and journal.

The file is written first and the journal second. If the process is killed or the power fails
between the two writes, file and journal differ. Therefore, when the file is opened, results that
the journal lacks are added to the journal. Results that the disk lost are deleted from the journal,
and their rows are read again. Nothing is cut off the file but one partial record at its end.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from aliocr.atomic_file import sync_folder
from aliocr.job.output.codecs import Codec
from aliocr.job.output.journal import Journal
from aliocr.job.output.recovery import (
    ending_of,
    gone,
    is_known,
    is_partial,
    rebuilt,
    strange,
    take_up,
)
from aliocr.job.output.replacement import Replacement
from aliocr.job.output.result import Result

CHUNK = 1 << 20
"""Size of the pieces in which a file is copied, in bytes."""


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
        self._replacement = Replacement(path, journal)
        if journal.state.length and not (path.exists() and path.stat().st_size):
            raise ValueError(gone(path))
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
        """Close the file, if it is open."""
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)

    def retry(self, kinds: frozenset[str], through: int) -> None:
        """Remove failures of these kinds from file and journal: either all these failures or none.

        The file is copied without the failures. The journal notes that the copy will replace the
        file, so that the next run can do this if the process is killed. Then the copy replaces the
        file. After this, all rows up to `through` are in the output.
        """
        try:
            with self._journal.change(through=through) as state:
                places = self._journal.retry(kinds)
                self._journal.close_up(self._copied_without(places))
                state.update(self._replacement.facts())
        except BaseException:
            self._replacement.drop()
            raise
        self.close()
        self._replacement.place()
        self._open()

    def _copied_without(self, places: Iterable[int]) -> Iterator[tuple[int, int]]:
        """Write a copy without the results at these places, and make the copy safe on the disk.

        Yield each place, in rising order, with the number of all bytes left out up to the end of
        its result.
        """
        gone = 0
        with self._path.open("rb") as file, self._replacement.open() as copy:
            for place in places:
                _copy(file, copy, place - file.tell())
                record = next(self._codec.records(file))
                gone += len(record)
                file.seek(place + len(record))
                yield place, gone
            _copy(file, copy, self.length - file.tell())
            copy.flush()
            os.fsync(copy.fileno())

    def _forget_lost(self) -> None:
        """Cut off a partial record, and delete lost results from the journal."""
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
        self._cut(end)
        ending = ending_of(self._path, self.length)
        with journal.change(length=self.length, ending=ending, through=0) as state:
            journal.cut(self.length)
            state["unproved"] = journal.last_row

    def _take_up_missed(self, known: int) -> None:
        """Add the results after an offset to the journal; cut off a partial record."""
        journal, end = self._journal, known
        last = journal.last_before(known)
        ends = last is None or self._end_of(*last) == known
        if not ends or not is_known(self._path, journal.state):
            raise ValueError(strange(self._path))

        def found() -> Iterator[tuple[Result, int]]:
            nonlocal end
            for place, behind, result in self._results(known):
                yield result, place
                end = behind

        with journal.change() as state:
            charged_at_most = take_up(journal, found(), self._path)
            self._cut(end)
            state.update(length=self.length, ending=ending_of(self._path, self.length))
            if journal.is_new:
                state.update(rebuilt(journal, charged_at_most))
            elif end > known:
                state["unproved"] = journal.last_row

    def _results(self, place: int) -> Iterator[tuple[int, int, Result]]:
        return results_from(self._path, self._codec, place)

    def _end_of(self, place: int, row: int) -> int | None:
        """Return the end of the record at a place; None if it is broken, or of another row."""
        for _, end, result in self._results(place):
            return end if result.row == row else None
        return None

    def _cut(self, length: int) -> None:
        """Cut off a partial record after an offset; keep the header, or write it if it is missing.

        Raises:
            ValueError: There is more than a partial record after the offset.
        """
        header = self._codec.header
        with self._path.open("rb") as file:
            start = file.read(len(header))
            file.seek(max(length, len(header)))
            rest = next(self._codec.records(file), b"")
            if not header.startswith(start) or not is_partial(rest, self._codec) or file.read(1):
                raise ValueError(strange(self._path))
        os.ftruncate(self._file, length)
        self.length = os.lseek(self._file, length, os.SEEK_SET)
        if length < len(header):
            rest = header[length:]
            self._write(rest)
            self.length += len(rest)
        os.fsync(self._file)


def results_from(path: Path, codec: Codec, place: int = 0) -> Iterator[tuple[int, int, Result]]:
    """Yield place, end and result of each record after a place, until a record is broken."""
    with path.open("rb") as file:
        place = max(place, len(codec.header))
        file.seek(place)
        for record in codec.records(file):
            try:
                result = codec.decode(record)
            except ValueError:
                return
            end = place + len(record)
            yield place, end, result
            place = end


def _copy(file: BinaryIO, copy: BinaryIO, size: int) -> None:
    while size > 0 and (piece := file.read(min(CHUNK, size))):
        copy.write(piece)
        size -= len(piece)
