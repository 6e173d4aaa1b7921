"""Row 8: longest time that one large reply blocks the event loop."""

from __future__ import annotations

from functools import partial

from benchmarks.figures import Comparison, Row, at_most
from benchmarks.meters import measure_longest_block
from benchmarks.peers import OURS, installed_peers
from benchmarks.server import Server
from benchmarks.service import Service
from benchmarks.spread import ratios
from benchmarks.worker import measure_interleaved, run_fresh

REGIONS = 60


def measure_loop_block(*, quick: bool) -> list[Row]:
    """Measure row 8: longest block, divided by the time of `json.loads` of the same reply."""
    replies, rounds = (20, 3) if quick else (40, 3)
    service = Service(requests_per_second=None, seconds=0.0, regions=(REGIONS, REGIONS))
    with Server(service) as server:
        variants = {
            name: partial(run_fresh, measure_longest_block, name, server.url, REGIONS, replies)
            for name in ((OURS,) if quick else installed_peers())
        }
        blocks = measure_interleaved(variants, rounds)
    ours = blocks[OURS]
    relative = ratios([each.seconds for each in ours], [each.loads_seconds for each in ours])
    compared = Comparison(
        f"longest block of the loop by a reply of 100 × {REGIONS} regions, ms",
        "{:.1f}",
        {name: tuple(1e3 * each.seconds for each in side) for name, side in blocks.items()},
    )
    details = {
        "block_milliseconds": 1e3 * min(each.seconds for each in ours),
        "json_loads_milliseconds": 1e3 * min(each.loads_seconds for each in ours),
    }
    question = f"longest block of the loop by a reply of 100 × {REGIONS} regions ÷ its json.loads"
    figure = at_most("ratio", relative, 0.3, 0.15)
    lost = sum(each.lost for side in blocks.values() for each in side)
    return [Row("8", question, (figure,), details, lost, comparisons=(compared,))]
