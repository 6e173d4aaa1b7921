"""Results of one run (figures and machine), and their conversion to and from JSON."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

import attrs
import msgspec

from benchmarks.figures import Row
from benchmarks.quotas import Scenario

PACKAGES = (
    *("aliocr", "aiohttp", "aiolimiter", "attrs", "msgspec", "tenacity"),
    *("aliyun-python-sdk-core", "aliyun-python-sdk-green", "alibabacloud-tea-openapi", "httpx"),
)

Size = Literal["quick", "full"]


@attrs.frozen
class Machine:
    """Machine of a run, with the versions of packages and the system load before the run."""

    date: str
    cores: int
    load_before: float | None
    system: str
    python: str
    versions: Mapping[str, str | None]


def machine() -> Machine:
    """Return a description of this machine."""
    return Machine(
        date=datetime.now(UTC).isoformat(timespec="minutes"),
        cores=os.cpu_count() or 1,
        load_before=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        system=f"{platform.system()} {platform.machine()}",
        python=f"{platform.python_implementation()} {platform.python_version()}",
        versions={name: _version(name) for name in PACKAGES},
    )


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


@attrs.frozen
class Run:
    """All results of one command, in the order of the table.

    Args:
        machine: Description of the machine.
        size: Size of the run.
        rows: Rows of the table.
        raised_quotas: Scenario that is printed below the table; None if it was not chosen.
        missing: One sentence for each peer that is not installed.
    """

    machine: Machine
    size: Size
    rows: tuple[Row, ...]
    raised_quotas: Scenario | None
    missing: tuple[str, ...]

    @property
    def lost(self) -> int:
        """Number of images without an outcome, and of surplus outcomes, in the whole run."""
        scenario = self.raised_quotas
        return sum(row.lost for row in self.rows) + (scenario.lost if scenario else 0)

    @property
    def far_off(self) -> tuple[str, ...]:
        """One sentence per figure that is so far off its target that there must be a defect."""
        return tuple(
            f"row {row.number}: {measured}, target {reach}"
            for row in self.rows
            for figure in row.figures
            if figure.far_off
            for measured, reach, _ in [figure.cells]
        )

    def to_json(self) -> bytes:
        """Return JSON that `from_json` reads. Medians and verdicts are added for other readers."""
        # Convert whole numbers in float fields to floats, as `from_json` does.
        read = msgspec.convert(attrs.asdict(self), Run)
        run = attrs.asdict(read)
        for row, written in zip(read.rows, run["rows"], strict=True):
            written["verdict"] = row.verdict
            for figure, fields in zip(row.figures, written["figures"], strict=True):
                fields |= {"value": figure.value, "verdict": figure.verdict}
        return msgspec.json.format(msgspec.json.encode(run), indent=2) + b"\n"

    @classmethod
    def from_json(cls, text: bytes) -> Run:
        """Read the JSON of `to_json`."""
        return msgspec.json.decode(text, type=cls)
