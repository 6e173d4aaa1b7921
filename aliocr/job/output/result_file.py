"""A file that results are appended to, and from which nothing that was written is ever lost."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from aliocr.job.output.codecs import Codec
from aliocr.job.output.result import Result

CHUNK = 1 << 20
"""Bytes copied at once."""


class RecordFile:
    """Records one after the other; the place of each is an offset in bytes.

    Args:
        path: The file; made, with its header, if it is not there.
        codec: Its format.

    Raises:
        OSError: It cannot be opened or written.

    Attributes:
        length: Bytes in it.
    """

    def __init__(self, path: Path, codec: Codec) -> None:
        self._path = path
        self._codec = codec
        new = not path.exists()
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        self._file = os.open(path, flags, 0o666)
        self.length = os.lseek(self._file, 0, os.SEEK_END)
        if new:
            self.cut(0)
            synced_folder(path)

    def append(self, results: Sequence[Result]) -> list[int]:
        """Write results, whole or not at all; not even the end of this process takes them back.

        Returns:
            The place of each.

        Raises:
            OSError: There is no room, or worse. What was there before is there still.
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

    def sync(self) -> None:
        """Wait for the disk."""
        os.fsync(self._file)

    def read(self, place: int) -> Result:
        """The result whose record begins at an offset."""
        with self._path.open("rb") as file:
            file.seek(place)
            return self._codec.decode(next(self._codec.records(file)))

    def results(self, start: int = 0) -> Iterator[tuple[int, int, Result]]:
        """The results from an offset on, up to the first that is not whole.

        Yields:
            Where the record begins, where it ends, and what it says.
        """
        return ((place, place + len(record), it) for place, record, it in self._records(start))

    def _records(self, place: int) -> Iterator[tuple[int, bytes, Result]]:
        with self._path.open("rb") as file:
            place = max(place, len(self._codec.header))
            file.seek(place)
            for record in self._codec.records(file):
                try:
                    result = self._codec.decode(record)
                except ValueError:
                    return
                yield place, record, result
                place += len(record)

    def end_of(self, place: int, row: int) -> int | None:
        """Where the record at an offset ends; None if it is not whole, or not of this row."""
        for _, end, result in self.results(place):
            return end if result.row == row else None
        return None

    def is_begun_alike(self) -> bool:
        """Whether it may be the beginning of an output, as far as it goes."""
        start = self._codec.header or b'{"row":'
        with self._path.open("rb") as file:
            return start.startswith(file.read(len(start)))

    def cut(self, length: int) -> None:
        """Take away what is behind an offset; the header stays."""
        os.ftruncate(self._file, length)
        self.length = os.lseek(self._file, length, os.SEEK_SET)
        if length < len(self._codec.header):
            rest = self._codec.header[length:]
            self._write(rest)
            self.length += len(rest)
        self.sync()

    def copied_without(self, path: Path, places: Iterable[int]) -> Iterator[tuple[int, int]]:
        """Write a copy of the file, which is whole and safe on the disk at the end.

        Args:
            path: Of the copy.
            places: Where results are that are left out, in order.

        Yields:
            Each of these places, and how many bytes were left out up to and with its result.
        """
        gone = 0
        with self._path.open("rb") as file, path.open("wb") as copy:
            for place in places:
                _copied(file, copy, place - file.tell())
                record = next(self._codec.records(file))
                gone += len(record)
                file.seek(place + len(record))
                yield place, gone
            _copied(file, copy, self.length - file.tell())
            copy.flush()
            os.fsync(copy.fileno())

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)


def _copied(file: BinaryIO, copy: BinaryIO, size: int) -> None:
    """Copy so many bytes."""
    while size > 0 and (piece := file.read(min(CHUNK, size))):
        copy.write(piece)
        size -= len(piece)


def synced_folder(path: Path) -> None:
    """Have the name of a new or renamed file survive a power failure, where that can be asked."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
