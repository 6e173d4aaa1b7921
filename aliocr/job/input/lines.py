"""The lines of an input, read once from the beginning: position, hash, checkpoints.

Standard input cannot be rewound, so a skipped part is read and hashed, not sought over. That takes
a tenth of a second for 100 MB, and proves that the input has not changed.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from typing import BinaryIO

from aliocr.job.errors import BY_FORMAT, InputError
from aliocr.job.input.rows import Checkpoint, Reader, changed

LONGEST = 1 << 20
"""Bytes of one line, or of one row of several lines, at most. A URL has 2,048 at most; a longer
line is of another kind of file, or has a quote that was never closed."""

CHUNK = 1 << 20
"""Bytes read at once where lines do not matter."""

DIGEST_BYTES = 16
"""Of the hash of the input: it guards against accidents, not against forgery."""

BOM = b"\xef\xbb\xbf"

TO_UTF8 = "save it as UTF-8 (iconv -f GB18030 -t UTF-8, or -f CP1252, or what it is in)"

FROM_UTF16 = "save it as UTF-8 (iconv -f UTF-16 -t UTF-8)"

OTHER_FILES = {
    b"\xff\xfe": f"is UTF-16; {FROM_UTF16}",
    b"\xfe\xff": f"is UTF-16; {FROM_UTF16}",
    b"\x1f\x8b": "is compressed; unpack it first (gunzip)",
    b"BZh": "is compressed; unpack it first (bunzip2)",
    b"\xfd7zXZ": "is compressed; unpack it first (unxz)",
    b"\x28\xb5\x2f\xfd": "is compressed; unpack it first (unzstd)",
    b"PK\x03\x04": "is an Excel workbook or a ZIP archive; save or unpack it as CSV",
    b"PAR1": f"is Parquet; say so by its suffix, .parquet, or as its format {BY_FORMAT}",
    b"\x89PNG": "is a picture and no list of them; name its folder, or list its path",
    b"\xff\xd8\xff": "is a picture and no list of them; name its folder, or list its path",
}
"""Files that are sometimes given as lists: how they begin, and what to do about each."""

NOT_TEXT = f"holds NUL bytes and is no text; if it is UTF-16, {FROM_UTF16}"


def decoded(line: bytes) -> str:
    """Return the line as text; bytes that are not UTF-8 as lone surrogates, as in file names."""
    return line.decode("utf-8", "surrogateescape")


def shown(text: str) -> str:
    """Return the first 200 characters of a text for a message, with `?` for lone surrogates."""
    return text[:200].encode("utf-8", "replace").decode()


class Lines:
    """The lines of an input, and the position up to which they have been taken.

    A line that was read is not yet taken: a reader may look at several lines and give them back.
    Position, hash and the count of lines cover only the lines that were taken.

    Args:
        stream: The bytes, positioned at the beginning.
        name: Of the input, in messages.
        owned: Whether `close` closes the stream.

    Attributes:
        offset: Bytes taken.
        line: Lines taken.
    """

    def __init__(self, stream: BinaryIO, name: str, *, owned: bool) -> None:
        self.name = name
        self.offset = 0
        self.line = 0
        # Without a buffer each byte of a line would be a system call.
        self._buffer = io.BufferedReader(stream) if isinstance(stream, io.RawIOBase) else None
        self._stream = self._buffer or stream
        self._owned = owned
        self._hash = hashlib.blake2b(digest_size=DIGEST_BYTES)
        self._last = b""
        self._usual_end = b"\n"
        self._given_back: list[bytes] = []

    def read(self, most: int | None = None) -> bytes:
        """Return the next line with its end; nothing at the end of the input.

        Of a line longer than `LONGEST` it returns `LONGEST` + 1 bytes.

        Args:
            most: Return up to so many bytes instead, be they a line or not.

        Raises:
            InputError: The input cannot be read.
        """
        if self._given_back:
            line = self._given_back.pop()
            if most is not None and len(line) > most:
                self._given_back.append(line[most:])
            return line[:most]
        try:
            if most is not None:
                return self._stream.read(min(CHUNK, most))
            return self._stream.readline(LONGEST + 1)
        except (OSError, ValueError) as error:  # ValueError: a stream that was closed
            reason = (getattr(error, "strerror", None) or str(error)).lower()
            where = f"{self.name} cannot be read past line {self.line:,}"
            raise InputError(f"{where}: {reason}") from error

    def give_back(self, lines: Iterable[bytes]) -> None:
        """Have these lines read again next, in this order."""
        self._given_back.extend(reversed(list(lines)))

    def take(self, line: bytes) -> None:
        """Go past a line that was read; past all of it if it is too long."""
        self._pass(line)
        self.line += 1
        if len(line) > LONGEST:
            while not line.endswith(b"\n") and (line := self.read()):
                self._pass(line)

    def begin(self) -> bytes:
        """Return the first line, not yet taken; go past a byte order mark, which Windows writes.

        Refuse an input that is no text.
        """
        first = self.read()
        for beginning, problem in OTHER_FILES.items():
            if first.startswith(beginning):
                raise InputError(f"{self.name} {problem}")
        if b"\0" in first:
            raise InputError(f"{self.name} {NOT_TEXT}")
        if first.startswith(BOM):
            self._pass(BOM)
            first = first[len(BOM) :]
        self.give_back([first])
        return first

    def checkpoint(self, number: int) -> Checkpoint:
        """Return the position up to which lines have been taken, with so many rows before it."""
        return Checkpoint(number, self.offset, self.line, self._digest())

    def skip_to(self, checkpoint: Checkpoint) -> None:
        """Go to a checkpoint that lies ahead; refuse an input that has changed before it."""
        while self.offset < checkpoint.offset:
            piece = self.read(checkpoint.offset - self.offset)
            if not piece:
                raise changed(self.name, f"it ends before line {checkpoint.line + 1:,}")
            self._pass(piece)
        if self.offset > checkpoint.offset or self._digest() != checkpoint.digest:
            raise changed(self.name, f"it differs before line {checkpoint.line + 1:,}")
        self.line = checkpoint.line
        if self.offset and self._last != b"\n":
            # The last line had no end then; it may have been given one since, and nothing else.
            rest = self.read()
            if rest.strip(b"\r\n"):
                raise changed(self.name, f"line {self.line:,}, then its last, has grown")
            self._pass(rest)

    def compare(self, checkpoint: Checkpoint) -> None:
        """Skip to a checkpoint that lies ahead in a file, and come back."""
        here = self.offset, self.line, self._hash.copy(), self._last, self._usual_end
        self.skip_to(checkpoint)
        self.offset, self.line, self._hash, self._last, self._usual_end = here
        self._given_back.clear()
        self._stream.seek(self.offset)

    @property
    def share(self) -> float | None:
        """The part of the input that is taken, from 0 to 1; None if its size is unknown."""
        try:
            status = os.fstat(self._stream.fileno())
        except (OSError, ValueError):
            return None
        if not stat.S_ISREG(status.st_mode):
            return None
        return min(1.0, self.offset / status.st_size) if status.st_size else 1.0

    def close(self) -> None:
        """Close the stream, unless it is another's."""
        with suppress(OSError, ValueError):
            if self._owned:
                self._stream.close()
            elif self._buffer:
                self._buffer.detach()  # or it would be closed with the buffer

    def _pass(self, piece: bytes) -> None:
        self._hash.update(piece)
        self.offset += len(piece)
        before, self._last = self._last, piece[-1:]
        if (at := piece.rfind(b"\n")) >= 0:
            returned = piece[at - 1 : at] if at else before
            self._usual_end = b"\r\n" if returned == b"\r" else b"\n"

    def _digest(self) -> str:
        """The hash of all that was taken; a last line without an end counts as if it had one."""
        if not self.offset or self._last == b"\n":
            return self._hash.hexdigest()
        ended = self._hash.copy()
        ended.update(self._usual_end)
        return ended.hexdigest()


class LineReader(Reader):
    """The common part of the readers of lines; the lines are closed with the reader."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    def compare(self, checkpoint: Checkpoint) -> None:
        """Check that the lines up to a checkpoint have not changed."""
        if checkpoint.number:  # else they may have changed: none of them was read
            self._lines.compare(checkpoint)

    def skip_to(self, checkpoint: Checkpoint) -> None:
        """Go to a checkpoint."""
        if checkpoint.number:
            self._lines.skip_to(checkpoint)
            self._number = checkpoint.number

    @property
    def checkpoint(self) -> Checkpoint:
        """The place after the last row that was given."""
        return self._lines.checkpoint(self._number)

    @property
    def share(self) -> float | None:
        """The part of the bytes before the checkpoint; None for a pipe."""
        return self._lines.share

    def close(self) -> None:
        """Close the lines."""
        self._lines.close()
