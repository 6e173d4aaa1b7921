"""A second copy of the standard library's CSV parser, with a limit of its own.

`csv.field_size_limit` changes the limit for the whole process, which is not ours to change. The
limit lies in the module `_csv` behind `csv`, so `_csv` is loaded once more.
"""

from __future__ import annotations

import importlib.util
from types import ModuleType


def own_csv(characters: int) -> ModuleType:
    """Return the parser as a module whose `reader` takes fields of so many characters at most."""
    found = importlib.util.find_spec("_csv")
    if found is None or found.loader is None:  # pragma: no cover - it is in every CPython
        raise ImportError("this Python has no _csv")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    module.field_size_limit(characters)
    return module
