"""Measure one run of a bulk job. Each measurement must run in a fresh process."""

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

T = TypeVar("T")

SAMPLE_EVERY = 0.005
"""Interval between two samples of the clock and of the progress of the job, in seconds."""

LIMITS = Limits(images_in_flight=2_000)
"""Limits of the measured session: enough images in flight to keep the server busy. Nothing else
limits the job."""


class FirstPermitTimer:
    """Limiter that grants every permit immediately, and records the time of the first permit."""

    def __init__(self) -> None:
        self.first: float | None = None

    async def acquire(self) -> None:
        """Grant a permit immediately."""
        if self.first is None:
            self.first = time.perf_counter()


@attrs.frozen(kw_only=True)
class JobRun:
    """Figures of one run of a job.

    Args:
        ended: How the run ended, as in `Summary`.
        rows: Number of rows that got their result in this run.
        seconds: Duration of `Job.run`, in seconds.
        cpu_seconds: CPU time of the whole process during `Job.run`, in seconds.
        first_request: Seconds from the start of `Job.run` to the first request; None if no request
            was sent.
        before: Resident memory before `Job.run`, in bytes.
        peak: Peak of resident memory after `Job.run`, in bytes.
        grown: Growth of this peak during `Job.run`, in bytes.
        block: Longest block of the event loop, in seconds.
        images_a_request: Mean number of images per request.
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


async def measure_job_run(
    url: str,
    source: Path,
    output: Path,
    *,
    stop_after: int | None = None,
    retry: Retry | None = None,
) -> JobRun:
    """Run a job against the server at `url`, and return its figures.

    Args:
        url: URL of the server.
        source: The input file.
        output: The output file, which may exist from an earlier run.
        stop_after: Number of rows in this run after which the job is stopped; None for no stop.
        retry: The argument `retry` of `Job`.
    """
    limiter, stop = FirstPermitTimer(), asyncio.Event()
    job = Job(source, output, retry=retry)
    longest = 0.0

    async def sample() -> None:
        nonlocal longest
        first: int | None = None
        while True:
            due = time.perf_counter() + SAMPLE_EVERY
            await asyncio.sleep(SAMPLE_EVERY)
            longest = max(longest, time.perf_counter() - due)
            progress = job.progress
            if stop_after is None or progress is None or limiter.first is None:
                continue
            first = progress.rows if first is None else first
            if progress.rows - first >= stop_after:
                stop.set()

    async with open_session(url, limiter=limiter, limits=LIMITS) as ocr:
        before, peak = resident_bytes(), peak_bytes()
        began, cpu = time.perf_counter(), time.process_time()
        sampling = asyncio.create_task(sample())
        summary = await job.run(ocr, stop=stop)
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        sampling.cancel()
        await asyncio.wait([sampling])
        stats = ocr.stats
    return JobRun(
        ended=summary.ended,
        rows=sum(stats.outcomes.values()),
        seconds=seconds,
        cpu_seconds=cpu,
        first_request=None if limiter.first is None else limiter.first - began,
        before=before,
        peak=peak_bytes(),
        grown=grown_since(peak),
        block=longest,
        images_a_request=stats.images_sent / max(1, stats.requests),
    )


async def measure_opening(source: Path, output: Path) -> dict[str, float]:
    """Return the duration in seconds of each step of a resumed job before its first row."""
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
