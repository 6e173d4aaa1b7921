"""An output that grows: results appended to a file, in step with the journal.

Both are written one after the other, so a kill or a power failure between the two leaves them
different. Whenever the file is opened, results that the journal missed are taken up, and results
that the disk lost are forgotten, to be read again.
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
"""Bytes copied at once."""

MOST_AHEAD = 1_000_000
"""Rows by which one may be ahead of all others in an output. Far fewer are read at once, so a row
further ahead was not written by this job."""


class ResultFile:
    """Records of results, one after the other; the place of each is an offset in bytes.

    `append` is called by one thread at a time, all else by the journal's thread. The file is made,
    with its header, if it is not there.

    Raises:
        OSError: The file cannot be opened or written.
        ValueError: The file is not this job's; the message says what to do.
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
        """Write results, whole or not at all; return the place of each.

        The end of this process does not take them back.

        Raises:
            OSError: The disk is full, or worse. All that was there before is still there.
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
        """Make appended results proof against a power failure, once the journal is changed next.

        Args:
            results: The results that the journal does not have yet; none that come meanwhile.
        """
        del results  # the disk is told of all that is in the file
        os.fsync(self._file)

    def read(self, place: int) -> Result:
        """Return the result at a place."""
        with self._path.open("rb") as file:
            file.seek(place)
            return self._codec.decode(next(self._codec.records(file)))

    def publish(self) -> None:
        """Do nothing: the file holds all results."""

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def retry(self, kinds: frozenset[str], through: int) -> None:
        """Take failures out of file and journal, to be read once more; all of them or none.

        The file is copied without them, the journal says that the copy is to take the file's place,
        and then it does. All rows up to `through` are in the output then.
        """
        try:
            with self._journal.change(through=through, replacing=True) as state:
                places = self._journal.retry(kinds)
                self._journal.close_up(self._copied_without(places))
                state["length"] = self._draft.stat().st_size
                shutil.copymode(self._path, self._draft)
                # Once the journal says that the copy takes the file's place, the copy must exist.
                sync_folder(self._draft)
        except BaseException:
            self._draft.unlink(missing_ok=True)
            raise
        self.close()
        self._replace()
        self._open()

    def _copied_without(self, places: Iterable[int]) -> Iterator[tuple[int, int]]:
        """Write the copy without the results at these places; at the end, it is safe on the disk.

        Yields each place, in order, and how many bytes were left out up to and with its result.
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
            os.replace(self._draft, self._path)  # noqa: PTH105 - says what it is
            sync_folder(self._path)
        with self._journal.change(replacing=False):
            pass

    def _forget_lost(self) -> None:
        """Cut the file behind its last whole result, and the journal with it."""
        journal = self._journal
        end = 0
        if (last := journal.last_before(self.length)) is not None:
            end = self._end_of(*last) or 0
        if last is not None and not end and (last := journal.last_before(last[0])) is not None:
            # The last result was cut. The one before is whole, or the file is another's.
            end = self._end_of(*last) or 0
            if not end:
                raise ValueError(strange(self._path))
        if not end:
            # Without a whole result, the file is the beginning of an output, as far as it goes.
            start = self._codec.header or b'{"row":'
            with self._path.open("rb") as file:
                if not start.startswith(file.read(len(start))):
                    raise ValueError(strange(self._path))
        self._cut(end)
        with journal.change(length=self.length, through=0):
            journal.cut(self.length)

    def _take_up_missed(self, known: int) -> None:
        """Tell the journal of the whole results behind an offset, and cut off the rest."""
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
        except OverflowError:  # a code that no journal holds, and no service has given
            raise ValueError(strange(self._path)) from None

    def _results(self, place: int) -> Iterator[tuple[int, int, Result]]:
        """Yield place, end and result of each record from a place on, up to one that is cut."""
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
        """Return the end of the record at a place; None if it is not whole, or not of this row."""
        for _, end, result in self._results(place):
            return end if result.row == row else None
        return None

    def _cut(self, length: int) -> None:
        """Cut the file behind an offset; the header stays."""
        os.ftruncate(self._file, length)
        self.length = os.lseek(self._file, length, os.SEEK_SET)
        if length < len(self._codec.header):
            rest = self._codec.header[length:]
            self._write(rest)
            self.length += len(rest)
        os.fsync(self._file)


def strange(path: Path) -> str:
    """Return the message for a file in which results are not where the journal says."""
    return (
        f"{path} is not what this job has written: put it back, or remove it and its journal to "
        "begin anew"
    )


def _copy(file: BinaryIO, copy: BinaryIO, size: int) -> None:
    while size > 0 and (piece := file.read(min(CHUNK, size))):
        copy.write(piece)
        size -= len(piece)
