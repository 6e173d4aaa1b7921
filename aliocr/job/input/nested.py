"""Name the fields of fields by paths: `image.url`, and `images.0` for the first of a list.

A column whose own name has a dot goes before a path.
"""

from __future__ import annotations

from typing import Any


def with_paths(value: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a JSON object, and then what is in them, by their paths."""
    found: dict[str, Any] = dict(value)
    holders: list[tuple[str, Any]] = [("", value)]
    for path, inner in holders:  # which grows meanwhile, so that nothing is too deep
        for name, each in inner.items() if isinstance(inner, dict) else enumerate(inner):
            found.setdefault(f"{path}{name}", each)
            if isinstance(each, dict | list):
                holders.append((f"{path}{name}.", each))
    return found


def fields_in(schema: Any) -> dict[str, tuple[tuple[str, ...], Any]]:
    """Return the columns of a schema of PyArrow, and then the fields of its structs, by paths.

    Each has the names of its column and of the fields in it, and its type.
    """
    columns: list[tuple[tuple[str, ...], Any]] = [((each.name,), each.type) for each in schema]
    found = {names[0]: (names, kind) for names, kind in columns}
    for names, kind in columns:  # which grows meanwhile
        found.setdefault(".".join(names), (names, kind))
        inner = getattr(kind, "fields", ())  # only a struct has fields
        columns += [((*names, field.name), field.type) for field in inner]
    return found


def cells_at(batch: Any, names: tuple[str, ...]) -> Any:
    """Return the cells of one of `fields_in` in a batch of rows."""
    from pyarrow import compute  # noqa: PLC0415 - from the extra

    column, *fields = names
    return compute.struct_field(batch.column(column), fields) if fields else batch.column(column)
