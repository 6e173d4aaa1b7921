"""A job's memory does not depend on how long its input is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from aliocr.emulator import Emulator
from tests.support.working import started, urls

MEGABYTES = 1_000_000

MOST_GROWN = 50 * MEGABYTES

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="the system does not say what is resident"
)

PEAK = """
def peak():
    with open("/proc/self/status") as status:
        return next(1024 * int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
"""

RUN = (
    PEAK
    + """
import asyncio, sys
import aliocr
from aliocr.job.job import Job

async def main():
    limits = aliocr.Limits(requests_per_second=1000, images_per_request=int(sys.argv[3]))
    async with aliocr.Session(limits=limits) as ocr:
        before = peak()
        summary = await Job(sys.argv[1], sys.argv[2]).run(ocr)
        print(summary.ended, peak() - before)

asyncio.run(main())
"""
)

RETRY = (
    PEAK
    + """
import sys
from pathlib import Path
from aliocr.job.output.ledger import Ledger
from aliocr.job.output.result import Unread

rows = int(sys.argv[2])
ledger = Ledger(Path(sys.argv[1]), "jsonl", "")
for first in range(1, rows + 1, 1_000):
    ledger.write([
        Unread(row=row, source="https://example.com/", kind="DownloadError", code=404, error="gone")
        for row in range(first, first + 1_000)
    ])
    ledger.commit(0, duplicates=0)
before = peak()
ledger.retry(frozenset())
assert not ledger.has(1) and not ledger.has(rows)
print(peak() - before)
ledger.close()
"""
)


@pytest.mark.timeout(1800)
def test_a_long_input_needs_no_more_memory_than_a_short_one(tmp_path: Path, *, soak: bool) -> None:
    """By `--soak` a million rows, else twenty thousand, let the process grow by less than 50 MB."""
    rows = 1_000_000 if soak else 20_000
    source, output = urls(tmp_path / "urls.csv", rows), tmp_path / "results.jsonl"
    with Emulator(requests_per_second=None, max_calls=10) as emulator:
        job = started(emulator, source, output, images_per_request=100, program=RUN)
        said, complaints = job.communicate(timeout=1800)
    assert complaints == ""
    ended, grown = said.split()
    assert ended == "complete"
    assert int(grown) < MOST_GROWN
    with output.open("rb") as lines:
        assert sum(1 for _ in lines) == rows
    print(f"{rows:,} rows: grown by {int(grown) / MEGABYTES:.1f} MB")  # noqa: T201


def test_failures_of_a_whole_job_are_retried_in_flat_memory(tmp_path: Path, *, soak: bool) -> None:
    """Memory does not grow with their number."""
    rows = 1_000_000 if soak else 20_000
    retried = subprocess.run(
        [sys.executable, "-c", RETRY, tmp_path / "results.jsonl", str(rows)],
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert retried.stderr == ""
    assert int(retried.stdout) < MOST_GROWN
