"""One run of a bulk job, measured in the fresh process that it has to itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TypeVar

import attrs

from aliocr import Limits
from aliocr.job.input.opening import opened
from aliocr.job.job import Job, Retry
from aliocr.job.output.ledger import Ledger
from aliocr.job.sources import Urls
from aliocr.job.worklist import Worklist
from benchmarks.client import open_session
from benchmarks.memory import grown_since, peak_bytes, resident_bytes

__all__ = ["Leg", "leg", "steps"]

T = TypeVar("T")

LOOK_EVERY = 0.005
"""Seconds between two looks at the clock, and at how far the job has come."""

LIMITS = Limits(images_in_flight=2_000)
"""As many as keep the server busy; nothing else holds the job back."""


class Gate:
    """Never waits, and notes when it was first asked: the first request leaves then."""

    def __init__(self) -> None:
        self.first: float | None = None

    async def acquire(self) -> None:
        """Give leave at once."""
        if self.first is None:
            self.first = time.perf_counter()


@attrs.frozen(kw_only=True)
class Leg:
    """What one run was like.

    Args:
        ended: How it ended, as of `Summary`.
        rows: Rows that got their result in it.
        seconds: From `Job.run` to its end.
        cpu_seconds: Of the whole process meanwhile.
        first_request: Seconds from `Job.run` until the first request left; None if none did.
        before: Bytes resident before `Job.run`.
        peak: The most bytes resident by its end.
        grown: Bytes by which the process's peak had grown by its end.
        block: The longest time, in seconds, for which the loop did not turn.
        images_a_request: In the mean.
    """

    ended: str
    rows: int
    seconds: float
    cpu_seconds: float
    first_request: float | None
    before: int
    peak: int
    grown: int
    block: float
    images_a_request: float


async def leg(
    url: str,
    source: Path,
    output: Path,
    *,
    stop_after: int | None = None,
    retry: Retry | None = None,
) -> Leg:
    """Run a job against the server at `url`.

    Args:
        url: The server's.
        source: The input.
        output: The output, which may have been begun.
        stop_after: Rows of this run after which the job is told to stop; None for all.
        retry: As of `Job`.
    """
    gate, stop = Gate(), asyncio.Event()
    job = Job(source, output, retry=retry)
    longest = 0.0

    async def look() -> None:
        nonlocal longest
        first: int | None = None
        while True:
            due = time.perf_counter() + LOOK_EVERY
            await asyncio.sleep(LOOK_EVERY)
            longest = max(longest, time.perf_counter() - due)
            progress = job.progress
            if stop_after is None or progress is None or gate.first is None:
                continue
            first = progress.rows if first is None else first
            if progress.rows - first >= stop_after:
                stop.set()

    async with open_session(url, limiter=gate, limits=LIMITS) as ocr:
        before, peak = resident_bytes(), peak_bytes()
        began, cpu = time.perf_counter(), time.process_time()
        looking = asyncio.create_task(look())
        summary = await job.run(ocr, stop=stop)
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        looking.cancel()
        await asyncio.wait([looking])
        stats = ocr.stats
    return Leg(
        ended=summary.ended,
        rows=sum(stats.outcomes.values()),
        seconds=seconds,
        cpu_seconds=cpu,
        first_request=None if gate.first is None else gate.first - began,
        before=before,
        peak=peak_bytes(),
        grown=grown_since(peak),
        block=longest,
        images_a_request=stats.images_sent / max(1, stats.requests),
    )


async def steps(source: Path, output: Path) -> dict[str, float]:
    """Seconds that a job which goes on takes for each step before its first row is drawn."""
    seconds: dict[str, float] = {}

    def timed(step: str, action: Callable[[], T]) -> T:
        began = time.perf_counter()
        done = action()
        seconds[step] = time.perf_counter() - began
        return done

    ledger = timed("the journal and the output opened", lambda: Ledger(output, "jsonl", ""))
    with closing(ledger):
        reader = timed("the input opened", lambda: opened(source))
        if (last := ledger.journal.last_checkpoint()) is not None:
            timed("the input compared to its last checkpoint", partial(reader.compare, last))
        worklist = timed(
            "the worklist", lambda: Worklist(ledger, Urls(), alone=False, whole_urls=False)
        )
        if (start := worklist.start) is not None:
            timed("the input read to where it goes on", partial(reader.skip_to, start))
        reader.close()
        timed("failures counted", worklist.counts)
    return seconds
