"""The columns of an export that is a table: the plain columns of an output, and the lines."""

from __future__ import annotations

from typing import Any

from aliocr.columns import COLUMNS as OUTCOME_COLUMNS
from aliocr.job.output.codecs import fields_of
from aliocr.job.output.result import Read, Result

FIRST = ("row", "id", "source", "ok", "needs_review", "text", "lines", "error")
"""The columns that people look for, which therefore come first."""

LISTS = ("regions", "frames")
"""The columns of an output that are no plain values."""

COLUMNS = (*FIRST, *(name for name in ("line", *OUTCOME_COLUMNS) if name not in (*FIRST, *LISTS)))
"""All columns of a table, in order."""


def values_of(result: Result) -> dict[str, Any]:
    """Return the value of each column; `lines` has the lines in reading order, one below another.

    Characters that UTF-8 cannot encode are escaped; a file name in another encoding may have them.
    """
    fields = fields_of(result, regions=tuple)
    fields["lines"] = "\n".join(result.lines) if isinstance(result, Read) else ""
    fields["code"] = None if fields["code"] is None else str(fields["code"])
    return {name: writable(fields[name]) for name in COLUMNS}


def writable(value: Any) -> Any:
    """Return a value in which UTF-8 can encode each character, and no text ends at a NUL."""
    if not isinstance(value, str):
        return value
    return (
        value.replace("\0", "\N{REPLACEMENT CHARACTER}")
        .encode("utf-8", "backslashreplace")
        .decode()
    )
