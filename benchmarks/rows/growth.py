"""Row "growth": cost for increasing numbers of images, callers, requests and regions."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import median

import attrs

from benchmarks.client import FreeLimiter, open_session, scan_to_outcome
from benchmarks.figures import Curve, Row, at_most
from benchmarks.memory import grown_since, peak_bytes
from benchmarks.meters import Cost, measure_cost
from benchmarks.peers import AIOHTTP, OURS
from benchmarks.server import Server
from benchmarks.service import REAL_REPLY, Service
from benchmarks.spread import rise
from benchmarks.tally import Tally, url_of
from benchmarks.worker import measure_interleaved, run_fresh

PICTURE = "growth"

ONCE = 100_000
"""Sizes of at least this number of images are measured only once, because they take long."""

KEPT_SIZES = (1_000, 3_000, 10_000)

FULL_SPEED = Service(requests_per_second=None, seconds=0.0, regions=REAL_REPLY)


@attrs.frozen
class _Kind:
    """A quantity whose size is increased.

    Args:
        name: Name of the quantity, with the unit.
        sizes: Measured sizes, in ascending order.
        measure: Function that measures one size in a fresh process.
        per: Unit of work if the work per image grows with the size; None if the unit is an image.
    """

    name: str
    sizes: Sequence[int]
    measure: Callable[[int], Cost]
    per: str | None = None


async def _callers(url: str, callers: int, count: int) -> Cost:
    """Measure concurrent callers of `scan`. Each scans image after image without pause."""
    tally = Tally(0)

    async def call(end: int) -> None:
        while len(tally) < end:
            tally.note(await scan_to_outcome(ocr, url_of(tally.add())))

    async with open_session(url, limiter=FreeLimiter()) as ocr:
        await asyncio.gather(*(call(count // 4) for _ in range(callers)))
        begun, start, memory = len(tally), time.process_time(), peak_bytes()
        await asyncio.gather(*(call(begun + count) for _ in range(callers)))
        spent = time.process_time() - start
    return Cost(tally.totals().lost, spent / (len(tally) - begun), grown_since(memory))


def _with_callers(callers: int) -> Cost:
    with Server(FULL_SPEED) as server:
        return run_fresh(_callers, server.url, callers, 500 if callers == 1 else 4_000)


def _with_images(count: int) -> Cost:
    with Server(FULL_SPEED) as server:
        return run_fresh(measure_cost, OURS, server.url, count)


def _with_in_flight(requests: int) -> Cost:
    # Answer slowly, because fast answers would never keep this many requests in flight.
    with Server(attrs.evolve(FULL_SPEED, seconds=0.05)) as server:
        return run_fresh(measure_cost, OURS, server.url, 12_000, in_flight=requests)


def _with_regions(regions: int) -> Cost:
    with Server(attrs.evolve(FULL_SPEED, regions=(regions, regions))) as server:
        return run_fresh(measure_cost, OURS, server.url, 3_000)


def measure_growth(*, quick: bool) -> list[Row]:
    """Measure one row per quantity; in a full run, measure also the memory of kept answers."""
    kinds = (
        _Kind("images streamed", (1_000, 10_000, 100_000, 1_000_000), _with_images),
        _Kind("callers at once", (1, 10, 100, 1_000), _with_callers),
        _Kind("requests in flight", (1, 4, 15, 60), _with_in_flight),
        _Kind("regions an image", (2, 20, 60, 200), _with_regions, per="a region"),
    )
    if quick:
        streamed = attrs.evolve(kinds[0], sizes=(1_000, 10_000))
        ends = [attrs.evolve(kind, sizes=(kind.sizes[0], kind.sizes[-1])) for kind in kinds[1:]]
        return [_grown(kind, rounds=1) for kind in (streamed, *ends)]
    rows = [_grown(kind, rounds=2) for kind in kinds]
    rows[0] = attrs.evolve(rows[0], curves=(*rows[0].curves, _memory(OURS), _memory(AIOHTTP)))
    return rows


def _grown(kind: _Kind, rounds: int) -> Row:
    small = {size: partial(kind.measure, size) for size in kind.sizes if size < ONCE}
    large = {size: partial(kind.measure, size) for size in kind.sizes if size >= ONCE}
    costs = measure_interleaved(small, rounds) | measure_interleaved(large, 1)
    micros = {size: 1e6 * median(each.seconds for each in costs[size]) for size in kind.sizes}
    grown = {size: max(each.memory for each in costs[size]) / 1e6 for size in kind.sizes}
    units = [micros[size] / (size if kind.per else 1) for size in kind.sizes]
    figure = at_most(f"CPU of {kind.per or 'an image'} rises", rise(units), 1.5, 1.2, "{:.2f} ×")
    details = {f"microseconds_at_{size}": value for size, value in micros.items()}
    details |= {f"megabytes_at_{size}": value for size, value in grown.items()}
    curves = [Curve(PICTURE, OURS, kind.name, "CPU, µs an image", tuple(micros.items()))]
    if kind.measure is _with_images:
        curves.append(_memory_curve(f"{OURS}, streamed", grown))
    question = f"{kind.name}: {kind.sizes[0]:,} to {kind.sizes[-1]:,}, real replies"
    lost = sum(each.lost for side in costs.values() for each in side)
    return Row("growth", question, (figure,), details, lost, curves=tuple(curves))


def _memory(name: str) -> Curve:
    """Measure the memory of answers that the caller keeps."""
    with Server(FULL_SPEED) as server:
        found = {
            size: run_fresh(measure_cost, name, server.url, size, keep=True) for size in KEPT_SIZES
        }
    grown = {size: each.memory / 1e6 for size, each in found.items()}
    return _memory_curve(f"{name}, kept", grown)


def _memory_curve(line: str, grown: Mapping[int, float]) -> Curve:
    return Curve("memory", line, "images", "memory grown by, MB", tuple(grown.items()))
