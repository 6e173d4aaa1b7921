"""The standard library's CSV parser, with a field limit of its own.

`csv.field_size_limit` is one setting for the whole process, and other code may rely on it. The
setting lies in the module behind `csv`, so that module is loaded a second time here.
"""

from __future__ import annotations

import importlib.util
from types import ModuleType


def own_csv(characters: int) -> ModuleType:
    """Return a copy of the parser's module whose fields have at most this many characters."""
    found = importlib.util.find_spec("_csv")
    if found is None or found.loader is None:  # pragma: no cover - it is in every CPython
        raise ImportError("this Python has no _csv")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    module.field_size_limit(characters)
    return module
