"""Choose the columns of images and ids, and make a row from their cells."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from aliocr.checks import is_url
from aliocr.job.errors import BY_COLUMN, InputError
from aliocr.job.input.ids import LONGEST_ID, Ids
from aliocr.job.input.lines import shown
from aliocr.job.input.rows import BadRow, Row, RowOrBad
from aliocr.redaction import without_query

RANKS: tuple[tuple[str, ...], ...] = (
    ("image_url", "image_urls", "image_link"),
    ("image", "img", "photo", "picture"),
    ("url", "link", "src", "href"),
    ("uri", "source", "path", "file"),
)
"""Usual names of the column of the images, the surest first: beside `image_url`, `url` is a page.
Between two names of one rank the user must choose, because either column may have the images."""

EARLIER_RANKS = tuple(
    (name,) for name in ("url", "image", "image_url", "uri", "source", "path", "link", "file")
)
"""The names, in their order, by which an earlier version of aliocr chose the column."""

IDS = ("id", "data_id")
"""Usual names of the column of the ids. The first of these names that the input has is used."""

LISTED = 20
"""Maximum number of column names in one message."""


@attrs.frozen
class Choice:
    """How the columns of images and ids are chosen.

    Args:
        column: The column of the images. None means the only column, or, if there are several
            columns, the one with the surest name in `ranks`.
        id_column: The column of the ids. None means the first name of `IDS` that the input has.
        ranks: `EARLIER_RANKS` for a job that an earlier version began, else `RANKS`.
    """

    column: str | None = None
    id_column: str | None = None
    ranks: tuple[tuple[str, ...], ...] = RANKS


def source_name(names: Sequence[str], choice: Choice, where: str) -> str:
    """Return the name of the column of the images.

    Args:
        names: Names of all columns.
        choice: How the column is chosen.
        where: Name of the input that has the columns, for messages.

    Raises:
        InputError: There is no such column, or several columns may be the one.
    """
    if choice.column is not None:
        return _named(names, choice.column, where)
    if len(names) == 1:
        return names[0]
    for rank in choice.ranks:
        match [name for name in dict.fromkeys(names) if name.lower() in rank]:
            case []:
                continue
            case [name]:
                return _named(names, name, where)
            case several:
                if choice.ranks is EARLIER_RANKS:
                    return _named(names, several[0], where)
                raise InputError(
                    f"{where} has the columns {listed(several)}, and each may have the images; "
                    f"give the column {BY_COLUMN}"
                )
    raise InputError(
        f"{where} has no column image_url, image or url; give the column {BY_COLUMN}, one of "
        f"{listed(names)}"
    )


def id_name(names: Sequence[str], choice: Choice, where: str) -> str | None:
    """Return the name of the column of the ids; None if there is no such column.

    If the input has only one column, this column has the images, not the ids. Of two columns of one
    name, none is taken unless the user asks for it, and then this is an error.
    """
    if choice.id_column is not None:
        return _named(names, choice.id_column, where)
    lowered = {name.lower(): name for name in reversed(names)} if len(names) > 1 else {}
    found = next((lowered[name] for name in IDS if name in lowered), None)
    return found if found is not None and names.count(found) == 1 else None


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
        case _:
            at = listed([str(place) for place, name in enumerate(names, 1) if name == column])
            raise InputError(
                f"{where} has the column {shown(column)} several times, as columns {at}; rename "
                "all but one"
            )


def row_of(number: int, source: object, name: object, line: int | None, ids: Ids) -> RowOrBad:
    """Return the row that the cells of image and id make.

    `name` is the cell of the id; None if there is no column of ids.
    """
    column, id_column = ids.columns
    identity: str | None
    if name is None:
        identity = None
    elif type(name) is str and len(name) <= LONGEST_ID:
        identity = name or None
    elif type(name) is int:
        identity = str(name)
    else:
        try:
            identity = ids.text(name)
        except ValueError as error:
            problem = f"its id in {shown(id_column or '')} is {error}"
            return BadRow(number, _told(source), problem, None, line)
    if type(source) is list:
        if len(source) > 1:
            problem = f"{shown(column)} has {len(source):,} images; write a row for each"
            return BadRow(number, "", problem, identity, line)
        source = source[0] if source else None
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
