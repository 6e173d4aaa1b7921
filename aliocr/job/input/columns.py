"""Choose the columns of images and ids, and make a row from their cells."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from aliocr.checks import is_url
from aliocr.job.errors import BY_COLUMN, InputError
from aliocr.job.input.lines import shown
from aliocr.job.input.rows import BadRow, Row, RowOrBad
from aliocr.redaction import without_query

SOURCES = ("url", "image", "image_url", "uri", "source", "path", "link", "file")
"""Usual names of the column of the images. The first of these names that the input has is used."""

IDS = ("id", "data_id")
"""Usual names of the column of the ids. The first of these names that the input has is used."""

LISTED = 20
"""Maximum number of column names in one message."""


def source_name(names: Sequence[str], column: str | None, where: str) -> str:
    """Return the name of the column of the images.

    Args:
        names: Names of all columns.
        column: The column that the caller chose. None means the only column, or, if there are
            several columns, the first name of `SOURCES` that the input has.
        where: Name of the input that has the columns, for messages.

    Raises:
        InputError: There is no such column, or several columns have its name.
    """
    if column is not None:
        return _named(names, column, where)
    if len(names) == 1:
        return names[0]
    found = _usual(names, SOURCES)
    if found is None:
        raise InputError(
            f"{where} has no column url or image; give the column {BY_COLUMN}, one of "
            f"{listed(names)}"
        )
    return _named(names, found, where)


def id_name(names: Sequence[str], column: str | None, where: str) -> str | None:
    """Return the name of the column of the ids; None if there is no such column.

    If the caller chose no `column`, the name is the first name of `IDS` that the input has. If the
    input has only one column, this column has the images, not the ids.
    """
    if column is not None:
        return _named(names, column, where)
    found = _usual(names, IDS) if len(names) > 1 else None
    return None if found is None else _named(names, found, where)


def described(column: str, id_column: str | None) -> str:
    """Return the text for `Reader.description` that names these columns."""
    ids = "" if id_column is None else f", with the ids in {shown(id_column)}"
    return f"the column {shown(column)}{ids}"


def listed(names: Sequence[str]) -> str:
    """Return the names of columns as one text for a message."""
    if not names:
        return "none"
    more = f" and {len(names) - LISTED:,} more" if len(names) > LISTED else ""
    # Shorten each name and remove its query, because without a header the "names" may be URLs.
    return ", ".join(without_query(shown(name)) or "''" for name in names[:LISTED]) + more


def _named(names: Sequence[str], column: str, where: str) -> str:
    match names.count(column):
        case 0:
            raise InputError(f"{where} has no column {shown(column)}; it has {listed(names)}")
        case 1:
            return column
        case count:
            raise InputError(f"{where} has {count} columns {shown(column)}; rename all but one")


def _usual(names: Sequence[str], usual: Sequence[str]) -> str | None:
    lowered = {name.lower(): name for name in reversed(names)}
    return next((lowered[name] for name in usual if name in lowered), None)


def row_of(number: int, source: object, name: object, line: int | None, column: str) -> RowOrBad:
    """Return the row that the cells of image and id make.

    `name` is the cell of the id; None if there is no column of ids.
    """
    if name is not None and type(name) is not str:
        if isinstance(name, bool) or not isinstance(name, int | float | Decimal):
            return BadRow(number, _told(source), "its id is neither text nor a number", None, line)
        name = str(name)
    identity = name or None
    if type(source) is not str or not source or source.isspace():
        nothing = "empty" if source is None or isinstance(source, str) else "not a text"
        return BadRow(number, _told(source), f"{shown(column)} is {nothing}", identity, line)
    # Remove white space around a URL, but not around a path: a file's name may end in a space.
    if (source[0].isspace() or source[-1].isspace()) and is_url(source.strip()):
        source = source.strip()
    if "\0" in source:
        return BadRow(number, shown(source), "it contains a NUL byte", identity, line)
    return Row(number, source, identity, line)


def _told(source: object) -> str:
    return shown(source) if isinstance(source, str) else ""
