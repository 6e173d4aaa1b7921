"""The budget of a job."""

from __future__ import annotations

from pathlib import Path

import aliocr
from aliocr.emulator import Emulator
from aliocr.job.job import Job
from aliocr.job.sources import Urls
from tests.support.working import by_row, listed, quick_emulator, quick_ocr, rows_of, urls

emulator, ocr = quick_emulator, quick_ocr


async def test_a_budget_is_kept_and_remembered(
    tmp_path: Path, emulator: Emulator, ocr: aliocr.Session
) -> None:
    """A budget ends the job cleanly; a larger one lets the job go on from there."""
    source, output = urls(tmp_path / "urls.csv", 100), tmp_path / "results.jsonl"
    summary = await Job(source, output, budget=30).run(ocr)
    assert (summary.ended, summary.charged_at_most, emulator.charged) == ("budget", 30, 30)
    assert len(rows_of(output)) == 30
    same = await Job(source, output, budget=30).run(ocr)
    assert (same.ended, emulator.charged) == ("budget", 30)
    more = await Job(source, output, budget=100).run(ocr)
    assert (more.ended, more.charged_at_most, emulator.charged) == ("complete", 100, 100)


async def test_an_image_that_is_written_in_two_ways_is_charged_once(
    tmp_path: Path, emulator: Emulator, ocr: aliocr.Session
) -> None:
    """A session sends equal images once while they wait, and so the job says."""
    sources = ["https://example.com/a b.png", "https://example.com/a%20b.png"]
    source, output = listed(tmp_path / "urls.csv", sources), tmp_path / "results.jsonl"
    summary = await Job(source, output).run(ocr)
    assert (summary.rows, summary.charged, summary.charged_at_most) == (2, 1, 1)
    assert (summary.duplicates, emulator.charged) == (1, 1)
    assert [result.source for result in by_row(output).values()] == sources


async def test_a_budget_pays_for_frames(
    tmp_path: Path, emulator: Emulator, ocr: aliocr.Session
) -> None:
    """A picture's frames are not known beforehand: there must be room for all asked for."""
    source, output = urls(tmp_path / "urls.csv", 50), tmp_path / "results.jsonl"
    sources = Urls(interval=1, max_frames=5)
    summary = await Job(source, output, sources=sources, budget=23).run(ocr)
    assert (summary.ended, summary.charged_at_most) == (
        "budget",
        19,
    )  # for a 20th image there may be 5
