"""Jobs from beginning to end."""

from __future__ import annotations

import asyncio
import gzip
import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import aliocr
from aliocr.emulator import Emulator
from aliocr.job.errors import InputError
from aliocr.job.job import Job
from aliocr.job.summary import Failed
from tests.support.working import (
    asked_for,
    by_row,
    listed,
    quick_emulator,
    quick_ocr,
    rows_of,
    until,
    url,
    urls,
)

emulator, ocr = quick_emulator, quick_ocr


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
async def test_each_row_has_its_result(
    suffix: str, tmp_path: Path, emulator: Emulator, ocr: aliocr.Session
) -> None:
    """With its id, its line and what was read; bad rows and bad pictures among them."""
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    source = listed(tmp_path / "urls.csv", [url(1), "receipt.png", url(3)])
    emulator.text(url(1), 'Two lines,\n"quoted"')
    emulator.fail(url(3), 404)
    output = tmp_path / f"results.{suffix}"
    summary = await Job(source, output).run(ocr)
    read, bad, lost = (by_row(output)[row] for row in (1, 2, 3))
    assert read.ok
    assert (read.row, read.line, read.id, read.source) == (1, 2, "id1", url(1))
    assert read.text == 'Two lines,\n"quoted"'
    assert [str(line) for line in read.lines] == ['Two lines,\n"quoted"']
    assert read.regions
    assert not bad.ok
    assert (bad.kind, bad.code, bad.line) == ("BadRow", None, 3)
    assert "not an http:// or https:// URL" in bad.error
    assert not lost.ok
    assert (lost.kind, lost.code, lost.maybe_charged) == ("DownloadError", 404, False)
    assert lost.request_id
    assert summary.ended == "complete"
    assert (summary.read, summary.rows, summary.charged_at_most) == (1, 3, 1)
    assert set(summary.failed) == {Failed("BadRow", None, 1), Failed("DownloadError", 404, 1)}


async def test_a_url_is_taken_as_people_have_it(
    tmp_path: Path, emulator: Emulator, ocr: aliocr.Session
) -> None:
    """It is sent as browsers send it; its row shows what the list has, which finds it again."""
    sources = ["https://example.com/发票 1.png", "\u200bhttps://example.com/2.png", "https://ü../"]
    source, output = listed(tmp_path / "urls.csv", sources), tmp_path / "results.jsonl"
    await Job(source, output).run(ocr)
    assert [by_row(output)[row].source for row in (1, 2, 3)] == sources
    assert [by_row(output)[row].ok for row in (1, 2, 3)] == [True, True, False]
    assert "host or port that cannot be read" in str(by_row(output)[3])
    assert set(asked_for(emulator)) == {
        "https://example.com/%E5%8F%91%E7%A5%A8%201.png",
        "https://example.com/2.png",
    }


async def test_equal_images_are_read_once(
    tmp_path: Path, emulator: Emulator, ocr: aliocr.Session
) -> None:
    """Each row has the result all the same, however far apart they are."""
    sources = [url(number % 40) for number in range(1000)]
    source, output = listed(tmp_path / "urls.csv", sources), tmp_path / "results.jsonl"
    emulator.fail(url(7), 404)
    summary = await Job(source, output).run(ocr)
    found = by_row(output)
    assert [found[row].source for row in range(1, 1001)] == sources
    assert [found[row].id for row in range(1, 1001)] == [f"id{row}" for row in range(1, 1001)]
    assert set(asked_for(emulator).values()) == {1}
    assert summary.duplicates == 960
    assert summary.charged_at_most == emulator.charged == 39
    assert sum(not result.ok for result in found.values()) == 25


