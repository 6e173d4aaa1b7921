"""Jobs of tests: an input, an emulator that reads as fast as it is asked, and what came out."""

import asyncio
import os
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import aliocr
from aliocr.emulator import Emulator
from aliocr.job.output.read_back import results
from aliocr.job.output.result import Result

PATIENCE = 60


def url(number: int) -> str:
    """The image of a row."""
    return f"https://example.com/{number}.png"


def listed(path: Path, sources: Sequence[str]) -> Path:
    """An input of these sources, with ids."""
    rows = (f"id{number},{source}\n" for number, source in enumerate(sources, 1))
    path.write_text("id,url\n" + "".join(rows), encoding="utf-8")
    return path


def urls(path: Path, rows: int) -> Path:
    """An input of so many different images."""
    return listed(path, [url(number) for number in range(1, rows + 1)])


@asynccontextmanager
async def opened(emulator: Emulator, **options: Any) -> AsyncIterator[aliocr.Session]:
    """A session that keeps up with an emulator without limits."""
    defaults: dict[str, Any] = {
        "credentials": emulator.credentials,
        "endpoint": emulator.url,
        "limits": aliocr.Limits(requests_per_second=1000, images_per_request=20),
    }
    async with aliocr.Session(**(defaults | options)) as session:
        yield session


@pytest.fixture
async def quick_emulator() -> AsyncIterator[Emulator]:
    """One that answers as fast as it is asked."""
    async with Emulator(requests_per_second=None) as emulator:
        yield emulator


@pytest.fixture
async def quick_ocr(emulator: Emulator) -> AsyncIterator[aliocr.Session]:
    """A session that asks as fast as it is answered."""
    async with opened(emulator) as ocr:
        yield ocr


async def until(condition: Callable[[], object]) -> None:
    """Look at something again and again, until it is so."""
    while not condition():  # noqa: ASYNC110 - files have no events
        await asyncio.sleep(0.001)


def files_in(folder: Path) -> dict[str, bytes]:
    """All files of a folder, by name."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def rows_of(output: Path) -> list[int]:
    """The rows of the input that an output has results of, in the order of the input."""
    return sorted(result.row for result in results(output))


def by_row(output: Path) -> dict[int, Result]:
    """The results by row; each has one."""
    found = list(results(output))
    assert max(Counter(result.row for result in found).values(), default=1) == 1
    return {result.row: result for result in found}


def asked_for(emulator: Emulator) -> Counter[str]:
    """Count the requests for each image."""
    return Counter(task.url for call in emulator.calls for task in call.tasks)


RUN = """
import asyncio, sys
import aliocr
from aliocr.job.job import Job

async def main():
    limits = aliocr.Limits(requests_per_second=1000, images_per_request=int(sys.argv[3]))
    async with aliocr.Session(limits=limits) as ocr:
        print((await Job(sys.argv[1], sys.argv[2]).run(ocr)).ended, flush=True)

asyncio.run(main())
"""


def started(
    emulator: Emulator,
    source: Path,
    output: Path,
    *,
    images_per_request: int = 20,
    program: str = RUN,
    **more: Any,
) -> "subprocess.Popen[str]":
    """A job as a process of its own, which says how it ended."""
    key = emulator.credentials
    return subprocess.Popen(
        [sys.executable, "-c", program, source, output, str(images_per_request)],
        env=os.environ
        | {
            "ALIOCR_ENDPOINT": emulator.url,
            "ALIBABA_CLOUD_ACCESS_KEY_ID": key.access_key_id,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": key.access_key_secret,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )
