"""Lenient reading: reads JSON that is not exactly as documented into the intended class.

The strict decoder is fast and is tried first. This module reads what the strict decoder refuses:
names in another case, numbers as strings, nulls, fields of the wrong type. A field that cannot be
read is left out; nothing is raised.
"""

from __future__ import annotations

import json
import math
import types
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar, get_args, get_type_hints

import msgspec

MOST_WHOLE = 2**53 - 1
"""Up to this number, all JSON readers read the same whole number. Source: RFC 8259, section 6."""

MOST_DIGITS = 1000
"""Length from which on a whole number is read as infinite."""

MOST_ITEMS = 20_000
"""Maximum number of items that are read of a list: more regions than a page of small print has."""

T = TypeVar("T")


_decoder = json.JSONDecoder(strict=False)
_decoder_of_numbers = json.JSONDecoder(
    strict=False, parse_int=lambda digits: int(digits) if len(digits) < MOST_DIGITS else math.inf
)


def first_value(text: str, begin: int = 0) -> tuple[Any, int]:
    """Return the JSON value that begins at a place, and the place where it ends.

    Control characters may stand in a string as they are.

    Raises:
        JSONDecodeError: There is no whole value.
        RecursionError: The value is nested too deeply.
    """
    try:
        return _decoder.raw_decode(text, begin)
    except json.JSONDecodeError:
        raise
    except ValueError:  # Python refuses to convert very long numbers
        return _decoder_of_numbers.raw_decode(text, begin)


def parse(written: bytes) -> object:
    """Return the value that begins a piece of JSON; None without one. Bad UTF-8 is replaced."""
    try:
        return first_value(written.decode("utf-8", "replace"))[0]
    except (ValueError, RecursionError):
        return None


def fields_of(value: object) -> dict[str, Any]:
    """Return the fields of an object by lower-case name; empty if the value is not an object."""
    if not isinstance(value, dict):
        return {}
    return {str(name).lower(): field for name, field in value.items()}


def string(value: object) -> str | None:
    """Return a string, or a number as a string; a lone surrogate becomes `?`."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    return str(value) if isinstance(value, int | float) else None


def number(value: object) -> float | None:
    """Return a finite number, or the number that a string holds."""
    if not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def whole_number(value: object) -> int | None:
    """Return a whole number, also from a float or string; None if it is beyond `MOST_WHOLE`."""
    found = number(value)
    if found is None or not found.is_integer() or abs(found) > MOST_WHOLE:
        return None
    return int(found)


def raw(value: object) -> msgspec.Raw | None:
    """Encode a value again, so that it can be read later; None for null."""
    try:
        return None if value is None else msgspec.Raw(json.dumps(value).encode())
    except RecursionError:  # nested almost too deeply to be read at all
        return None


_LEAVES = {str: string, float: number, int: whole_number, msgspec.Raw: raw}


def read(value: object, kind: Callable[..., T]) -> T | None:
    """Read an instance of a class from a JSON object; return None if this is not possible.

    If a required number is missing, it becomes 0. If a required string is missing, the result is
    None. Elements of a list that cannot be read are left out.
    """
    shape = _shape(kind)
    fields = fields_of(value)
    if isinstance(value, str) and "text" in shape and not shape["text"][2]:
        fields = {"text": value}  # a text in place of an object that may have one
    if not fields:
        return None
    found: dict[str, Any] = {}
    for name, (wire_name, hint, required) in shape.items():
        item = _read_hinted(fields.get(wire_name), hint)
        if item is None:
            if not required:
                continue
            if hint is str:
                return None
            item = hint(0)
        found[name] = item
    return kind(**found)


@cache
def _shape(kind: Any) -> dict[str, tuple[str, Any, bool]]:
    """Return for each field its wire name in lower case, its type, and whether it is required."""
    hints = get_type_hints(kind)
    described: Any = msgspec.inspect.type_info(kind)
    return {
        field.name: (field.encode_name.lower(), hints[field.name], field.required)
        for field in described.fields
    }


def _read_hinted(value: object, hint: Any) -> Any:
    if isinstance(hint, types.UnionType):  # `X | None` is the only union in use
        hint = get_args(hint)[0]
    if hint in _LEAVES:
        return _LEAVES[hint](value)
    arguments = get_args(hint)
    if not arguments:
        return read(value, hint)
    items = value if isinstance(value, list) else [value]  # one value in place of a list
    found = [_read_hinted(item, arguments[0]) for item in items[:MOST_ITEMS]]
    return tuple(item for item in found if item is not None) or None


def read_all(value: object, kind: Callable[..., T]) -> tuple[T, ...]:
    """Read a list of instances of a class, or a single instance without a list; see `read`."""
    found: tuple[T, ...] | None = _read_hinted(value, tuple[kind, ...])  # type: ignore[valid-type]
    return found or ()
