"""Versions of outputs and journals: what a file of each version has.

A job goes on in the version in which it was begun, so that its output has one kind of rows from its
first to its last. The columns of an output tell its version. A journal has the number as SQLite's
`user_version`; it counts where the output has no row yet.

A version never changes, because its files exist. Other columns or values need a new version here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from aliocr.columns import COLUMNS as OUTCOME_COLUMNS

OWN = ("row", "line", "id")
"""Columns that outcomes outside of a job do not have."""

_ALWAYS = {"row", "source", "ok"}


@attrs.frozen
class Ragged:
    """How a version writes rows that do not have all columns: it leaves out empty ones.

    Args:
        read: Columns that a row has even if they are empty, if its image was read.
        unread: The same, if its image was not read.
        tables: Columns that such a row has besides in CSV and Parquet.
        never: Columns that a row never has if its image was not read.
    """

    read: frozenset[str]
    unread: frozenset[str]
    tables: frozenset[str]
    never: frozenset[str]

    def fields(self, row: dict[str, Any], *, table: bool) -> dict[str, Any]:
        """Return the columns of a row that are written."""
        row["frames"] = [filled(frame) for frame in row["frames"]]
        if row["ok"]:
            return {name: value for name, value in row.items() if value or name in self.read}
        kept = self.unread | self.tables if table else self.unread
        return {
            name: value
            for name, value in row.items()
            if (value and name not in self.never) or name in kept
        }


@attrs.frozen(eq=False)
class Version:
    """What outputs and journals of one version have.

    Args:
        number: The number of the version.
        columns: The columns of outputs, in their order.
        ragged: How rows leave out empty columns; None if they have all columns.
        code_is_text: True if codes are text in JSON lines, as they are in CSV and Parquet.
        lacks: Facts of a job's state that journals do not have.
    """

    number: int
    columns: tuple[str, ...]
    ragged: Ragged | None = None
    code_is_text: bool = False
    lacks: frozenset[str] = frozenset()

    def fields(self, row: dict[str, Any], *, table: bool = False) -> dict[str, Any]:
        """Return those of all columns that a row of an output has.

        Args:
            row: All columns.
            table: True for CSV and Parquet.
        """
        code = row["code"]
        if self.code_is_text and code is not None:
            row["code"] = str(code)
        if self is NEWEST:
            return row
        row = {name: row[name] for name in self.columns}
        return row if self.ragged is None else self.ragged.fields(row, table=table)


def filled(frame: Mapping[str, Any]) -> dict[str, Any]:
    """Return a frame without its empty fields but its text."""
    return {
        name: value for name, value in frame.items() if name == "text" or value not in ("", None)
    }


NEWEST = Version(4, (*OWN, *OUTCOME_COLUMNS), code_is_text=True)

_THIRD = Version(
    3,
    (
        *(*OWN, "source", "ok", "data_id", "interval", "max_frames", "text", "regions", "frames"),
        *("label", "suggestion", "needs_review", "rate", "task_id", "request_id"),
        *("kind", "code", "error", "transient", "maybe_charged"),
    ),
)

OLDEST = Version(
    2,
    (
        *(*OWN, "source", "ok", "text", "regions", "frames", "label", "suggestion", "rate"),
        *("interval", "max_frames", "task_id", "request_id"),
        *("kind", "code", "error", "maybe_charged"),
    ),
    Ragged(
        read=frozenset({*_ALWAYS, "text", "regions"}),
        unread=frozenset({*_ALWAYS, "kind", "code", "error"}),
        tables=frozenset({"maybe_charged"}),
        never=frozenset({"interval", "max_frames"}),
    ),
    lacks=frozenset({"output_format", "ending", "unproved", "by_ranks"}),
)

VERSIONS = {version.number: version for version in (NEWEST, _THIRD, OLDEST)}
"""The versions in which jobs can go on, by their numbers."""


def version_of(columns: Iterable[str]) -> Version | None:
    """Return the version of an output by its columns, or by the keys of a line of JSON."""
    names = tuple(columns)
    for version in VERSIONS.values():
        if names == version.columns:
            return version
    for version in VERSIONS.values():
        if version.ragged is not None and _ALWAYS <= set(names) <= set(version.columns):
            return version
    return None
