"""A second copy of the standard library's CSV parser, with its own limit on the size of a field.

`csv.field_size_limit` changes the limit for the whole process, and a library must not do this. The
limit is a variable of the module `_csv` behind `csv`, so this module loads `_csv` once more.
"""

from __future__ import annotations

import importlib.util
from types import ModuleType


def own_csv(characters: int) -> ModuleType:
    """Return the parser as a module; its `reader` takes fields of up to this many characters."""
    found = importlib.util.find_spec("_csv")
    if found is None or found.loader is None:  # pragma: no cover - every CPython has _csv
        raise ImportError("this Python has no module _csv")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    module.field_size_limit(characters)
    return module
