"""The rows of the table, each measured by a function."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from benchmarks.figures import Row
from benchmarks.rows.cost import single_scans
from benchmarks.rows.emulator import crowd
from benchmarks.rows.faults import failed_downloads, one_that_hangs
from benchmarks.rows.lanes import beside_bulk
from benchmarks.rows.memory import long_stream
from benchmarks.rows.pace import learnt, strict
from benchmarks.rows.rivals import against_sdk
from benchmarks.rows.singles import arriving, at_once

__all__ = ["ROWS", "Question"]


class Question(Protocol):
    """Measures one number of the table: a row, or one for each of its variants."""

    def __call__(self, *, quick: bool) -> list[Row]:
        """Measure, at a smaller size if quick."""
        ...


ROWS: Mapping[str, Question] = MappingProxyType(
    {
        "1": strict,
        "1b": learnt,
        "2": at_once,
        "3": arriving,
        "4": against_sdk,
        "7": single_scans,
        "9": long_stream,
        "13": one_that_hangs,
        "14": failed_downloads,
        "15": beside_bulk,
        "emulator": crowd,
    }
)
