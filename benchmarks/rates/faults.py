"""Faults that are no quota, and a second process: images per second over four minutes, by 20 s.

Each is measured twice: on a model in virtual time, with many seeds, and with sessions and the
benchmark's server in real time, once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from statistics import fmean

import attrs

from benchmarks.client import open_session, urls_until
from benchmarks.rates.cases import BETWEEN_STARTS, FULL_RATE, LENGTH
from benchmarks.rates.model import Character, World
from benchmarks.server import Server
from benchmarks.service import Quotas, Service
from benchmarks.tally import Tally
from benchmarks.worker import measure_concurrently, run_fresh

SPAN = 20.0
"""Length of the periods whose means are printed, in seconds."""

SPANS = int(LENGTH / SPAN)

ANSWER = 0.1
"""Time of an answer, in seconds."""


@attrs.frozen(kw_only=True)
class Fault:
    """A fault, as the model and as the server have it.

    Args:
        name: What happens.
        quota: Images per second; None for no quota.
        image_chance: Share of the images that are answered 588 by chance; the server answers an
            image so once.
        whole_chance: Share of the requests whose images are all answered 588.
        throttled: Share of the requests that are throttled.
        throttled_for: Seconds from the start during which `throttled` holds.
        processes: Number of processes, which start 10 s apart.
    """

    name: str
    quota: float | None = None
    image_chance: float = 0.0
    whole_chance: float = 0.0
    throttled: float = 0.0
    throttled_for: float = LENGTH + SPAN
    processes: int = 1

    @property
    def character(self) -> Character:
        """The model's settings."""
        return Character(
            images=self.quota,
            answers=(ANSWER, ANSWER),
            jitter=0.0,
            image_chance=self.image_chance,
            whole_chance=self.whole_chance,
            throttle_chance=lambda now: self.throttled if now < self.throttled_for else 0.0,
        )

    @property
    def service(self) -> Service:
        """The server's settings."""
        return Service(
            quotas=Quotas(images_per_second=self.quota),
            seconds=ANSWER,
            failing_share=self.image_chance,
            failing_code=588,
            over_quota_share=self.whole_chance,
            throttled_share=self.throttled,
            throttled_for=self.throttled_for,
        )

    @property
    def limit(self) -> float:
        """Images per second that one process would get of an even share."""
        return (self.quota or FULL_RATE) / self.processes


FAULTS = (
    Fault(name="none"),
    Fault(name="5 % of the images answered 588 once", image_chance=0.05),
    Fault(name="5 % of the requests answered 588", whole_chance=0.05),
    Fault(name="5 % of the requests throttled", throttled=0.05),
    Fault(name="20 % throttled for 60 s, then none", throttled=0.2, throttled_for=60.0),
    Fault(name="two processes, quota of 100", quota=100.0, processes=2),
)


def simulated(number: int, seeds: Sequence[int]) -> list[list[list[float]]]:
    """Return images per second by seed, process and span, in virtual time.

    Args:
        number: Index in `FAULTS`.
        seeds: The seeds.
    """
    fault, worlds = FAULTS[number], []
    for seed in seeds:
        world = World(fault.character, seed)
        for process in range(fault.processes):
            world.add_client(process * BETWEEN_STARTS)
        world.run_until(LENGTH)
        worlds.append(
            [
                [
                    client.count(span * SPAN, (span + 1) * SPAN).images_per_second
                    for span in range(SPANS)
                ]
                for client in world.clients
            ]
        )
    return worlds


async def _stream(url: str, start: float, after: float) -> list[float]:
    """Return images per second by span, from `start`, a time of `time.monotonic`."""
    await asyncio.sleep(start + after - time.monotonic())
    counts = [0] * SPANS
    tally = Tally(0)
    async with open_session(url) as ocr:
        async for outcome in ocr.stream(urls_until(start + LENGTH, tally)):
            tally.note(outcome)
            span = int((time.monotonic() - start) / SPAN)
            if outcome.ok and span < SPANS:
                counts[span] += 1
    return [count / SPAN for count in counts]


def measured() -> list[list[list[float]]]:
    """Return images per second by fault, process and span, with real sockets."""
    return list(measure_concurrently({f.name: partial(_measure, f) for f in FAULTS}).values())


def _measure(fault: Fault) -> list[list[float]]:
    with Server(fault.service) as server:
        start = time.monotonic() + 5.0  # all processes have started by then
        processes = {
            number: partial(run_fresh, _stream, server.url, start, number * BETWEEN_STARTS)
            for number in range(fault.processes)
        }
        return list(measure_concurrently(processes).values())


def lines(fault: Fault, worlds: Sequence[Sequence[Sequence[float]]]) -> list[list[str]]:
    """Return one line per process: name, means by span, and the ratio to an even share."""
    table = []
    for process in range(fault.processes):
        spans = [[world[process][span] for world in worlds] for span in range(SPANS)]
        ratios = [fmean(world[process]) / fault.limit for world in worlds]
        name = fault.name if fault.processes == 1 else f"{fault.name}: process {process + 1}"
        means = " ".join(f"{fmean(values):.0f}" for values in spans)
        table.append([name, means, f"{fmean(ratios):.2f} ({min(ratios):.2f})"])
    return table
