"""List the rows of the result table, each with the function that measures the row."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from benchmarks.figures import Row
from benchmarks.rows.block import measure_loop_block
from benchmarks.rows.cpu import measure_cpu
from benchmarks.rows.emulator import measure_emulator
from benchmarks.rows.faults import measure_failed_downloads, measure_hanging_image
from benchmarks.rows.growth import measure_growth
from benchmarks.rows.kept import measure_kept_scan, measure_streamed_memory
from benchmarks.rows.lanes import measure_interactive_wait
from benchmarks.rows.long_stream import measure_long_stream
from benchmarks.rows.request import measure_request
from benchmarks.rows.request_rate import measure_milder_counts, measure_sliding_log
from benchmarks.rows.single_scan import measure_single_scan
from benchmarks.rows.singles import measure_added_latency, measure_concurrent_scans
from benchmarks.rows.start import measure_import
from benchmarks.rows.throughput import measure_throughput


class RowMeasurement(Protocol):
    """Function that measures one row number. It returns one row per variant."""

    def __call__(self, *, quick: bool) -> list[Row]:
        """Measure the row, with smaller sizes if `quick`."""
        ...


ROWS: Mapping[str, RowMeasurement] = MappingProxyType(
    {
        "1": measure_sliding_log,
        "1b": measure_milder_counts,
        "2": measure_concurrent_scans,
        "3": measure_added_latency,
        "4": measure_throughput,
        "5": measure_cpu,
        "6": measure_cpu,
        "7": measure_single_scan,
        "8": measure_loop_block,
        "9": measure_long_stream,
        "10": measure_streamed_memory,
        "11": measure_kept_scan,
        "12": measure_request,
        "13": measure_hanging_image,
        "14": measure_failed_downloads,
        "15": measure_interactive_wait,
        "17": measure_import,
        "growth": measure_growth,
        "emulator": measure_emulator,
    }
)
"""Measurements by row number. Two numbers may share a measurement that returns the rows of both."""

CONCURRENT = frozenset({"4", "13", "15"})
"""Rows that are measured concurrently, because they mostly wait for the clock. Together they need
half a core, which does not change their verdicts."""

CONCURRENT_IF_QUICK = frozenset({"1", "3", "14"})
"""Rows that are measured concurrently only in a quick run, whose figures are not exact. These rows
mostly wait for the clock, but need exact times in a full run."""
