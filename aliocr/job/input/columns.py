"""Which column of an input is the image and which the id, and what stands in a cell of them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from aliocr.checks import is_url
from aliocr.errors import without_query
from aliocr.job.errors import BY_COLUMN, InputError
from aliocr.job.input.lines import shown
from aliocr.job.input.rows import BadRow, Row, RowOrBad

SOURCES = ("url", "image", "image_url", "uri", "source", "path", "link", "file")
"""What the column of the images is called if nobody says; the first of these that there is."""

IDS = ("id", "data_id")
"""The same for the column of the ids."""

LISTED = 20
"""Names of columns in a message, at most."""


def source_name(names: Sequence[str], column: str | None, where: str) -> str:
    """The column that names the images.

    Args:
        names: The columns there are.
        column: What the caller asked for; None for the only one, or the one with a usual name.
        where: What has these columns, for messages.

    Raises:
        InputError: There is none such, or no telling which.
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
    """The same for the ids, which there need not be."""
    if column is not None:
        return _named(names, column, where)
    found = _usual(names, IDS) if len(names) > 1 else None
    return None if found is None else _named(names, found, where)


def taken(column: str, id_column: str | None) -> str:
    """What the rows are made of, in words."""
    ids = "" if id_column is None else f", with the ids in {shown(id_column)}"
    return f"the column {shown(column)}{ids}"


def listed(names: Sequence[str]) -> str:
    """The names of columns, for a message."""
    if not names:
        return "none"
    more = f" and {len(names) - LISTED:,} more" if len(names) > LISTED else ""
    # A first row taken for a header may hold anything.
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
    """The row that two cells make.

    Args:
        number: Its place in the input, from 1.
        source: What stands in the column of the images.
        name: What stands in that of the ids; None if there is no such column.
        line: The line it begins at.
        column: What the column of the images is called.
    """
    if name is not None and type(name) is not str:
        if isinstance(name, bool) or not isinstance(name, int | float | Decimal):
            return BadRow(number, _told(source), "its id is neither text nor a number", None, line)
        name = str(name)
    identity = name or None
    if type(source) is not str or not source or source.isspace():
        problem = f"{shown(column)} is {_nothing(source)}"
        return BadRow(number, _told(source), problem, identity, line)
    if source[0].isspace() or source[-1].isspace():
        source = _tidied(source)
    if "\0" in source:
        return BadRow(number, shown(source), "a NUL byte in it", identity, line)
    return Row(number, source, identity, line)


def _tidied(source: str) -> str:
    """White space around a URL is none of it, while a file's name may end in a space."""
    stripped = source.strip()
    return stripped if is_url(stripped) else source


def _nothing(source: object) -> str:
    return "empty" if source is None or isinstance(source, str) else "no text"


def _told(source: object) -> str:
    return shown(source) if isinstance(source, str) else ""
