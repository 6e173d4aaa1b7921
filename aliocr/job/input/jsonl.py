"""Images listed in JSON lines: a JSON value a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from aliocr.checks import is_url
from aliocr.errors import without_query
from aliocr.job.errors import BY_FORMAT, InputError
from aliocr.job.input.columns import described, id_name, row_of, source_name
from aliocr.job.input.lines import LONGEST, TO_UTF8, LineReader, Lines, decoded, shown
from aliocr.job.input.rows import BadRow, RowOrBad

NO_LINES = (
    "is one JSON {kind}, not a line for each image; make it lines with jq -c '{filter}', or with "
    "to_json(orient='records', lines=True) of pandas"
)


class _BadLineError(ValueError):
    """A line that makes no row, and the reason."""


class JSONLinesReader(LineReader):
    """An object a line, with the image in one of its fields; a text alone is an image, too.

    The columns are found in each line by itself, as objects need not have the same fields. Only the
    first object must have the columns of the caller, so that a wrong name is told at once.

    Args:
        lines: The input.
        column: The field of the images; None for the usual one.
        id_column: The field of the ids; None for the usual one, if there is one.

    Raises:
        InputError: The input is no JSON lines, or its first object has no such field.
    """

    def __init__(self, lines: Lines, column: str | None, id_column: str | None) -> None:
        super().__init__(lines)
        self._asked = column, id_column
        self._fields: tuple[str, ...] | None = None
        self._columns: tuple[str, str | None] = "", None
        self._check_first(lines.begin())

    def __iter__(self) -> Iterator[RowOrBad]:
        """Give the rows from here on, in order."""
        lines = self._lines
        while line := lines.read():
            lines.take(line)
            if not line.isspace():
                self._number += 1
                yield self._row(line)

    @property
    def description(self) -> str:
        """The fields of image and id in the last object; objects need not be alike."""
        column, id_column = self._columns
        return described(column, id_column) if column else "each line"

    def _row(self, line: bytes) -> RowOrBad:
        at = self._lines.line
        try:
            value = _value(line)
            if isinstance(value, str):
                return row_of(self._number, value, None, at, "the text")
            column, name = self._columns_of(value)
        except _BadLineError as error:
            return BadRow(self._number, shown(decoded(line).strip()), str(error), line=at)
        identity = None if name is None else value[name]
        return row_of(self._number, value[column], identity, at, column)

    def _columns_of(self, value: Any) -> tuple[str, str | None]:
        """Return the fields of image and id; most objects have those of the object before."""
        if not isinstance(value, dict):
            raise _BadLineError("neither an object nor a text")
        fields = tuple(value)
        if fields != self._fields:
            column, id_column = self._asked
            try:
                self._columns = (
                    source_name(fields, column, "it"),
                    None
                    if id_column is not None and id_column not in fields
                    else id_name(fields, id_column, "it"),
                )
            except InputError as error:
                raise _BadLineError(str(error)) from None
            self._fields = fields
        return self._columns

    def _check_first(self, first: bytes) -> None:
        """Refuse an input that is no JSON lines, and columns that its first object has not."""
        text = first.strip()
        where = self._lines.name
        if text.startswith(b"["):
            raise InputError(f"{where} {NO_LINES.format(kind='array', filter='.[]')}")
        if text == b"{":
            raise InputError(f"{where} {NO_LINES.format(kind='document', filter='.')}")
        if is_url(begins := decoded(text)):
            begins = without_query(shown(begins))
            raise InputError(
                f"{where} is no JSON but begins with {begins}; have it read as text {BY_FORMAT}"
            )
        try:
            value = _value(first)
        except _BadLineError:
            return
        if isinstance(value, dict):
            column, id_column = self._asked
            source_name(tuple(value), column, where)
            id_name(tuple(value), id_column, where)


def _value(line: bytes) -> Any:
    if len(line) > LONGEST:
        raise _BadLineError(f"a line of more than {LONGEST:,} bytes")
    try:
        return msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        problem = f"no JSON: {str(error).removeprefix('JSON is malformed: ')}"
    try:
        return json.loads(line.decode())  # which reads NaN and lone surrogates, too
    except UnicodeDecodeError:
        problem = f"not UTF-8; {TO_UTF8}"
    except (ValueError, RecursionError):
        pass
    raise _BadLineError(problem)
