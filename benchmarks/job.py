"""`python -m benchmarks.job`: measure a bulk job of a million rows that is stopped and resumed."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from aliocr.job.job import Retry
from benchmarks.job_run import JobRun, measure_job_run, measure_opening
from benchmarks.report import machine
from benchmarks.server import Server
from benchmarks.service import Service
from benchmarks.tally import url_of
from benchmarks.worker import run_fresh

FULL, QUICK = 1_000_000, 20_000

FAILING_SHARE, FAILING_CODE = 0.01, 404
"""Share of images that fail at the first try and are read at the next, and the code of the failure.
These images are spread evenly over the input."""

ADDED = 100
"""Number of rows added to the input of a finished job, so that the resumed job has rows to send."""

MOST_GROWN = 50e6
"""Limit on the growth of the memory of a job, in bytes, for any number of rows."""

MOST_SECONDS = 2.0
"""Limit on the time until a resumed job sends its first request, in seconds."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the job and print its figures.

    Returns:
        The exit code: 1 if a row does not have exactly one result, otherwise 0 for any figures.
    """
    options = _parse(arguments)
    where = machine()
    print(f"{where.cores} cores, load {where.load_before or 0:.1f}, {where.system}, {where.python}")
    start = time.monotonic()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        lost = _measured(Path(folder), options.images, tuple(options.regions))
    print(f"{time.monotonic() - start:.0f} s in all")
    return 1 if lost else 0


def _measured(folder: Path, count: int, regions: tuple[int, int]) -> int:
    source, output = folder / "urls.csv", folder / "results.jsonl"
    _list(source, range(count), header=True)
    service = Service(
        requests_per_second=None,
        seconds=0.0,
        regions=regions,
        failing_share=FAILING_SHARE,
        failing_code=FAILING_CODE,
    )
    missed: list[str] = []
    with Server(service) as server:

        def run(name: str, **options: Any) -> None:
            done = run_fresh(measure_job_run, server.url, source, output, **options)
            print(_line(name, done), flush=True)
            missed.extend(_missed(name, done))

        least, most = regions
        print(f"{count:,} rows, {_megabytes(source)}; {least} to {most} regions an image")
        print(HEADING)
        run(HALF, stop_after=count // 2)
        half = run_fresh(measure_opening, source, output)
        run("the other half")
        journal = output.with_name(f"{output.name}.journal")
        print(f"output {_megabytes(output)}, journal {_megabytes(journal)}")
        _list(source, range(count, count + ADDED), header=False)
        end = run_fresh(measure_opening, source, output)
        run(f"{ADDED} rows more")
        run(FAILURES, retry=Retry(), stop_after=round(count * FAILING_SHARE / 2))
        gaps = run_fresh(measure_opening, source, output)
        run("the other failures")
    for name, found in (("at the half", half), ("at its end", end), ("with gaps", gaps)):
        print(f"opening a job that was stopped {name}:")
        print(*(f"  {seconds:6.3f} s  {step}" for step, seconds in found.items()), sep="\n")
    lost = count + ADDED - _with_one_result(output, count + ADDED)
    if lost:
        missed.append(f"{lost:,} rows without their one result")
    print("missed:", *missed or ["nothing"], sep="\n  ")
    return lost


HALF, FAILURES = "one half", "half the failures"

BEGINNINGS = HALF, FAILURES
"""Runs without a limit on the time until the first request. The first run is a new job, and before
a retry, a job copies its output."""

HEADING = (
    "run                  rows   rows/s  CPU µs/row  images/request  first request s"
    "  RSS before  peak  grown MB  block ms"
)


def _line(name: str, done: JobRun) -> str:
    first = "" if done.first_request is None else f"{done.first_request:.2f}"
    return (
        f"{name:18} {done.rows:9,} {done.rows / done.seconds:8,.0f}"
        f" {1e6 * done.cpu_seconds / max(1, done.rows):11.0f} {done.images_a_request:15.0f}"
        f" {first:>16} {done.before / 1e6:11.0f} {done.peak / 1e6:5.0f} {done.grown / 1e6:9.1f}"
        f" {1e3 * done.block:9.0f}"
    )


def _missed(name: str, done: JobRun) -> Iterable[str]:
    if done.grown >= MOST_GROWN:
        yield f"{name}: grown by {done.grown / 1e6:.1f} MB, at most {MOST_GROWN / 1e6:.0f} allowed"
    started = done.first_request is None or done.first_request < MOST_SECONDS
    if name not in BEGINNINGS and not started:
        yield f"{name}: {done.first_request:.2f} s, at most {MOST_SECONDS:.0f} allowed"


def _list(path: Path, numbers: Iterable[int], *, header: bool) -> None:
    with path.open("w" if header else "a", encoding="utf-8") as file:
        if header:
            file.write("id,url\n")
        file.writelines(f"image-{number},{url_of(number)}\n" for number in numbers)


def _megabytes(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:,.0f} MB"


def _with_one_result(output: Path, rows: int) -> int:
    """Return the number of rows with exactly one result. Each line begins with its row number."""
    found = bytearray(rows + 1)
    with output.open("rb") as file:
        for line in file:
            row = int(line[len(b'{"row":') : line.index(b",")])
            found[row] = min(2, found[row] + 1)
    return found.count(1)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.job", description=__doc__)
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument("--images", type=int, default=FULL, help=f"rows (default: {FULL:,})")
    sizes.add_argument(
        "--quick", dest="images", action="store_const", const=QUICK, help=f"{QUICK:,} rows"
    )
    parser.add_argument(
        "--regions",
        type=int,
        nargs=2,
        default=(1, 3),
        metavar=("LEAST", "MOST"),
        help="regions an image (default: 1 3)",
    )
    parser.add_argument("--folder", type=Path, help="folder for the temporary files")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
