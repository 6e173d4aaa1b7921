"""Ids of rows: the cells of any type, as text."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import attrs

LONGEST_ID = 256
"""Maximum number of characters of an id that nobody asked for. A longer text is not an id."""


@attrs.define
class Ids:
    """The ids of one input.

    Args:
        columns: The columns of images and ids; the second is None if there are no ids.
        asked: True if the user has named the column. Then a cell that cannot be an id makes a bad
            row; else the row is read without an id.
        reason: Why no row has an id, although the input has a column for ids; may be empty.

    Attributes:
        left_out: Number of ids that were left out.
    """

    columns: tuple[str, str | None] = "", None
    asked: bool = False
    reason: str = ""
    left_out: int = attrs.field(default=0, init=False)

    def text(self, value: object) -> str | None:
        """Return a cell as text; None if the row has no id.

        Raises:
            ValueError: The user has named the column, and the cell cannot be an id.
        """
        found = id_text(value)
        if found is not None and (self.asked or len(found) <= LONGEST_ID):
            return found or None
        if self.asked and found is None:
            raise ValueError("neither text nor a number")
        self.left_out += 1
        return None

    @property
    def note(self) -> str:
        """Text about ids that are left out, to append to the names of the columns; may be empty."""
        if self.reason:
            return f"; no ids, because {self.reason}"
        if not self.left_out:
            return ""
        return (
            f"; ids left out: {self.left_out:,}, which are lists, objects, not UTF-8, longer than "
            f"{LONGEST_ID} characters, or in a row with more fields than the header"
        )


def id_text(value: object) -> str | None:
    """Return a cell as text: numbers without an exponent, times in ISO 8601; empty for nothing.

    Return None if the cell cannot be an id, for example because it is a list.
    """
    return next((text(value) for kind, text in TEXTS.items() if isinstance(value, kind)), None)


def _number_text(value: float | Decimal) -> str:
    """Return a number as text; empty for NaN, which tables have in place of nothing.

    Integers become fractions in a table where other rows have no id, so `1.0` is `1`.
    """
    if isinstance(value, Decimal):
        return f"{value:f}" if value.is_finite() else ""
    if not math.isfinite(value):
        return ""
    return str(int(value)) if value.is_integer() else f"{Decimal(repr(value)):f}"


def _bytes_text(value: bytes) -> str:
    """Return bytes as text: what they spell, or a UUID, or hexadecimal digits."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = "\0"
    if text.isprintable():
        return text
    return str(UUID(bytes=value)) if len(value) == 16 else value.hex()


TEXTS: dict[type, Callable[[Any], str]] = {
    type(None): lambda _: "",
    str: str,
    bool: lambda value: "true" if value else "false",
    int: str,
    float: _number_text,
    Decimal: _number_text,
    date: lambda value: value.isoformat(),  # a datetime is a date, too
    UUID: str,
    bytes: _bytes_text,
}
"""How each type of cells becomes an id. A bool is an int, too, and stands before it."""
