"""Results of one run: figures and machine, to JSON and back."""

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
    """The machine of a run, its versions, and its load before the run."""

    date: str
    cores: int
    load_before: float | None
    system: str
    python: str
    versions: Mapping[str, str | None]


def machine() -> Machine:
    """Describe this machine."""
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
        machine: The machine.
        size: The size of the run.
        rows: The rows.
        raised_quotas: The scenario below the table; None if not chosen.
        missing: One sentence per peer that is not installed.
    """

    machine: Machine
    size: Size
    rows: tuple[Row, ...]
    raised_quotas: Scenario | None
    missing: tuple[str, ...]

    @property
    def lost(self) -> int:
        """Number of images without exactly one outcome."""
        scenario = self.raised_quotas
        return sum(row.lost for row in self.rows) + (scenario.lost if scenario else 0)

    @property
    def far_off(self) -> tuple[str, ...]:
        """One sentence per figure that is so far from its target that something is broken."""
        return tuple(
            f"row {row.number}: {measured}, target {reach}"
            for row in self.rows
            for figure in row.figures
            if figure.far_off
            for measured, reach, _ in [figure.cells]
        )

    def to_json(self) -> bytes:
        """Return JSON for `from_json`, with medians and verdicts for other readers."""
        # Whole numbers in float fields become floats, as `from_json` reads them.
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
