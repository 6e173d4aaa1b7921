"""The memory of this process, as the system counts it."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

__all__ = ["grown_since", "peak_bytes", "resident_bytes"]

_STATUS = Path("/proc/self/status")


def resident_bytes() -> int:
    """What is resident now; where the system does not say, the most that ever was."""
    return _status("VmRSS:") if _STATUS.exists() else _peak()


def peak_bytes() -> int:
    """The most that was ever resident at once."""
    # Not `ru_maxrss`: on Linux a new process starts with that of the one that spawned it.
    return _status("VmHWM:") if _STATUS.exists() else _peak()


def _status(name: str) -> int:
    _, _, after = _STATUS.read_text(encoding="ascii").partition(name)
    return 1024 * int(after.split(maxsplit=1)[0])


def _peak() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def grown_since(earlier: int) -> int:
    """Bytes by which the peak has grown; the system's own count may be off by a few pages."""
    return max(0, peak_bytes() - earlier)
