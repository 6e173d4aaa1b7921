"""The rows of the table, each measured by a function."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from benchmarks.figures import Row
from benchmarks.rows.beside import cpu_beside_others
from benchmarks.rows.block import loop_block
from benchmarks.rows.cost import single_scans
from benchmarks.rows.emulator import crowd
from benchmarks.rows.faults import failed_downloads, one_that_hangs
from benchmarks.rows.growth import growing
from benchmarks.rows.kept import kept_scan, streamed
from benchmarks.rows.lanes import beside_bulk
from benchmarks.rows.memory import long_stream
from benchmarks.rows.pace import learnt, strict
from benchmarks.rows.request import building
from benchmarks.rows.rivals import against_sdk
from benchmarks.rows.singles import arriving, at_once
from benchmarks.rows.start import importing

__all__ = ["PATIENT", "ROWS", "UNHURRIED", "Question"]


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
        "5": cpu_beside_others,
        "6": cpu_beside_others,
        "7": single_scans,
        "8": loop_block,
        "9": long_stream,
        "10": streamed,
        "11": kept_scan,
        "12": building,
        "13": one_that_hangs,
        "14": failed_downloads,
        "15": beside_bulk,
        "17": importing,
        "growth": growing,
        "emulator": crowd,
    }
)
"""By number. Two numbers may be of one measurement, which gives the rows of both."""

UNHURRIED = frozenset({"4", "13", "15"})
"""Rows that mostly wait for the clock, and count, or have milliseconds to spare: the busy half of a
core that they need together does not change their verdicts, so they are measured side by side."""

PATIENT = frozenset({"1", "3", "14"})
"""Rows that mostly wait for the clock, too, but have none to spare: side by side only if quick,
when they are too short to be more than a look."""
