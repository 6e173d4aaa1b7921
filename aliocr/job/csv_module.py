"""The standard library's parser of CSV, with a limit of its own.

`csv.field_size_limit` rules the whole process, where it is another's: the limit lies in the module
behind `csv`, so there is one module more.
"""

from __future__ import annotations

import importlib.util
from types import ModuleType


def own_csv(characters: int) -> ModuleType:
    """The parser's module; its `reader` takes fields of so many characters at most."""
    found = importlib.util.find_spec("_csv")
    if found is None or found.loader is None:  # pragma: no cover - it is in every CPython
        raise ImportError("this Python has no _csv")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    module.field_size_limit(characters)
    return module
