"""Row "emulator": longest time that the emulator blocks its event loop, with many clients.

The emulator must not block the loop, because the test of a user may run in the same loop.
"""

from __future__ import annotations

import asyncio
import time
import uuid

import aiohttp
import attrs
import msgspec

from aliocr.credentials import Credentials
from aliocr.emulator import Emulator
from aliocr.models import Region
from aliocr.protocol import signing
from benchmarks.figures import Row, at_most
from benchmarks.tally import url_of
from benchmarks.worker import run_fresh

CLIENTS, IMAGES, REGIONS = 20, 100, 20
TICK = 0.002
"""Interval between two samples of the clock, in seconds."""


@attrs.frozen
class _LoopStalls:
    """Longest blocks of the loop in seconds, longest first; number of images that were answered."""

    stalls: tuple[float, ...]
    answered: int


async def _served(rounds: int) -> _LoopStalls:
    stalls: list[float] = []

    async def sample() -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(TICK)
            stalls.append(time.perf_counter() - before - TICK)

    async with Emulator(requests_per_second=None) as emulator:
        emulator.text("*", "word " * REGIONS, [Region("word", 1, 2, 30, 4)] * REGIONS)
        sampling = asyncio.create_task(sample())
        # The clients run in another process, so that their work does not block this loop.
        answered = await asyncio.to_thread(
            run_fresh, _asked, emulator.url, attrs.astuple(emulator.credentials), rounds
        )
        sampling.cancel()
    return _LoopStalls(tuple(sorted(stalls, reverse=True)[:10]), answered)


async def _asked(url: str, key: tuple[str, str, str | None], rounds: int) -> int:
    """Send the requests of all clients; return the number of images answered with code 200."""
    credentials = Credentials(*key)
    tasks = [{"dataId": str(number), "url": url_of(number)} for number in range(IMAGES)]
    body = msgspec.json.encode({"scenes": ["ocr"], "tasks": tasks})

    async def ask(session: aiohttp.ClientSession) -> int:
        headers = signing.signed_headers(
            body, credentials, timestamp=time.time(), nonce=str(uuid.uuid4())
        )
        async with session.post(url + signing.SCAN_PATH, data=body, headers=headers) as response:
            return (await response.read()).count(b'"code":200,"msg":"OK","dataId"')

    answered = 0
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        for _ in range(rounds):
            answered += sum(await asyncio.gather(*(ask(session) for _ in range(CLIENTS))))
    return answered


def measure_emulator(*, quick: bool) -> list[Row]:
    """Measure the longest blocks of the loop while many clients send requests at the same time."""
    rounds = 3 if quick else 20
    measured = run_fresh(_served, rounds)
    images = CLIENTS * IMAGES * rounds
    question = f"the emulator: {CLIENTS} clients at once, {IMAGES} images a request, {rounds} times"
    stalls = {f"stall_{place}_ms": 1000 * stall for place, stall in enumerate(measured.stalls, 1)}
    figure = at_most(
        "longest standstill of its loop, ms", 1000 * measured.stalls[0], 50, 25, "{:.0f}"
    )
    return [Row("emulator", question, (figure,), stalls, lost=images - measured.answered)]
