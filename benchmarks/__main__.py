"""`python -m benchmarks`: measure, print one table, write the figures down."""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from benchmarks.figures import Row
from benchmarks.quotas import Scenario, raised_quotas
from benchmarks.report import machine, results_json
from benchmarks.rows import ROWS
from benchmarks.table import phase_lines, show

RESULTS = Path(__file__).with_name("results.json")

QUOTAS = "quotas"
"""The name of the scenario below the table, among the rows to choose from."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what was asked for.

    Returns:
        0, whatever the verdicts; 1 if an image was left without its one outcome, or a row broke.
    """
    options = _parse(arguments)
    where = machine()
    rows: list[Row] = []
    for number in options.rows:
        if number != QUOTAS:
            _progress(f"row {number}")
            rows += _measured(number, quick=options.quick)
    scenario: Scenario | None = None
    if QUOTAS in options.rows:
        _progress("raised quotas")
        scenario = raised_quotas(quick=options.quick)
    if rows:
        show(rows)
    if scenario is not None:
        print(*phase_lines(scenario), sep="\n")
    size = "quick" if options.quick else "full"
    options.output.write_bytes(results_json(where, size, rows, scenario))
    lost = sum(row.lost for row in rows) + (scenario.lost if scenario else 0)
    print(f"{size} size, {where['cores']} cores, {where['python']}; written to {options.output}")
    return 1 if lost else 0


def _measured(number: str, *, quick: bool) -> list[Row]:
    try:
        return ROWS[number](quick=quick)
    except Exception as error:  # noqa: BLE001 - the other rows are still worth measuring
        traceback.print_exc()
        return [Row(number, "broke, so no image has its outcome", lost=1, note=repr(error))]


def _progress(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    every = [*ROWS, QUOTAS]
    parser.add_argument(
        "--rows",
        type=lambda text: _chosen(text.split(","), every),
        default=every,
        help=f"which, with commas between: {','.join(every)} (default: all)",
    )
    parser.add_argument("--quick", action="store_true", help="smaller sizes: about two minutes")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the JSON goes")
    return parser.parse_args(arguments)


def _chosen(wanted: Sequence[str], every: Sequence[str]) -> list[str]:
    unknown = [name for name in wanted if name not in every]
    if unknown:
        raise argparse.ArgumentTypeError(f"no such row: {', '.join(unknown)}")
    return list(wanted)


if __name__ == "__main__":
    sys.exit(main())
