"""`python -m benchmarks.rates`: simulate the learnt rates with many seeds, and print the tables."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from statistics import fmean

from benchmarks.rates.cases import CASES, Case, Goal
from benchmarks.rates.faults import FAULTS, lines, measured, simulated
from benchmarks.table import Table, print_table

ROWS = "a,b,c,d,e,faults"
"""`faults` is the table by 20 s; the others are rows of the table of cases."""

FIRST_SEED = 1000


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the chosen tables; a missed target does not change the exit code."""
    options = _parse(arguments)
    rows = options.rows.split(",")
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    start = time.monotonic()
    if options.live:
        worlds = [[processes] for processes in measured()]
        _print_faults("with real sockets, once", worlds)
    else:
        with ProcessPoolExecutor(os.cpu_count()) as pool:
            _simulate(pool, rows, seeds)
        print(f"{len(seeds)} seeds from {options.first_seed}", end=", ")
    print(f"{time.monotonic() - start:.0f} s")
    return 0


def _simulate(pool: ProcessPoolExecutor, rows: Sequence[str], seeds: Sequence[int]) -> None:
    chosen = [number for number, case in enumerate(CASES) if case.row in rows]
    if chosen:
        found = pool.map(measure_case, chosen, [seeds] * len(chosen))
        cells = [
            _cells(CASES[number], values) for number, values in zip(chosen, found, strict=True)
        ]
        headings = ("row", "case", "figure", "mean (worst seed)", "target", "verdict")
        print_table(Table(headings, cells, frozenset({1})))
    if "faults" in rows:
        worlds = pool.map(simulated, range(len(FAULTS)), [seeds] * len(FAULTS))
        _print_faults("in virtual time, mean", list(worlds))


def measure_case(number: int, seeds: Sequence[int]) -> list[list[float]]:
    """Return the values of the case of a number: one list per goal, with one value per seed."""
    worlds = [CASES[number].measure(seed) for seed in seeds]
    return [list(values) for values in zip(*worlds, strict=True)]


def _print_faults(how: str, found: Sequence[Sequence[Sequence[Sequence[float]]]]) -> None:
    rows = [
        [[cell] for cell in line]
        for fault, worlds in zip(FAULTS, found, strict=True)
        for line in lines(fault, worlds)
    ]
    headings = ("fault", f"images a second by 20 s, {how}", "ratio to the limit (worst)")
    print_table(Table(headings, rows, frozenset({0})))


def _cells(case: Case, measured_values: Sequence[Sequence[float]]) -> list[list[str]]:
    found = [_line(goal, values) for goal, values in zip(case.goals, measured_values, strict=True)]
    return [[case.row], [case.question], *(list(column) for column in zip(*found, strict=True))]


def _line(goal: Goal, values: Sequence[float]) -> tuple[str, str, str, str]:
    mean, worst = fmean(values), min(values) if goal.sense == "≥" else max(values)
    met = goal.meets(mean, goal.mean)
    met = met and (goal.worst is None or goal.meets(worst, goal.worst))
    number = f"{{:.{goal.digits}f}}".format
    target = f"{goal.sense} {number(goal.mean)}"
    if goal.worst is not None:
        target += f" ({number(goal.worst)})"
    found = f"{number(mean)} ({number(worst)})"
    return goal.name, found, target, "met" if met else "missed"


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rates", description=__doc__)
    parser.add_argument("--rows", default=ROWS, help=f"some of {ROWS}")
    parser.add_argument("--seeds", type=int, default=20, help="number of seeds of each case")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--live", action="store_true", help="the faults in real time: four minutes")
    options = parser.parse_args(arguments)
    unknown = [row for row in options.rows.split(",") if row not in ROWS.split(",")]
    if unknown:
        parser.error(f"no such row: {', '.join(unknown)}")
    if options.seeds < 1:
        parser.error(f"--seeds must be 1 or more, not {options.seeds}")
    return options


if __name__ == "__main__":
    sys.exit(main())