async def test_an_input_that_comes_slowly_is_answered_as_it_comes(
    tmp_path: Path, emulator: Emulator, ocr: aliocr.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing waits for the next line of a pipe, and the end of a job neither."""
    reading, writing = os.pipe()
    stdin = os.fdopen(reading)
    monkeypatch.setattr(sys, "stdin", stdin)
    output, stop = tmp_path / "results.jsonl", asyncio.Event()
    run = asyncio.create_task(Job("-", output).run(ocr, stop=stop))
    for number in range(1, 4):
        os.write(writing, f"{url(number)}\n".encode())
        await until(lambda: output.exists() and len(rows_of(output)) == number)  # noqa: B023
    stop.set()
    summary = await run
    assert (summary.ended, summary.rows) == ("stopped", 3)
    os.close(writing)  # the thread that still listens hears that nothing more will come
    stdin.close()


async def test_progress_is_true_at_any_time(
    tmp_path: Path, emulator: Emulator, ocr: aliocr.Session
) -> None:
    """Progress counts the rows of earlier runs, too, and never goes back."""
    source, output = urls(tmp_path / "urls.csv", 1_000), tmp_path / "results.jsonl"
    emulator.fail(url(3), 592, times=100)
    await Job(source, output, budget=300).run(ocr)
    job = Job(source, output)
    assert job.progress is None
    run = asyncio.create_task(job.run(ocr))
    rows: list[int] = []
    while not run.done():
        await asyncio.sleep(0.005)
        progress = job.progress
        assert progress is not None
        assert progress.rows == progress.read + sum(progress.failed.values())
        rows.append(progress.rows)
    await run
    assert rows == sorted(rows)
    final = job.progress
    assert final is not None
    assert (final.rows, final.total, final.exact) == (1_000, 1_000, True)
    assert final.failed == {"592": 1}


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"budget": 0}, "budget"),
        ({"budget": 2.5}, "budget"),
        ({"input_format": "xml"}, "input_format"),
        ({"output_format": "xml"}, "output_format"),
        ({"output": "out.txt"}, "out.txt does not say its format: give the output format"),
        ({"output": "out.csv.gz", "output_format": "csv"}, "give out.csv as the output, and"),
        ({"retry": True}, "retry"),
    ],
)
def test_an_argument_that_cannot_be_right_is_named(
    options: dict[str, Any], problem: str, tmp_path: Path
) -> None:
    """The error comes when the job is made, before there is any file."""
    with pytest.raises(ValueError, match=problem):
        Job("urls.txt", **({"output": tmp_path / "out.jsonl"} | options))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
async def test_a_job_goes_on_in_the_next_of_several_lists(
    suffix: str, tmp_path: Path, emulator: Emulator, ocr: aliocr.Session
) -> None:
    """A run reads what it was given, the next one only what was added; equal images cost once."""
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    output = tmp_path / f"out.{suffix}"
    first = listed(tmp_path / "a.csv", [url(1), url(2)])
    second = listed(tmp_path / "b.csv", [url(3), url(1)])
    third = listed(tmp_path / "c.csv", [url(4)])
    sources: list[Any] = [first, [first, second], [first, str(second), str(third)], tmp_path]
    for source, rows, charged in zip(sources, (2, 4, 5, 5), (2, 3, 4, 4), strict=True):
        job = Job(source, output)
        assert job.plan().rows == rows
        summary = await job.run(ocr)
        assert (summary.ended, summary.read, summary.charged) == ("complete", rows, charged)
    assert {row: result.line for row, result in by_row(output).items()} == {
        1: 2,
        2: 3,
        3: 2,
        4: 3,
        5: 2,
    }
    with pytest.raises(InputError, match="has changed since this job began: one of its first"):
        await Job([second, first, third], output).run(ocr)
    assert repr(Job(["a.csv", "b.csv"], "out.jsonl")) == "<Job a.csv, b.csv → out.jsonl>"


async def test_a_job_that_an_earlier_version_began_keeps_its_row_numbers(
    tmp_path: Path, emulator: Emulator, ocr: aliocr.Session
) -> None:
    """That version had a row for each comment: without it, rows would get results of others."""
    source, output = tmp_path / "urls.txt", tmp_path / "out.jsonl"
    source.write_text(f"# list\n{url(1)}\n")
    await Job(source, output).run(ocr)
    assert set(by_row(output)) == {1}
    output.unlink()
    (tmp_path / "out.jsonl.journal").unlink()
    await Job(source, output).run(ocr)
    with closing(sqlite3.connect(f"{output}.journal")) as journal, journal:
        journal.execute("UPDATE state SET value = '' WHERE name = 'settings'")
        journal.execute("DELETE FROM checkpoints")
    source.write_text(f"{url(1)}\n# list\n{url(2)}\n")
    await Job(source, output).run(ocr)
    assert {row: result.ok for row, result in by_row(output).items()} == {
        1: True,
        2: False,
        3: True,
    }


async def test_half_a_compressed_list_is_told_and_gone_on_with(
    tmp_path: Path, emulator: Emulator, ocr: aliocr.Session
) -> None:
    """Half a download does not pass for the whole list; the rest is read once it is there."""
    text = "".join(f"https://example.com/{os.urandom(9).hex()}.png\n" for _ in range(1_000))
    source, output = tmp_path / "urls.txt.gz", tmp_path / "out.jsonl"
    whole = gzip.compress(text.encode())
    source.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="its compressed bytes are cut off"):
        await Job(source, output).run(ocr)
    read = len(by_row(output))
    assert 0 < read < 600
    source.write_bytes(whole)
    summary = await Job(source, output).run(ocr)
    assert (summary.ended, summary.read, summary.charged) == ("complete", 1_000, 1_000)
    assert [row.source for _, row in sorted(by_row(output).items())] == text.splitlines()
