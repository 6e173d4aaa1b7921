"""Read images that are listed as JSON lines: one JSON value per line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from aliocr.checks import is_url
from aliocr.job.errors import BY_COLUMN, BY_FORMAT, InputError
from aliocr.job.input.columns import RANKS, Choice, described, id_name, listed, row_of, source_name
from aliocr.job.input.ids import Ids, id_text
from aliocr.job.input.lines import LONGEST, TO_UTF8, LineReader, Lines, decoded, shown
from aliocr.job.input.rows import BadRow, RowOrBad
from aliocr.redaction import without_query

NO_LINES = (
    "is one JSON {kind}, but needs one line per image; convert it with jq -c '{filter}', or with "
    "to_json(orient='records', lines=True) of pandas"
)


_TEXT_ALONE = Ids(("the text", None))


class JSONLinesReader(LineReader):
    """Reads one row per line. A line is an object with the image in one of its fields, or a text.

    A text is the URL or path of the image itself. The columns are looked for in each object again,
    because objects may have different fields. If the first line is an object, it must have the
    columns that the caller chose, so that a wrong name is reported immediately.

    A column may be a path into objects: `image.url` is the field `url` of the field `image`.
    """

    def __init__(self, lines: Lines, choice: Choice) -> None:
        super().__init__(lines)
        lines.old_ends = choice.ranks is RANKS
        self._choice = choice
        self.ids = Ids(asked=choice.id_column is not None)
        self._by_path = any("." in (name or "") for name in (choice.column, choice.id_column))
        self._fields: tuple[str, ...] | None = None
        first, where = lines.begin(), lines.name
        begins = decoded(first).strip()
        if begins.startswith("["):
            raise InputError(f"{where} {NO_LINES.format(kind='array', filter='.[]')}")
        if begins == "{":
            raise InputError(f"{where} {NO_LINES.format(kind='document', filter='.')}")
        if is_url(begins):
            begins = without_query(shown(begins))
            raise InputError(
                f"{where} is not JSON but begins with {begins}; give the format text {BY_FORMAT}"
            )
        try:
            value = _value(first)
        except InputError:  # `__iter__` makes a bad row of this line later
            return
        if isinstance(value, dict):
            value = with_paths(value) if self._by_path else value
            fields = tuple(value)
            self.ids.columns = source_name(fields, choice, where), id_name(fields, choice, where)
            self.columns = self.ids.columns
            if choice.ranks is RANKS:
                _check_is_no_object(value, self.ids.columns[0], where)
            if (column := choice.id_column) is not None and id_text(value[column]) is None:
                raise InputError(
                    f"{where} has lists or objects in {shown(column)}, which cannot be ids; give a "
                    "field of texts or numbers"
                )

    def __iter__(self) -> Iterator[RowOrBad]:
        """Yield the rows from the current position, in the order of the file."""
        lines = self._lines
        while line := lines.read():
            lines.take(line)
            if not line.isspace():
                self._number += 1
                yield self._row(line)

    @property
    def description(self) -> str:
        """Text that names the fields of image and id in the last object that was read."""
        column, id_column = self.ids.columns
        return (described(column, id_column) if column else "each line") + self.note

    def _row(self, line: bytes) -> RowOrBad:
        at = self._lines.line
        try:
            value = _value(line)
            if isinstance(value, str):
                return row_of(self._number, value, None, at, _TEXT_ALONE)
            if self._by_path:
                value = with_paths(value)
            fields = tuple(value)
            if fields != self._fields:  # seldom true: most objects have the same fields
                id_column = self._choice.id_column
                no_id = id_column is not None and id_column not in fields
                self.ids.columns = (
                    source_name(fields, self._choice, "it"),
                    None if no_id else id_name(fields, self._choice, "it"),
                )
                self._fields = fields
        except InputError as error:
            return BadRow(self._number, shown(decoded(line).strip()), str(error), line=at)
        source, id_ = self.ids.columns
        name = None if id_ is None else value[id_]
        return row_of(self._number, value[source], name, at, self.ids)


def with_paths(value: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of an object, and then the fields of the objects in it, by their paths.

    A field whose own name has a dot goes before a path.
    """
    found, objects = dict(value), [("", value)]
    for path, inner in objects:  # which grows meanwhile, so that nothing is too deep
        for name, each in inner.items():
            found.setdefault(path + name, each)
            if isinstance(each, dict):
                objects.append((f"{path}{name}.", each))
    return found


def _check_is_no_object(value: dict[str, Any], column: str, where: str) -> None:
    """Raise `InputError` if the images are to be in a field that has an object."""
    if isinstance(value[column], dict):
        paths = [
            path
            for path, each in with_paths(value).items()
            if path.startswith(f"{column}.") and not isinstance(each, dict)
        ]
        raise InputError(
            f"{where} has objects in {shown(column)}, not URLs or paths; give the column "
            f"{BY_COLUMN}, one of {listed(paths)}"
        )


def _value(line: bytes) -> dict[str, Any] | str:
    """Return the object or the text of a line.

    Raises:
        InputError: The line has neither an object nor a text. The message is the reason.
    """
    if len(line) > LONGEST:
        raise InputError(f"the line has more than {LONGEST:,} bytes")
    try:
        value = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        problem = f"it is not JSON: {str(error).removeprefix('JSON is malformed: ')}"
        cut = "; it is the last line, and seems to be cut off"
        is_ended = line.endswith((b"\n", b"\r"))
        try:
            value = json.loads(line.decode())  # reads NaN and lone surrogates; msgspec does not
        except UnicodeDecodeError:
            encoding = f"it is not UTF-8; {TO_UTF8}"
            raise InputError(encoding if is_ended else f"it is not UTF-8{cut}") from None
        except (ValueError, RecursionError):
            raise InputError(problem if is_ended else problem + cut) from None
    if not isinstance(value, dict | str):
        raise InputError("it is neither an object nor a text")
    return value
