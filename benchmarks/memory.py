"""The memory of this process, as the system counts it."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

__all__ = ["grown_since", "peak_bytes"]

_STATUS = Path("/proc/self/status")


def peak_bytes() -> int:
    """The most that was ever resident at once."""
    if _STATUS.exists():
        # Not `ru_maxrss`: on Linux a new process starts with that of the one that spawned it.
        _, _, after = _STATUS.read_text(encoding="ascii").partition("VmHWM:")
        return 1024 * int(after.split(maxsplit=1)[0])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def grown_since(earlier: int) -> int:
    """Bytes by which the peak has grown; the system's own count may be off by a few pages."""
    return max(0, peak_bytes() - earlier)
