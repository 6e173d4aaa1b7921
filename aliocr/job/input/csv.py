"""Read images that are listed in a CSV or TSV file."""

from __future__ import annotations

from collections.abc import Iterator

from aliocr.checks import is_text, is_url
from aliocr.job.csv_module import own_csv
from aliocr.job.errors import BY_FORMAT, InputError
from aliocr.job.input.columns import Choice, described, id_name, listed, row_of, source_name
from aliocr.job.input.lines import LONGEST, TO_UTF8, LineReader, Lines, decoded, shown
from aliocr.job.input.rows import BadRow, RowOrBad

DELIMITERS = "\t,;|"
"""Delimiters that are looked for in the header. If the header has a tab, the tab is chosen, because
names of columns contain no tab."""

NO_DELIMITER = "\x1f"
"""Delimiter of a file with one column: a character that URLs do not contain. A comma in a URL
(`x-oss-process=image/resize,w_100`) then does not divide the URL, even if the URL has no quotes."""

# The parser never reaches its limit for one field, because a row has at most `LONGEST` bytes.
_csv = own_csv(2 * LONGEST)


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

    Many programs divide columns by tabs and write quotes as they are. So with tabs, a quote is an
    ordinary character in a line that is a whole row only without quoting.
    """

    def __init__(self, lines: Lines, choice: Choice) -> None:
        super().__init__(lines)
        lines.begin()
        while (first := lines.read()) and not first.strip():  # blank lines before the header
            lines.take(first)
        lines.give_back([first])
        self._row_lines = _RowLines(lines)
        delimiter = _delimiter(decoded(first))
        self._tabs = delimiter == "\t"
        self._parser = _csv.reader(self._row_lines, delimiter=delimiter, strict=True)
        names = self._header()
        try:
            self._column = source_name(names, choice, lines.name)
            self._id_column = id_name(names, choice, lines.name)
        except InputError as error:
            if is_text("".join(names)):
                raise
            raise InputError(f"{error}; its header is not UTF-8: {TO_UTF8}") from None
        self.columns = self._column, self._id_column
        self._width = len(names)
        self._source_at = names.index(self._column)
        self._id_at = None if self._id_column is None else names.index(self._id_column)

    def __iter__(self) -> Iterator[RowOrBad]:
        """Yield the rows from the current position, in the order of the file."""
        while True:
            self._row_lines.begin()
            try:
                fields = next(self._parser)
            except StopIteration:
                return
            except (_csv.Error, _TooLongError) as error:
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
            line = self._lines.line + 1
            self._row_lines.take()
            if fields:  # no fields: the line is blank
                self._number += 1
                yield self._row(fields, line)

    @property
    def description(self) -> str:
        """Text that names the columns of images and ids."""
        return described(self._column, self._id_column)

    def _header(self) -> list[str]:
        where = self._lines.name
        try:
            names = [field.strip() for field in next(self._parser)]
        except StopIteration:
            raise InputError(
                f"{where} has no header; begin it with a line of column names, such as url,id"
            ) from None
        except (_csv.Error, _TooLongError) as error:
            problem = self._problem(error)
            raise InputError(f"the header of {where} cannot be read: {problem}") from None
        self._row_lines.take()
        if names[0].startswith("#"):
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
        if len(fields) != self._width:
            problem = f"it has {len(fields)} fields, but the header has {self._width}"
            return BadRow(self._number, shown(source), problem, line=line)
        name = None if self._id_at is None else fields[self._id_at]
        if not is_text(source) or not is_text(name or ""):
            return BadRow(self._number, shown(source), f"it is not UTF-8; {TO_UTF8}", line=line)
        return row_of(self._number, source, name, line, self._column)

    def _unquoted(self, line: bytes) -> list[str] | None:
        """Return the fields of a line whose quotes are ordinary characters.

        Return None if the columns are not divided by tabs, or the line is not a whole row.
        """
        text = decoded(line).rstrip("\r\n")
        fields = text.split("\t")
        whole = self._tabs and len(fields) == self._width and len(line) <= LONGEST
        return fields if whole and "\r" not in text else None

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


def _delimiter(header: str) -> str:
    """Return the delimiter that divides the header into most columns, but a tab before any other.

    Return `NO_DELIMITER` if no delimiter divides the header.
    """
    try:
        counts = {each: len(next(_csv.reader([header], delimiter=each), ())) for each in DELIMITERS}
    except _csv.Error:  # `_header` parses the header again, and reports the error
        return NO_DELIMITER
    best = "\t" if counts["\t"] > 1 else max(counts, key=counts.__getitem__)
    return best if counts[best] > 1 else NO_DELIMITER
