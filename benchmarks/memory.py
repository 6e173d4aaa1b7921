"""Measure the memory of this process, as the system or Python counts it."""

from __future__ import annotations

import gc
import resource
import sys
import tracemalloc
from pathlib import Path

_STATUS = Path("/proc/self/status")


def resident_bytes() -> int:
    """Return the resident memory in bytes; its peak on systems without `/proc`."""
    return _status("VmRSS:") if _STATUS.exists() else _peak()


def peak_bytes() -> int:
    """Return the peak of the resident memory in bytes."""
    # Do not use `ru_maxrss` on Linux, because a new process inherits the value of its parent.
    return _status("VmHWM:") if _STATUS.exists() else _peak()


def _status(name: str) -> int:
    _, _, after = _STATUS.read_text(encoding="ascii").partition(name)
    return 1024 * int(after.split(maxsplit=1)[0])


def _peak() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def traced_bytes() -> int:
    """Return the memory that Python holds, in bytes. tracemalloc must have been started before."""
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def grown_since(earlier: int) -> int:
    """Return the growth of the peak since the peak `earlier`, in bytes, exact to a few pages."""
    return max(0, peak_bytes() - earlier)
