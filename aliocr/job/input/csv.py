"""Read images that are listed in a CSV or TSV file."""

from __future__ import annotations

import re
from collections.abc import Iterator

from aliocr.checks import is_text, is_url
from aliocr.job.errors import BY_FORMAT, InputError
from aliocr.job.input.columns import (
    IDS,
    RANKS,
    Choice,
    described,
    id_name,
    listed,
    row_of,
    source_name,
)
from aliocr.job.input.folder import SUFFIXES
from aliocr.job.input.header import csv_parser, delimiter_at_header, is_comment
from aliocr.job.input.ids import Ids
from aliocr.job.input.lines import LONGEST, TO_UTF8, LineReader, Lines, decoded, shown
from aliocr.job.input.rows import BadRow, RowOrBad

_PICTURE = tuple(SUFFIXES)

_REST = re.compile(r"[^\s:]*[_/&=][^\s:]*|\S+\.\w{3,4}")
"""A cell that may be the rest of a URL with a comma in it, such as `w_100` or `h_100/a.png`."""


class _TooLongError(Exception):
    """A row has more bytes than `LONGEST`."""


class _RowLines:
    """Gives the lines of one row to the CSV parser, and keeps them in `read`."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._size = 0
        self.read: list[bytes] = []

    def begin(self) -> None:
        self._size = 0
        self.read.clear()

    def only_first(self) -> bytes:
        """Give back all lines but the first, and return it."""
        self._lines.give_back(self.read[1:])
        del self.read[1:]
        return self.read[0]

    def take(self) -> None:
        for line in self.read:
            self._lines.take(line)

    def __iter__(self) -> _RowLines:
        return self

    def __next__(self) -> str:
        line = self._lines.read()
        if not line:
            raise StopIteration
        self.read.append(line)
        self._size += len(line)
        if self._size > LONGEST:
            raise _TooLongError
        return decoded(line)


class CSVReader(LineReader):
    """Reads one row per line; a quoted field may continue over several lines.

    A broken row does not affect other rows. If a quote is never closed, or no delimiter follows the
    closing quote, the first line of the row becomes a bad row, and parsing starts again at the next
    line. Bytes that are not UTF-8 make a bad row only in the columns of images and ids.

    A row may be shorter or longer than the header, if its image is where the header says: see
    `_doubt`.

    Many programs divide columns by tabs and write quotes as they are. So with tabs, a quote is an
    ordinary character in a line that is a whole row only without quoting. With any delimiter, a
    quote does not join lines that are rows of their own.
    """

    def __init__(self, lines: Lines, choice: Choice) -> None:
        super().__init__(lines)
        is_new = choice.ranks is RANKS
        lines.old_ends = b"\r" in lines.begin().rstrip(b"\r\n") and is_new
        self._row_lines = _RowLines(lines)
        delimiter = delimiter_at_header(lines, choice.column, look=is_new)
        self._delimiter = delimiter
        self._tabs = delimiter == "\t"
        self._is_new = is_new
        self._parser = csv_parser.reader(self._row_lines, delimiter=delimiter, strict=True)
        names = self._header()
        try:
            columns = source_name(names, choice, lines.name), id_name(names, choice, lines.name)
        except InputError as error:
            if is_text("".join(names)):
                raise
            raise InputError(f"{error}; its header is not UTF-8: {TO_UTF8}") from None
        self.columns = columns
        self.ids = Ids(columns, asked=choice.id_column is not None)
        if columns[1] is None and not set(IDS).isdisjoint(map(str.lower, names[1:])):
            self.ids.reason = "it has their column several times"
        self._width = len(names)
        self._source_at = names.index(columns[0])
        self._id_at = None if columns[1] is None else names.index(columns[1])

    def __iter__(self) -> Iterator[RowOrBad]:
        """Yield the rows from the current position, in the order of the file."""
        while True:
            self._row_lines.begin()
            try:
                fields = next(self._parser)
            except StopIteration:
                return
            except (csv_parser.Error, _TooLongError) as error:
                problem = self._problem(error)
                first = self._row_lines.only_first()
                if (unquoted := self._unquoted(first)) is None:
                    self._lines.take(first)
                    self._number += 1
                    at = self._lines.line
                    yield BadRow(self._number, shown(decoded(first)), problem, line=at)
                    continue
                fields = unquoted
            else:
                if self._tabs and (unquoted := self._other_reading(fields)) is not None:
                    fields = unquoted
                elif self._swallowed():
                    fields = self._cells(self._row_lines.only_first())
            line = self._lines.line + 1
            self._row_lines.take()
            if fields:  # no fields: the line is blank
                self._number += 1
                yield self._row(fields, line)

    @property
    def description(self) -> str:
        """Text that names the columns of images and ids."""
        return described(*self.ids.columns) + self.note

    def _header(self) -> list[str]:
        where = self._lines.name
        try:
            names = [field.strip() for field in next(self._parser)]
        except StopIteration:
            raise InputError(
                f"{where} has no header; begin it with a line of column names, such as url,id"
            ) from None
        except (csv_parser.Error, _TooLongError) as error:
            problem = self._problem(error)
            raise InputError(f"the header of {where} cannot be read: {problem}") from None
        self._row_lines.take()
        if is_comment(names):
            raise InputError(
                f"{where} begins with a comment; remove the lines before the column names"
            )
        if any(is_url(name) for name in names):
            raise InputError(
                f"{where} has no header but begins with {listed(names)}; begin it with a line of "
                "column names, such as url,id, or, if it has one URL per line, give the format "
                f"text {BY_FORMAT}"
            )
        return names

    def _row(self, fields: list[str], line: int) -> RowOrBad:
        source = fields[self._source_at] if self._source_at < len(fields) else ""
        if len(fields) != self._width and (problem := self._doubt(fields)):
            return BadRow(self._number, shown(source), problem, line=line)
        at = self._id_at
        name: str | None = None if at is None or at >= len(fields) else fields[at]
        problem = None
        is_behind = at is not None and at > self._source_at
        if len(fields) > self._width and name and is_behind and self._has_more(fields):
            problem = f"it has {len(fields)} fields, so its id may be another field"
        elif not is_text(source) or not is_text(name or ""):
            problem = f"it is not UTF-8; {TO_UTF8}"
        if problem:
            if self.ids.asked or not is_text(source):
                return BadRow(self._number, shown(source), problem, line=line)
            name = None
            self.ids.left_out += 1
        return row_of(self._number, source, name, line, self.ids)

    def _has_more(self, fields: list[str]) -> bool:
        """Return True if a row has more cells than the header, and not only empty ones."""
        return bool("".join(fields[self._width :]).strip())

    def _doubt(self, fields: list[str]) -> str | None:
        """Return why a row of another width may name another image; None if it does not.

        The image is where the header says if only cells behind it are missing or empty. Additional
        cells come from a delimiter in a text without quotes: the image may have moved, or its URL
        may be cut. The last line of a file that was not written to its end may be cut, too.
        """
        doubt = f"it has {len(fields)} fields, but the header has {self._width}"
        if self._source_at >= len(fields):
            return doubt
        source, *behind = fields[self._source_at :]
        if len(fields) < self._width:
            is_ended = behind or self._row_lines.read[-1].endswith((b"\n", b"\r", b'"'))
            is_whole = is_ended or _is_whole(source)
            return None if is_whole else f"{doubt}: it is cut off, or a line end is missing"
        if not self._has_more(fields):
            return None
        moved = behind[: len(fields) - self._width]
        if self._source_at and any(map(is_url, moved)):
            return f"{doubt}, and several of them may be the image; write quotes around texts"
        if is_url(source) and not _is_whole(source) and _REST.fullmatch(behind[0]):
            return f"{doubt}, so its URL may be cut at a delimiter; write quotes around it"
        return None

    def _unquoted(self, line: bytes) -> list[str] | None:
        """Return the fields of a line whose quotes are ordinary characters.

        Return None if the columns are not divided by tabs, or the line is not a whole row.
        """
        fields = self._cells(line)
        whole = self._tabs and len(fields) == self._width and len(line) <= LONGEST
        return fields if whole and "\r" not in fields[-1] else None

    def _cells(self, line: bytes) -> list[str]:
        """Return the fields of a line if no quote in it has a meaning."""
        return decoded(line).rstrip("\r\n").split(self._delimiter)

    def _swallowed(self) -> bool:
        """Return True if a quote joins lines that are each a row of their own.

        They are if each names a URL where the header says, and has all columns. A text of several
        lines is hardly ever so.
        """
        lines = self._row_lines.read
        if len(lines) == 1 or not self._is_new:
            return False
        rows = map(self._cells, lines)
        return all(len(row) >= self._width > 1 and is_url(row[self._source_at]) for row in rows)

    def _other_reading(self, fields: list[str]) -> list[str] | None:
        """Return the fields of the first line if its quotes are ordinary characters, else None.

        They are if quoting gives the row another width than the header, or has it swallow a line
        that is a row itself: it names a URL if the first line does.
        """
        first, *rest = self._row_lines.read
        if (not rest and len(fields) == self._width) or not fields:
            return None
        unquoted = self._unquoted(first)
        if unquoted is None or (source := unquoted[self._source_at]).startswith('"'):
            return None
        rows = (row for row in map(self._unquoted, rest) if row is not None)
        swallowed = any(is_url(row[self._source_at]) == is_url(source) for row in rows)
        if len(fields) == self._width and not swallowed:
            return None
        self._row_lines.only_first()
        return unquoted

    def _problem(self, error: Exception) -> str:
        first = self._row_lines.read[0]
        if len(first) > LONGEST:
            return f"the line has more than {LONGEST:,} bytes"
        if isinstance(error, _TooLongError) or str(error).startswith("unexpected end"):
            return "a quote in it is never closed"
        if b"\r" in first.rstrip(b"\r\n"):
            return "it contains a carriage return; lines must end with a line feed"
        return "a quote in it is closed before the field ends; write two quotes for a quote in text"


def _is_whole(url: str) -> bool:
    """Return True if a text ends like a URL of a picture, so that nothing was cut off it."""
    return "?" not in url and url.rstrip().lower().endswith(_PICTURE)
