"""Read ids of any type from a column of a Parquet file."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

UNITS = {"s": 0, "ms": 3, "us": 6, "ns": 9}
"""Digits of a second's fraction, for each unit of a timestamp."""

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - `_iso` appends the zone


def can_be_ids(kind: Any) -> bool:
    """Return True if values of a type can be ids: texts, numbers, times, bytes, and nothing."""
    import pyarrow as pa  # noqa: PLC0415 - from the extra

    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    kind = getattr(kind, "storage_type", kind)  # of an extension, such as UUID
    no_ids = (pa.types.is_nested, pa.types.is_time, pa.types.is_duration, pa.types.is_interval)
    return not any(is_of_type(kind) for is_of_type in no_ids)


def id_values(column: Any) -> list[Any]:
    """Return the cells of a column as values of Python.

    Timestamps become text here. PyArrow would make values that have no nanoseconds, and would need
    the rules of each time zone.
    """
    import pyarrow as pa  # noqa: PLC0415 - from the extra

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind = column.type
    if pa.types.is_timestamp(kind):
        numbers = column.cast(pa.int64()).to_pylist()
        return [None if number is None else _iso(number, kind) for number in numbers]
    column = getattr(column, "storage", column)
    try:
        values: list[Any] = column.to_pylist()
    except UnicodeDecodeError:
        values = column.cast(pa.large_binary()).to_pylist()
    return values


def _iso(number: int, kind: Any) -> str:
    """Return a timestamp in ISO 8601, with a fraction if it has one.

    Return the number itself if Python has no such year.
    """
    digits = UNITS[kind.unit]
    seconds, fraction = divmod(number, 10**digits)
    try:
        text = (EPOCH + timedelta(seconds=seconds)).isoformat()
    except OverflowError:
        return str(number)
    zone = "" if kind.tz is None else "+00:00"
    return f"{text}.{fraction:0{digits}d}{zone}" if fraction else text + zone
