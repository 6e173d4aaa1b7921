"""Memory of this process as the system counts it."""

from __future__ import annotations

import gc
import resource
import sys
import tracemalloc
from pathlib import Path

_STATUS = Path("/proc/self/status")


def resident_bytes() -> int:
    """Return the resident memory; where the system does not say, its peak."""
    return _status("VmRSS:") if _STATUS.exists() else _peak()


def peak_bytes() -> int:
    """Return the peak of the resident memory."""
    # Not `ru_maxrss`: on Linux a new process inherits the value of its parent.
    return _status("VmHWM:") if _STATUS.exists() else _peak()


def _status(name: str) -> int:
    _, _, after = _STATUS.read_text(encoding="ascii").partition(name)
    return 1024 * int(after.split(maxsplit=1)[0])


def _peak() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def traced_bytes() -> int:
    """Return the bytes that Python holds; tracemalloc must have been started."""
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def grown_since(earlier: int) -> int:
    """Return the growth of the peak in bytes, exact to a few pages."""
    return max(0, peak_bytes() - earlier)
