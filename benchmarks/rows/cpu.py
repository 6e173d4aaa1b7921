"""Rows 5 and 6: CPU time per image, compared with the other peers."""

from __future__ import annotations

from functools import partial
from statistics import median

from benchmarks.figures import Comparison, Row, at_most
from benchmarks.meters import Cost, measure_cost
from benchmarks.peers import AIOHTTP, CORE_SDK, FLOOR, OURS, SOCKET, installed_peers
from benchmarks.server import Server
from benchmarks.service import REAL_REPLY, Service
from benchmarks.spread import ratios
from benchmarks.worker import measure_interleaved, run_fresh

SERVICE = Service(requests_per_second=None, seconds=0.0, regions=REAL_REPLY)


def measure_cpu(*, quick: bool) -> list[Row]:
    """Measure rows 5 and 6 together. One image per request is only for the comparison table."""
    bulk = _measured(100, 5_000 if quick else 20_000, 2 if quick else 5)
    alone = {} if quick else _measured(1, 500, 3)
    seconds = {name: [each.seconds for each in costs] for name, costs in bulk.items()}
    lost = sum(each.lost for side in (bulk, alone) for costs in side.values() for each in costs)
    against = [(AIOHTTP, 1.2, 0.8)]
    if CORE_SDK in bulk:
        against.insert(0, (CORE_SDK, 0.45, 0.3))
    figures = tuple(
        at_most(f"÷ {name}", ratios(seconds[OURS], seconds[name]), reach, beat)
        for name, reach, beat in against
    )
    to_floor = at_most("÷ raw floor", ratios(seconds[OURS], seconds[FLOOR]), 2.6, 1.6)
    bare = {"ratio_to_bare_socket": median(ratios(seconds[OURS], seconds[SOCKET]))}
    question = "CPU of an image of a real reply, 100 images a request"
    return [
        Row("5", question, figures, lost=lost, comparisons=_compared(bulk, alone)),
        Row("6", "the same ÷ a bare socket and msgspec's leanest classes", (to_floor,), bare),
    ]


def _measured(per_request: int, count: int, rounds: int) -> dict[str, list[Cost]]:
    with Server(SERVICE) as server:
        variants = {
            name: partial(run_fresh, measure_cost, name, server.url, count, per_request=per_request)
            for name in installed_peers()
        }
        return measure_interleaved(variants, rounds)


def _compared(*sides: dict[str, list[Cost]]) -> tuple[Comparison, ...]:
    names = ("100 images a request", "1 image a request")
    return tuple(
        Comparison(
            f"CPU ms per 1,000 images, {name}",
            "{:,.0f}",
            {peer: tuple(1e6 * each.seconds for each in costs) for peer, costs in side.items()},
        )
        for name, side in zip(names, sides, strict=True)
        if side
    )
