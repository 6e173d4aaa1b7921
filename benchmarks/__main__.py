"""`python -m benchmarks`: measure, print the results, and publish the results of a full run."""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from benchmarks.figures import Row
from benchmarks.peers import missing_peers
from benchmarks.publish import publish
from benchmarks.quotas import Scenario, measure_raised_quotas
from benchmarks.report import Run, Size, machine
from benchmarks.rows import CONCURRENT, CONCURRENT_IF_QUICK, ROWS, RowMeasurement
from benchmarks.table import comparison_table, phase_lines, print_table, target_table
from benchmarks.worker import measure_concurrently

QUOTAS = "quotas"
"""Name for `--rows` of the scenario of raised quotas, which is printed below the table."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the chosen rows, and print or publish the results.

    Returns:
        The exit code. 1 if an image did not get exactly one outcome, if a row failed, or, with
        `--gate`, if a figure is far off its target; otherwise 0, for any verdicts.
    """
    options = _parse(arguments)
    where = machine()
    start = time.monotonic()
    rows, scenario = _measured(options.rows, quick=options.quick)
    size: Size = "quick" if options.quick else "full"
    run = Run(where, size, tuple(rows), scenario, missing_peers())
    _print(run)
    if options.output is not None:
        options.output.write_bytes(run.to_json())
    elif not options.quick and options.rows == [*ROWS, QUOTAS]:
        publish(run)
    seconds = time.monotonic() - start
    print(f"{size} size, {where.cores} cores, {where.python}, {seconds:.0f} s")
    if options.gate and run.far_off:
        print("far off:", *run.far_off, sep="\n  ")
        return 1
    return 1 if run.lost else 0


def _measured(chosen: Sequence[str], *, quick: bool) -> tuple[list[Row], Scenario | None]:
    """Return all rows in table order. Rows that mostly wait are measured first, concurrently."""
    clock_bound = {
        name: partial(_rows, name, quick=quick)
        for name in chosen
        if name in CONCURRENT or (quick and name in CONCURRENT_IF_QUICK)
    }
    quotas = {QUOTAS: partial(measure_raised_quotas, quick=quick)} if QUOTAS in chosen else {}
    together: dict[str, Callable[[], list[Row] | Scenario]] = {**clock_bound, **quotas}
    if together:
        _progress(f"concurrently: {', '.join(together)}")
    found = measure_concurrently(together)
    asked: set[RowMeasurement] = set()
    for name in chosen:
        if name not in together and ROWS[name] not in asked:
            _progress(f"row {name}")
            asked.add(ROWS[name])
            found[name] = _rows(name, quick=quick)
    scenario = found.get(QUOTAS)
    parts = (found.get(name) for name in ROWS)
    rows = [row for part in parts if isinstance(part, list) for row in part]
    return rows, scenario if isinstance(scenario, Scenario) else None


def _rows(name: str, *, quick: bool) -> list[Row]:
    try:
        return ROWS[name](quick=quick)
    except Exception as error:  # noqa: BLE001 - continue with the other rows
        traceback.print_exc()
        return [Row(name, "the row failed, so no image has an outcome", lost=1, note=repr(error))]


def _print(run: Run) -> None:
    if run.rows:
        print_table(target_table(run.rows))
    others = comparison_table(run.rows)
    if others is not None:
        print_table(others)
    print(*run.missing, sep="\n", end="\n" if run.missing else "")
    if run.raised_quotas is not None:
        print(*phase_lines(run.raised_quotas), sep="\n")


def _progress(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    every = [*ROWS, QUOTAS]
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument("--full", action="store_true", help="under ten minutes; the default")
    sizes.add_argument("--quick", action="store_true", help="smaller sizes; about a minute")
    parser.add_argument(
        "--rows",
        type=lambda text: _chosen(text.split(","), every),
        default=every,
        help=f"rows to measure, separated by commas: {','.join(every)} (default: all)",
    )
    parser.add_argument(
        "--output",
        type=Path,
        help="write the JSON to this file; without it, a full run of all rows is published in"
        " benchmarks/ and its README, and any other run is only printed",
    )
    parser.add_argument(
        "--gate",
        action="store_true",
        help="exit with 1 also if a figure is more than twice as bad as its target",
    )
    return parser.parse_args(arguments)


def _chosen(wanted: Sequence[str], every: Sequence[str]) -> list[str]:
    unknown = [name for name in wanted if name not in every]
    if unknown:
        raise argparse.ArgumentTypeError(f"no such row: {', '.join(unknown)}")
    return list(wanted)


if __name__ == "__main__":
    sys.exit(main())
