"""Row 17: import time of a program that opens a session."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from statistics import median

from benchmarks.figures import Comparison, Row, at_most
from benchmarks.peers import AIOHTTP, OURS, PEERS, installed_peers
from benchmarks.spread import ratios
from benchmarks.worker import measure_interleaved

_OPENING = {
    "aliocr, opened": (
        "import asyncio, aliocr\n"
        "async def opened():\n"
        "    async with aliocr.Session(credentials=aliocr.Credentials('id', 'secret')): pass\n"
        "asyncio.run(opened())"
    ),
    "aiohttp, opened": (
        "import asyncio, aiohttp\n"
        "async def opened():\n"
        "    async with aiohttp.ClientSession(): pass\n"
        "asyncio.run(opened())"
    ),
}


def _milliseconds(statements: str) -> float:
    """Return the CPU time of the statements in a new Python process, in milliseconds."""
    timed = (
        f"import time; start = time.process_time()\n{statements}\n"
        "print(1e3 * (time.process_time() - start))"
    )
    command = [sys.executable, "-c", timed]
    run = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    return float(run.stdout)


def measure_import(*, quick: bool) -> list[Row]:
    """Measure row 17, with all peers in turn."""
    names = (OURS, AIOHTTP) if quick else installed_peers()
    statements = {name: PEERS[name].imports for name in names} | _OPENING
    found = measure_interleaved(
        {name: partial(_milliseconds, text) for name, text in statements.items()},
        5 if quick else 9,
    )
    imports = {name: tuple(found[name]) for name in names}
    compared = Comparison("importing it, CPU ms", "{:.0f}", imports)
    figure = at_most("ratio", ratios(found[OURS], found[AIOHTTP]), 1.15, 1.05)
    opened, theirs = found["aliocr, opened"], found["aiohttp, opened"]
    details = {"ratio_with_an_opened_session": median(ratios(opened, theirs))}
    question = "importing what opens a session ÷ importing aiohttp, CPU, fresh interpreters"
    return [Row("17", question, (figure,), details, comparisons=(compared,))]
