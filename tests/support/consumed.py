"""Outputs of each format with all that is hard on their readers, and what they hold."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aliocr
from aliocr import Frame, Region
from aliocr.emulator import Emulator
from aliocr.emulator.content import Content
from tests.support.program import in_a_shell

LEADING = 200
"""Rows that were not read, at the beginning, and then so many pictures without text: two requests
each. Readers that infer types from the first hundred rows see only these."""

TEXTS = (
    "增值税电子普通发票 合计¥64.50",
    'quoted "text", with, commas',
    "two\nlines\r\nand\ta tab",
    "NUL \0 within",
    "😀 emoji 👩‍👩‍👧",
    "=1+1",
    "007",
    "true",
    "null",
    "  blanks  ",
    "\\N \\u0041 back\\slash",
    "x" * 100_000,
)

MOVING = "https://example.com/moving.gif"
FRAMES = tuple(
    Frame(f"frame {at}", (Region(f"frame {at}", 1.5, 2, 3, 4),), f"https://example.com/{at}.png")
    for at in range(3)
)

URLS = [
    *(f"https://example.com/failed/{at}.png" for at in range(LEADING)),
    *(f"https://example.com/empty/{at}.png" for at in range(LEADING)),
    *(f"https://example.com/read/{at}.png" for at in range(len(TEXTS))),
    MOVING,
]


def _scripted() -> Emulator:
    emulator = Emulator(requests_per_second=None)
    for url in URLS:
        kind, _, place = url.removeprefix("https://example.com/").partition("/")
        if kind == "failed":
            emulator.fail(url, 404)
        elif kind == "empty":
            emulator.text(url, "")
        elif kind == "read":
            emulator.text(url, TEXTS[int(place.removesuffix(".png"))])
    still = Content("frame 0", FRAMES[0].regions, FRAMES)
    emulator._instructions.contents[MOVING] = still
    return emulator


def _session(emulator: Emulator) -> aliocr.Session:
    # One request after the other, so that the rows are in order.
    limits = aliocr.Limits(requests_per_second=1000, images_in_flight=100)
    return aliocr.Session(
        credentials=emulator.credentials, endpoint=emulator.url, limits=limits, max_retries=0
    )


async def _jobs(folder: Path, emulator: Emulator) -> None:
    async with _session(emulator) as ocr:
        for suffix in ("jsonl", "csv", "parquet"):
            job = aliocr.Job(
                folder / "urls.csv",
                folder / f"results.{suffix}",
                sources=aliocr.Urls(interval=1, max_frames=len(FRAMES)),
            )
            summary = await job.run(ocr)
            assert (summary.rows, summary.read) == (len(URLS), len(URLS) - LEADING)


def write_outputs(folder: Path) -> None:
    """Have a job write an output of each format, and `aliocr scan --json` its lines.

    The ids begin with zeros, which a reader loses that takes them for numbers.
    """
    rows = "".join(f"{at:04},{url}\n" for at, url in enumerate(URLS))
    (folder / "urls.csv").write_text(f"id,url\n{rows}", encoding="utf-8")
    (folder / "urls.txt").write_text("".join(f"{url}\n" for url in URLS), encoding="utf-8")
    with _scripted() as emulator:
        asyncio.run(_jobs(folder, emulator))
        key = emulator.credentials
        done = in_a_shell(
            f"cd {folder}; aliocr scan --json --interval 1 --max-frames {len(FRAMES)} - < urls.txt"
            " | LC_ALL=C sort > scan.jsonl",  # what is empty or failed comes first
            {
                "ALIOCR_ENDPOINT": emulator.url,
                "ALIBABA_CLOUD_ACCESS_KEY_ID": key.access_key_id,
                "ALIBABA_CLOUD_ACCESS_KEY_SECRET": key.access_key_secret,
            },
        )
    assert done.returncode == 0, done.stderr
