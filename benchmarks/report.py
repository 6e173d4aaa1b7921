"""The figures of one run and the machine they were measured on, as JSON."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import attrs
import msgspec

from benchmarks.figures import Row
from benchmarks.quotas import Scenario

__all__ = ["machine", "results_json"]

PACKAGES = (
    *("aliocr", "aiohttp", "aiolimiter", "attrs", "msgspec", "tenacity"),
    *("aliyun-python-sdk-core", "aliyun-python-sdk-green"),
)


def machine() -> dict[str, Any]:
    """Where and with what: cores, Python, versions, date, and how busy it was before."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
        "cores": os.cpu_count(),
        "load_before": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "system": f"{platform.system()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "versions": {name: _version(name) for name in PACKAGES},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def results_json(
    where: dict[str, Any], size: str, rows: Sequence[Row], scenario: Scenario | None
) -> bytes:
    """The whole run, in the order of the table."""
    results = {
        "machine": where,
        "size": size,
        "rows": [
            attrs.asdict(row)
            | {
                "figures": [
                    attrs.asdict(figure, filter=attrs.filters.exclude("form"))
                    | {"verdict": figure.verdict}
                    for figure in row.figures
                ],
                "verdict": row.verdict,
            }
            for row in rows
        ],
        "raised_quotas": scenario,
    }
    text = msgspec.json.encode(results, enc_hook=str)
    return msgspec.json.format(text, indent=2) + b"\n"
