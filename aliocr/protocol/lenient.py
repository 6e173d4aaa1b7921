"""Reading JSON that is not quite what was promised, into the class that was meant.

The strict decoder is tried first and is fast; this is for what it refuses: names in another case,
numbers as strings, nulls, fields of the wrong kind. What cannot be read is left out, not raised.
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
"""The greatest number up to which all whole ones are told apart where JSON is read as it often is.
Source: RFC 8259, section 6."""

T = TypeVar("T")


def parse(body: bytes) -> object:
    """The plain JSON value of a body, or None if there is none; bad UTF-8 is replaced."""
    try:
        return json.loads(body.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        return None


def fields_of(value: object) -> dict[str, Any]:
    """An object's fields by lower-case name; empty for anything else than an object."""
    if not isinstance(value, dict):
        return {}
    return {str(name).lower(): field for name, field in value.items()}


def string(value: object) -> str | None:
    """Strings, and numbers as strings; a lone surrogate becomes `?`, as nothing can encode it."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    return str(value) if isinstance(value, int | float) else None


def number(value: object) -> float | None:
    """Finite numbers, and strings that hold one."""
    if not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def whole_number(value: object) -> int | None:
    """Whole numbers, also as floats or strings; none beyond `MOST_WHOLE`."""
    found = number(value)
    if found is None or not found.is_integer() or abs(found) > MOST_WHOLE:
        return None
    return int(found)


def raw(value: object) -> msgspec.Raw | None:
    """The value as JSON, for what is read later; nothing for null."""
    try:
        return None if value is None else msgspec.Raw(json.dumps(value).encode())
    except RecursionError:  # it was deep enough to be read just so
        return None


_LEAVES = {str: string, float: number, int: whole_number, msgspec.Raw: raw}


def read(value: object, kind: Callable[..., T]) -> T | None:
    """An instance of a class, as far as the value has it; None if it is no such thing.

    A missing number that the class insists on is 0; without a string it insists on, there is no
    instance. Elements of a list that cannot be read are dropped.
    """
    fields = fields_of(value)
    if not fields:
        return None
    found: dict[str, Any] = {}
    for name, (wire_name, hint, required) in _shape(kind).items():
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
    """Of each field: its name on the wire in lower case, its type, whether the class insists."""
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
    items = value if isinstance(value, list) else [value]  # one thing where a list was meant
    found = [_read_hinted(item, arguments[0]) for item in items]
    return tuple(item for item in found if item is not None) or None


def read_all(value: object, kind: Callable[..., T]) -> tuple[T, ...]:
    """The instances of a class in a list, or the one that stands there alone; see `read`."""
    found: tuple[T, ...] | None = _read_hinted(value, tuple[kind, ...])  # type: ignore[valid-type]
    return found or ()
