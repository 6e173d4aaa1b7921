"""Make the outputs and journals in `tests/job/output/versions`, with the code of an earlier commit.

    git worktree add EARLIER COMMIT
    PYTHONPATH=EARLIER python tests/support/earlier_jobs.py tests/job/output/versions/NAME.zip

`README.md` in that folder names the commits. They are made once.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import attrs

import aliocr
from aliocr.emulator import Emulator
from aliocr.emulator.content import Content

FORMATS = ("jsonl", "csv", "parquet")

SOURCES = [
    *("plain/1.png", "plain/2.png", "plain/1.png", "not a URL", "gone.png", "lines.png"),
    *("film.gif", "empty.png", "zh.png", "broken.png", "plain/11.png", "plain/12.png"),
    *("plain/13.png", "film.gif", "gone.png", "plain/16.png"),
]
"""The images of the list; three of them stand in it twice."""


def scripted(emulator: Emulator) -> None:
    """Set what the images are: texts in lines and none, frames, and failures."""
    base = "https://example.com/"
    regions = [
        aliocr.Region(text="Total, with tax", x=20, y=30, w=110.5, h=18),
        aliocr.Region(text='64.50 "EUR"', x=140, y=30, w=70, h=18),
        aliocr.Region(text="Danke", x=20, y=60, w=50, h=18),
    ]
    emulator.text(base + "lines.png", 'Total, with tax\n64.50 "EUR"\nDanke', regions)
    emulator.text(base + "empty.png", "")
    emulator.text(base + "zh.png", "发票 1")
    emulator.fail(base + "gone.png", 404)
    emulator.fail(base + "broken.png", 592)
    frames = tuple(
        aliocr.Frame(text=f"frame {number}", rate=90.0 + number, regions=(regions[number],))
        for number in range(3)
    )
    film = attrs.evolve(Content.of_text("frame 0"), frames=frames)
    emulator._instructions.contents[base + "film.gif"] = film


def listed(path: Path) -> Path:
    """The list, with ids."""
    rows = (
        f"id{number},{name if ' ' in name else f'https://example.com/{name}'}\n"
        for number, name in enumerate(SOURCES, 1)
    )
    path.write_text("id,url\n" + "".join(rows), encoding="utf-8")
    return path


async def run(source: Path, output: Path, endpoint: str, budget: int | None) -> None:
    """Run the job, each request with three images."""
    limits = aliocr.Limits(requests_per_second=1000, images_per_request=3)
    sources = aliocr.Urls(interval=1, max_frames=3)
    key = aliocr.Credentials("key", "secret")
    async with aliocr.Session(
        credentials=key, endpoint=endpoint, limits=limits, max_retries=0
    ) as ocr:
        await aliocr.Job(source, output, sources=sources, budget=budget).run(ocr)


def journaled(output: Path) -> int:
    """The number of rows in the journal."""
    with closing(sqlite3.connect(f"{output}.journal")) as db:
        try:
            return int(db.execute("SELECT count(*) FROM rows").fetchone()[0])
        except sqlite3.Error:
            return 0


def killed(source: Path, output: Path, emulator: Emulator) -> None:
    """Kill a job when its output has six rows; in Parquet, its journal."""
    words = [sys.executable, __file__, str(source), str(output), emulator.url]
    job = subprocess.Popen(words, env=os.environ)
    while job.poll() is None:
        if output.suffix == ".parquet":
            if journaled(output) >= 6:
                break
        elif output.exists() and output.read_bytes().count(b"https://example.com/") >= 6:
            break
        time.sleep(0.001)
    job.send_signal(signal.SIGKILL)
    assert job.wait() == -signal.SIGKILL, "it ended before"
    journaled(output)  # SQLite takes the changes of its second file into the journal
    print(output.name, journaled(output), "rows in the journal")  # noqa: T201


def main(archive: Path) -> None:
    """Make the archive."""
    with TemporaryDirectory() as folder:
        source = listed(Path(folder, "urls.csv"))
        key = aliocr.Credentials("key", "secret")
        with Emulator(credentials=key, requests_per_second=None) as emulator:
            scripted(emulator)
            for suffix in FORMATS:
                for name, budget in (("complete", None), ("stopped", 12)):
                    output = Path(folder, f"{name}.{suffix}")
                    asyncio.run(run(source, output, emulator.url, budget))
            emulator.delay(0.3)
            for suffix in FORMATS:
                killed(source, Path(folder, f"killed.{suffix}"), emulator)
        shutil.make_archive(str(archive.with_suffix("")), "zip", folder)


if __name__ == "__main__":
    if len(sys.argv) == 2:
        main(Path(sys.argv[1]))
    else:
        asyncio.run(run(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], None))
