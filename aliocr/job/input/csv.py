"""Images listed in a CSV or TSV file."""

from __future__ import annotations

from collections.abc import Iterator

from aliocr.checks import is_text, is_url
from aliocr.job.csv_module import own_csv
from aliocr.job.errors import BY_FORMAT, InputError
from aliocr.job.input.columns import described, id_name, listed, row_of, source_name
from aliocr.job.input.lines import LONGEST, TO_UTF8, LineReader, Lines, decoded, shown
from aliocr.job.input.rows import BadRow, RowOrBad

DELIMITERS = "\t,;|"
"""Recognised in the header; a tab before the others, because no name of a column has a tab."""

NO_DELIMITER = "\x1f"
"""For a header of one column: the commas in its URLs (`x-oss-process=image/resize,w_100`) divide
nothing then, quoted or not."""

_csv = own_csv(2 * LONGEST)  # a row is bounded before any field can be


class _TooLongError(Exception):
    """A row of more bytes than `LONGEST`."""


class _RowLines:
    """The lines of one row, given one by one to the parser."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._size = 0
        self.read: list[bytes] = []

    def begin(self) -> None:
        self._size = 0
        self.read.clear()

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
    """A row of fields a line; a quoted field may go over several lines.

    A broken row costs no other: where a quote is never closed, or not followed by a delimiter, its
    line is a bad row, and the next line is parsed afresh. Bytes that are not UTF-8 matter only in
    the columns of images and ids.
    """

    def __init__(self, lines: Lines, column: str | None, id_column: str | None) -> None:
        super().__init__(lines)
        lines.begin()
        while (first := lines.read()) and not first.strip():  # blank lines before the header
            lines.take(first)
        lines.give_back([first])
        self._row_lines = _RowLines(lines)
        delimiter = _delimiter(decoded(first))
        self._parser = _csv.reader(self._row_lines, delimiter=delimiter, strict=True)
        names = self._header()
        try:
            self._column = source_name(names, column, lines.name)
            self._id_column = id_name(names, id_column, lines.name)
        except InputError as error:
            if is_text("".join(names)):
                raise
            raise InputError(f"{error}; its header is not UTF-8: {TO_UTF8}") from None
        self._width = len(names)
        self._source_at = names.index(self._column)
        self._id_at = None if self._id_column is None else names.index(self._id_column)

    def __iter__(self) -> Iterator[RowOrBad]:
        """Give the rows from here on, in order."""
        while True:
            self._row_lines.begin()
            try:
                fields = next(self._parser)
            except StopIteration:
                return
            except (_csv.Error, _TooLongError) as error:
                problem = self._problem(error)
                first, *rest = self._row_lines.read
                self._lines.give_back(rest)
                self._lines.take(first)
                self._number += 1
                yield BadRow(self._number, shown(decoded(first)), problem, line=self._lines.line)
                continue
            line = self._lines.line + 1
            self._row_lines.take()
            if fields:  # else a blank line
                self._number += 1
                yield self._row(fields, line)

    @property
    def description(self) -> str:
        """The columns of images and ids."""
        return described(self._column, self._id_column)

    def _header(self) -> list[str]:
        where = self._lines.name
        try:
            names = [field.strip() for field in next(self._parser)]
        except StopIteration:
            raise InputError(
                f"{where} has no header; begin it with a line of names, such as url,id"
            ) from None
        except (_csv.Error, _TooLongError) as error:
            problem = self._problem(error)
            raise InputError(f"the header of {where} cannot be read: {problem}") from None
        self._row_lines.take()
        if any(is_url(name) for name in names):
            raise InputError(
                f"{where} has no header but begins with {listed(names)}; begin it with a line of "
                "names, such as url,id, or, if it is one URL a line, have it read as text "
                f"{BY_FORMAT}"
            )
        return names

    def _row(self, fields: list[str], line: int) -> RowOrBad:
        source = fields[self._source_at] if self._source_at < len(fields) else ""
        if len(fields) != self._width:
            problem = f"{len(fields)} fields, where the header has {self._width}"
            return BadRow(self._number, shown(source), problem, line=line)
        name = None if self._id_at is None else fields[self._id_at]
        if not is_text(source) or not is_text(name or ""):
            return BadRow(self._number, shown(source), f"not UTF-8; {TO_UTF8}", line=line)
        return row_of(self._number, source, name, line, self._column)

    def _problem(self, error: Exception) -> str:
        first = self._row_lines.read[0]
        if len(first) > LONGEST:
            return f"a line of more than {LONGEST:,} bytes"
        if isinstance(error, _TooLongError) or str(error).startswith("unexpected end"):
            return "a quote in it is never closed"
        if b"\r" in first.rstrip(b"\r\n"):
            return "a carriage return in it, where the line should end"
        return "a quote in it is closed before the field ends; a quote within is doubled"


def _delimiter(header: str) -> str:
    """Return the delimiter that gives the header most columns."""
    try:
        counts = {each: len(next(_csv.reader([header], delimiter=each), ())) for each in DELIMITERS}
    except _csv.Error:  # `_header` meets it again, and tells
        return NO_DELIMITER
    best = "\t" if counts["\t"] > 1 else max(counts, key=counts.__getitem__)
    return best if counts[best] > 1 else NO_DELIMITER
