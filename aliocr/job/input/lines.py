"""Read the lines of an input once, from the beginning; count and hash them for checkpoints.

To continue at a checkpoint, all bytes before the checkpoint are read again and hashed, for two
reasons: standard input cannot jump to a position, and the hash proves that the input has not
changed. This takes 0.1 s for 100 MB.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from aliocr.job.errors import BY_FORMAT, InputError
from aliocr.job.input.compression import UnpackedFile
from aliocr.job.input.rows import Checkpoint, Reader, changed

LONGEST = 1 << 20
"""Maximum size of one line in bytes; also of one row, if the row has several lines. A URL has at
most 2,048 bytes. A line with more than `LONGEST` bytes shows that the file is not a list, or that a
quote was never closed."""

CHUNK = 1 << 20
"""Maximum number of bytes that are read in one step while a part of the input is skipped."""

DIGEST_BYTES = 16
"""Size of the hash of the input, in bytes. The hash finds changes made by accident, not forgery."""

BOM = b"\xef\xbb\xbf"

TO_UTF8 = "save it as UTF-8 (iconv -f GB18030 -t UTF-8, or -f CP1252, or -f its encoding)"

FROM_UTF16 = "save it as UTF-8 (iconv -f UTF-16 -t UTF-8)"

OTHER_FILES = {
    b"\xff\xfe": f"is UTF-16; {FROM_UTF16}",
    b"\xfe\xff": f"is UTF-16; {FROM_UTF16}",
    b"PK\x03\x04": "is an Excel workbook or a ZIP archive; save or unpack it as CSV",
    b"PAR1": f"is Parquet; rename it to end in .parquet, or give its format {BY_FORMAT}",
    b"\xd0\xcf\x11\xe0": "is an Excel workbook; save it as CSV",
    b"%PDF": "is a PDF; make pictures of its pages (pdftoppm -png), and give their folder",
    b"SQLite format 3": "is a database, such as the journal of a job; give a list",
    **dict.fromkeys(
        (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"II*\0", b"MM\0*"),
        "is a picture, not a list; give its folder, or a list with its path",
    ),
}
"""Kinds of files that users give by mistake: the first bytes of each kind, and its message."""

NOT_TEXT = f"contains NUL bytes and is not a text file; if it is UTF-16, {FROM_UTF16}"


_OLD_LINES = re.compile(rb"[^\r]*(?:\r{1,2}\n|\r)|[^\r]+")
"""The lines of bytes in which a carriage return may end a line. Two of them before a line feed, as
some programs for Windows write them, are one line end."""


def decoded(line: bytes) -> str:
    """Return the line as text; bytes that are not UTF-8 become lone surrogates, as in paths."""
    return line.decode("utf-8", "surrogateescape")


def shown(text: str) -> str:
    """Return the first 200 characters of a text for a message, with `?` for lone surrogates."""
    return text[:200].encode("utf-8", "replace").decode()


class Lines:
    """The lines of an input, with the position after the last line that was taken.

    `read` returns a line, and `take` then moves the position past this line. Instead of taking a
    line, a reader may give it back, to read it again. Only lines that were taken are counted and
    hashed.

    Args:
        source: The bytes, at their beginning.
        name: Name of the input in messages.

    Attributes:
        offset: Number of bytes before the position.
        line: Number of lines before the position.
        old_ends: True if a carriage return ends a line, too, as on an old Mac.
    """

    def __init__(self, source: UnpackedFile, name: str) -> None:
        self.name = name
        self.offset = 0
        self.line = 0
        self.old_ends = False
        self._source = source
        self._stream = source.stream
        self._hash = hashlib.blake2b(digest_size=DIGEST_BYTES)
        self._last = b""
        self._ended = b""
        self._given_back: list[bytes] = []

    def read(self, most: int | None = None) -> bytes:
        """Return the next line with its line end; empty bytes at the end of the input.

        If the line is longer than `LONGEST`, only its first `LONGEST` + 1 bytes are returned.

        Args:
            most: If given, return bytes instead of a line: the next bytes, at most this number.

        Raises:
            InputError: The input cannot be read.
        """
        try:
            if self._given_back:
                line = self._given_back.pop()
                if most is not None and len(line) > most:
                    self._given_back.append(line[most:])
                    line = line[:most]
            elif most is None:
                line = self._stream.readline(LONGEST + 1)
            else:
                line = self._stream.read(min(CHUNK, most))
            if self.old_ends and b"\r" in line and most is None:
                return self._first_of(line)
        except self._source.unreadable as error:
            raise self._source.problem(error, self.line) from error
        return line

    def _first_of(self, lines: bytes) -> bytes:
        """Return the first of lines that carriage returns end; give the others back."""
        if b"\r" not in lines.rstrip(b"\r\n"):
            return lines
        first, *others = _OLD_LINES.findall(lines)
        if len(lines) > LONGEST and others:  # the last of them may go on
            others[-1] += self._stream.readline(LONGEST + 1)
        self.give_back(others)
        return bytes(first)

    def give_back(self, lines: Iterable[bytes]) -> None:
        """Put lines back; the next calls of `read` return them again, in this order."""
        self._given_back.extend(reversed(list(lines)))

    def take(self, line: bytes) -> None:
        """Move the position past a line that was read.

        If the line is longer than `LONGEST`, `read` returned only its beginning; then the rest of
        the line is skipped, too.
        """
        self._pass(line)
        self.line += 1
        if len(line) > LONGEST:
            while not line.endswith(self._ends) and (line := self.read()):
                self._pass(line)

    def begin(self) -> bytes:
        """Return the first line, but do not take it; skip a byte order mark, which Windows writes.

        Raises:
            InputError: The input is not text.
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
        """Return a checkpoint at the current position; `number` is the number of rows before it."""
        return Checkpoint(number, self.offset, self.line, self._digest())

    def skip_to(self, checkpoint: Checkpoint) -> None:
        """Move forward to a checkpoint.

        Raises:
            InputError: The input has changed before the checkpoint.
        """
        while self.offset < checkpoint.offset:
            piece = self.read(checkpoint.offset - self.offset)
            if not piece:
                raise changed(self.name, f"it ends before line {checkpoint.line + 1:,}")
            self._pass(piece)
        if self.offset > checkpoint.offset or self._digest() != checkpoint.digest:
            raise changed(self.name, f"it differs before line {checkpoint.line + 1:,}")
        self.line = checkpoint.line
        if self.offset and self._last not in self._ends:
            # In the earlier run, the input ended here, without a line end. Since then, a line end
            # may have been added to this last line, but nothing else.
            rest = self.read()
            if rest.strip(b"\r\n"):
                raise changed(self.name, f"line {self.line:,}, its last line then, is longer now")
            self._pass(rest)

    def compare(self, checkpoint: Checkpoint) -> None:
        """Check that a file has not changed before a checkpoint; return to the current position."""
        here = self.offset, self.line, self._hash.copy(), self._last, self._ended
        self.skip_to(checkpoint)
        self.offset, self.line, self._hash, self._last, self._ended = here
        self._given_back.clear()
        self._stream.seek(self.offset)

    def finish(self) -> str:
        """Move to the end of the input; return the digest of the whole input."""
        while piece := self.read(CHUNK):
            self._pass(piece)
        return self._digest()

    @property
    def share(self) -> float | None:
        """The share of the input that was taken, from 0 to 1; None if its total size is unknown."""
        return self._source.share(self.offset)

    def close(self) -> None:
        """Close the stream, if the source owns the stream."""
        self._source.close()

    @property
    def _ends(self) -> tuple[bytes, ...]:
        """The bytes that may be the last of a line."""
        return (b"\n", b"\r") if self.old_ends else (b"\n",)

    def _pass(self, piece: bytes) -> None:
        self._hash.update(piece)
        self.offset += len(piece)
        before, self._last = self._last, piece[-1:]
        if self._last != b"\n":
            at = max(map(piece.rfind, self._ends))
            if at < 0:
                return
            piece = piece[: at + 1]
        self._ended = before + piece if len(piece) == 1 else piece

    @property
    def _usual_end(self) -> bytes:
        """The line end of the last line that has one; a line feed if there is none."""
        return next((end for end in (b"\r\n", b"\r") if self._ended.endswith(end)), b"\n")

    def _digest(self) -> str:
        """Return the hash of all lines that were taken.

        If the last line has no line end, it is hashed as if it had one, because a line end may be
        added later.
        """
        if not self.offset or self._last in self._ends:
            return self._hash.hexdigest()
        ended = self._hash.copy()
        ended.update(self._usual_end)
        return ended.hexdigest()


class LineReader(Reader):
    """Base class of the readers of text files. `close` also closes the lines."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    def compare(self, checkpoint: Checkpoint) -> None:
        """Check that the lines before a checkpoint have not changed."""
        if checkpoint.number:  # if it is 0, no result depends on these lines
            self._lines.compare(checkpoint)

    def skip_to(self, checkpoint: Checkpoint) -> None:
        """Move to a checkpoint of an earlier run."""
        if checkpoint.number:
            self._lines.skip_to(checkpoint)
            self._number = checkpoint.number

    @property
    def checkpoint(self) -> Checkpoint:
        """The position after the last row that was returned."""
        return self._lines.checkpoint(self._number)

    def finish(self) -> str:
        """Move to the end of the input, and return its hash."""
        return self._lines.finish()

    @property
    def share(self) -> float | None:
        """The share of the bytes that were taken, from 0 to 1; None for a pipe."""
        return self._lines.share

    def close(self) -> None:
        """Close the lines."""
        self._lines.close()
