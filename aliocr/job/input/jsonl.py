"""Images listed in a file of JSON, a value a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from aliocr.errors import without_query
from aliocr.job.errors import BY_FORMAT, InputError
from aliocr.job.input.columns import id_name, row_of, source_name, taken
from aliocr.job.input.lines import LONGEST, TO_UTF8, LineReader, Lines, decoded, shown
from aliocr.job.input.rows import BadRow, Checkpoint, RowOrBad

NO_LINES = (
    "is one JSON {kind}, not a line for each image; make it lines with jq -c '{filter}', or with "
    "to_json(orient='records', lines=True) of pandas"
)


class _BadLineError(ValueError):
    """A line that says no row, and why."""


class JSONLinesReader(LineReader):
    """An object a line, with the image in one of its fields; a text alone is an image, too.

    Each line is judged by itself, as objects need not have the same fields. Only the first has to
    have the columns asked for, so that a wrong name is told at once.

    Args:
        lines: The input.
        column: The field of the images; None for the usual one.
        id_column: That of the ids; None for the usual one, if there is.
        checkpoint: Where to go on; None for the beginning.

    Raises:
        InputError: These are no lines of JSON, the first object has no such field, or the input is
            not the one of the checkpoint.
    """

    def __init__(
        self,
        lines: Lines,
        *,
        column: str | None = None,
        id_column: str | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> None:
        super().__init__(lines)
        self._asked = column, id_column
        self._fields: tuple[str, ...] | None = None
        self._columns: tuple[str, str | None] = "", None
        if checkpoint is None or not checkpoint.number:
            self._look_at(lines.begin())
        self._go_on(checkpoint)

    def __iter__(self) -> Iterator[RowOrBad]:
        """The rows from here on, in order."""
        lines = self._lines
        while line := lines.read():
            lines.take(line)
            if not line.isspace():
                self._number += 1
                yield self._row(line)

    @property
    def taken(self) -> str:
        """What rows are made of; objects need not be alike, and the last one counts."""
        column, id_column = self._columns
        return taken(column, id_column) if column else "each line"

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
        """The fields of image and id; most objects have the same as the one before."""
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

    def _look_at(self, first: bytes) -> None:
        """Refuse what is no JSON lines at all, and columns that the first object has not."""
        text = first.strip()
        where = self._lines.name
        if text.startswith(b"["):
            raise InputError(f"{where} {NO_LINES.format(kind='array', filter='.[]')}")
        if text == b"{":
            raise InputError(f"{where} {NO_LINES.format(kind='document', filter='.')}")
        if text.lower().startswith((b"http://", b"https://")):
            begins = without_query(shown(decoded(text)))
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
    """What a line says.

    Raises:
        _BadLineError: Nothing.
    """
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
