"""Measure CPU, memory and event-loop blocks of one peer. Each measurement needs a fresh process.

A block is a time in which the event loop runs nothing else.
"""

from __future__ import annotations

import asyncio
import gc
import json
import time
import tracemalloc
from collections.abc import Iterable
from contextlib import suppress
from statistics import median

import attrs

from aliocr import Scan
from benchmarks.memory import grown_since, peak_bytes, traced_bytes
from benchmarks.peers import PEERS
from benchmarks.peers.contract import IN_FLIGHT
from benchmarks.reply import OK, CannedReplies, tasks_of
from benchmarks.tally import urls

WARM_UP_REQUESTS = 10
"""Number of requests that are sent before the measurement starts."""


@attrs.frozen
class Cost:
    """CPU time and memory of the whole process while a peer reads images.

    Args:
        lost: Images that were not read.
        seconds: CPU time per image, in seconds.
        memory: Growth of the peak of memory after the warm-up, in bytes.
    """

    lost: int
    seconds: float
    memory: int


async def measure_cost(
    name: str,
    url: str,
    count: int,
    *,
    per_request: int = 100,
    in_flight: int = IN_FLIGHT,
    keep: bool = False,
) -> Cost:
    """Measure reading `count` images after a warm-up. Opening connections is included."""
    how = {"per_request": per_request, "in_flight": in_flight}
    peer = PEERS[name]
    answers: list[object] = []
    read = 0

    def note(images: int, answer: object) -> None:
        nonlocal read
        read += images
        if keep:
            answers.append(answer)

    await peer.read_images(url, urls(WARM_UP_REQUESTS * per_request), lambda *_: None, **how)
    memory, start = peak_bytes(), time.process_time()
    await peer.read_images(url, urls(count), note, **how)
    spent = time.process_time() - start
    return Cost(count - read, spent / count, grown_since(memory))


@attrs.frozen
class Block:
    """Longest block of the event loop.

    Args:
        lost: Number of images that were not read.
        seconds: Longest time between two loop iterations during a reply, in seconds; the median of
            all replies.
        loads_seconds: Time of `json.loads` for such a reply in the same process, in seconds.
    """

    lost: int
    seconds: float
    loads_seconds: float


async def measure_longest_block(name: str, url: str, regions: int, replies: int) -> Block:
    """Send requests of 100 images, one at a time. Read the clock in every loop iteration."""
    longest = 0.0
    blocks: list[float] = []
    read = 0

    async def sample() -> None:
        nonlocal longest
        before = time.perf_counter()
        while True:
            await asyncio.sleep(0)
            now = time.perf_counter()
            longest = max(longest, now - before)
            before = now

    def note(images: int, _: object) -> None:
        nonlocal longest, read
        read += images
        if read % 100 == 0:
            blocks.append(longest)
            longest = 0.0

    count = 100 * (replies + WARM_UP_REQUESTS)
    sampling = asyncio.create_task(sample())
    await PEERS[name].read_images(url, urls(count), note, in_flight=1)
    sampling.cancel()
    with suppress(asyncio.CancelledError):
        await sampling
    return Block(count - read, median(blocks[WARM_UP_REQUESTS:]), _loads_seconds(regions, replies))


def _loads_seconds(regions: int, times: int) -> float:
    tasks = [{"dataId": str(number), "url": url} for number, url in enumerate(urls(100))]
    named = tasks_of(json.dumps({"tasks": tasks}).encode())
    body = CannedReplies((regions, regions), seed=1).reply(named, [OK] * 100)
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        json.loads(body)
        seconds.append(time.perf_counter() - start)
    return median(seconds)


@attrs.frozen
class Kept:
    """Memory of answers that the caller keeps.

    Args:
        lost: Number of images that were not read.
        bytes_an_image: Memory per image, in bytes, measured by tracemalloc.
        bytes_when_used: This memory after every region of every `Scan` was read.
    """

    lost: int
    bytes_an_image: float
    bytes_when_used: float


async def measure_kept(name: str, url: str, count: int) -> Kept:
    """Read `count` images, keep all answers of the peer, and measure their memory."""
    peer = PEERS[name]
    await peer.read_images(url, urls(100 * WARM_UP_REQUESTS), lambda *_: None)
    answers: list[object] = []
    read = 0

    def note(images: int, answer: object) -> None:
        nonlocal read
        read += images
        answers.append(answer)

    gc.collect()
    tracemalloc.start()
    await peer.read_images(url, urls(count), note)
    held = traced_bytes() / count
    _read_regions(answers)
    used = traced_bytes() / count
    tracemalloc.stop()
    return Kept(count - read, held, used)


def _read_regions(answers: Iterable[object]) -> None:
    for answer in answers:
        if isinstance(answer, Scan):
            for _ in answer.regions:
                pass
