"""Rows 10 and 11: memory of a stream of real replies, and of an answer that the caller keeps."""

from __future__ import annotations

from functools import partial
from statistics import median

from benchmarks.figures import Comparison, Row, at_most
from benchmarks.meters import measure_cost, measure_kept
from benchmarks.peers import OURS, installed_peers
from benchmarks.server import Server
from benchmarks.service import REAL_REPLY, Service
from benchmarks.worker import measure_interleaved, run_fresh

REGIONS = 40


def measure_streamed_memory(*, quick: bool) -> list[Row]:
    """Measure row 10: growth of the peak of resident memory during a stream."""
    count, rounds = (20_000, 1) if quick else (100_000, 2)
    with Server(Service(requests_per_second=None, seconds=0.0, regions=REAL_REPLY)) as server:
        costs = [run_fresh(measure_cost, OURS, server.url, count) for _ in range(rounds)]
    grown = [each.memory / 1e6 for each in costs]
    question = f"memory of the process, {count:,} images of real replies streamed"
    figure = at_most("grown by", grown, 20, 8, "{:.1f} MB")
    return [Row("10", question, (figure,), lost=sum(each.lost for each in costs))]


def measure_kept_scan(*, quick: bool) -> list[Row]:
    """Measure row 11: memory of a kept answer, before and after its regions are read."""
    count = 500 if quick else 2_000
    service = Service(requests_per_second=None, seconds=0.0, regions=(REGIONS, REGIONS))
    with Server(service) as server:
        variants = {
            name: partial(run_fresh, measure_kept, name, server.url, count)
            for name in ((OURS,) if quick else installed_peers())
        }
        found = measure_interleaved(variants, 1)
    kilobytes = {
        name: tuple(each.bytes_an_image / 1e3 for each in side) for name, side in found.items()
    }
    compared = Comparison(
        f"memory of a kept answer with {REGIONS} regions, KB", "{:.1f}", kilobytes
    )
    used = median(each.bytes_when_used for each in found[OURS]) / 1e3
    question = f"memory of a kept `Scan` with {REGIONS} regions, its image included"
    figure = at_most("holds", kilobytes[OURS], 8, 4, "{:.1f} KB")
    details = {"kilobytes_once_its_regions_were_read": used}
    lost = sum(each.lost for side in found.values() for each in side)
    return [Row("11", question, (figure,), details, lost, comparisons=(compared,))]
