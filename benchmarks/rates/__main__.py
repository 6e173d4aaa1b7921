"""`python -m benchmarks.rates`: simulate the learnt rates with many seeds, and print the table."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from statistics import fmean

from benchmarks.rates.cases import CASES, Case, Goal
from benchmarks.table import Table, print_table

FIRST_SEED = 1000


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulate the chosen cases and print the table; missed targets do not change the exit code."""
    options = _parse(arguments)
    chosen = [number for number, case in enumerate(CASES) if case.row in options.rows.split(",")]
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    start = time.monotonic()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        measured = pool.map(simulate, chosen, [seeds] * len(chosen))
        rows = [
            _cells(CASES[number], values) for number, values in zip(chosen, measured, strict=True)
        ]
    headings = ("row", "case", "figure", "mean (worst seed)", "target", "verdict")
    print_table(Table(headings, rows, frozenset({1})))
    print(f"{len(seeds)} seeds from {options.first_seed}, {time.monotonic() - start:.0f} s")
    return 0


def simulate(number: int, seeds: Sequence[int]) -> list[list[float]]:
    """Return the values of the case of a number: one list per goal, with one value per seed."""
    worlds = [CASES[number].measure(seed) for seed in seeds]
    return [list(values) for values in zip(*worlds, strict=True)]


def _cells(case: Case, measured: Sequence[Sequence[float]]) -> list[list[str]]:
    lines = [_line(goal, values) for goal, values in zip(case.goals, measured, strict=True)]
    return [[case.row], [case.question], *(list(column) for column in zip(*lines, strict=True))]


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
    parser.add_argument("--rows", default="a,b,c,d,e", help="letters of the rows, with commas")
    parser.add_argument("--seeds", type=int, default=20, help="number of seeds of each case")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
