"""What a peer costs, measured in the fresh process that it has to itself."""

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
from benchmarks.memory import grown_since, peak_bytes
from benchmarks.peers import IN_FLIGHT, PEERS
from benchmarks.reply import OK, Pictures, tasks_of
from benchmarks.tally import urls

__all__ = ["Block", "Cost", "Kept", "cost", "kept", "longest_block"]

WARM_UP_REQUESTS = 10
"""Requests read before anything is measured."""


@attrs.frozen
class Cost:
    """What reading cost the whole process.

    Args:
        lost: Images that were not read.
        seconds: CPU time an image.
        memory: Bytes by which the most memory that the process ever had has grown since it had
            warmed up.
    """

    lost: int
    seconds: float
    memory: int


async def cost(
    name: str,
    url: str,
    count: int,
    *,
    per_request: int = 100,
    in_flight: int = IN_FLIGHT,
    keep: bool = False,
) -> Cost:
    """CPU time and memory of one job, its connections included, in a process that has warmed up."""
    how = {"per_request": per_request, "in_flight": in_flight}
    peer = PEERS[name]
    answers: list[object] = []
    read = 0

    def note(images: int, answer: object) -> None:
        nonlocal read
        read += images
        if keep:
            answers.append(answer)

    await peer.answers(url, urls(WARM_UP_REQUESTS * per_request), lambda *_: None, **how)
    memory, start = peak_bytes(), time.process_time()
    await peer.answers(url, urls(count), note, **how)
    spent = time.process_time() - start
    return Cost(count - read, spent / count, grown_since(memory))


@attrs.frozen
class Block:
    """How long the event loop stood still.

    Args:
        lost: Images that were not read.
        seconds: The longest time between two turns of the loop during a reply: the median of all.
        loads_seconds: What `json.loads` takes for such a reply in the same process.
    """

    lost: int
    seconds: float
    loads_seconds: float


async def longest_block(name: str, url: str, regions: int, replies: int) -> Block:
    """One request of 100 images at a time, while the clock is looked at in every turn."""
    longest = 0.0
    blocks: list[float] = []
    read = 0

    async def look() -> None:
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
    looking = asyncio.create_task(look())
    await PEERS[name].answers(url, urls(count), note, in_flight=1)
    looking.cancel()
    with suppress(asyncio.CancelledError):
        await looking
    return Block(count - read, median(blocks[WARM_UP_REQUESTS:]), _loads_seconds(regions, replies))


def _loads_seconds(regions: int, times: int) -> float:
    tasks = [{"dataId": str(number), "url": url} for number, url in enumerate(urls(100))]
    named = tasks_of(json.dumps({"tasks": tasks}).encode())
    body = Pictures((regions, regions), seed=1).reply(named, [OK] * 100)
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        json.loads(body)
        seconds.append(time.perf_counter() - start)
    return median(seconds)


@attrs.frozen
class Kept:
    """What answers hold as long as their caller keeps them.

    Args:
        lost: Images that were not read.
        bytes_an_image: By tracemalloc.
        bytes_when_used: The same, once every region of every `Scan` has been looked at.
    """

    lost: int
    bytes_an_image: float
    bytes_when_used: float


async def kept(name: str, url: str, count: int) -> Kept:
    """Read so many images, and keep all that a peer gave for them."""
    peer = PEERS[name]
    await peer.answers(url, urls(100 * WARM_UP_REQUESTS), lambda *_: None)
    answers: list[object] = []
    read = 0

    def note(images: int, answer: object) -> None:
        nonlocal read
        read += images
        answers.append(answer)

    gc.collect()
    tracemalloc.start()
    await peer.answers(url, urls(count), note)
    held = _traced() / count
    _look_at(answers)
    used = _traced() / count
    tracemalloc.stop()
    return Kept(count - read, held, used)


def _traced() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def _look_at(answers: Iterable[object]) -> None:
    for answer in answers:
        if isinstance(answer, Scan):
            for _ in answer.regions:
                pass
