"""Jobs of lists that are wrong: refused with nothing sent and nothing written, then corrected."""

from __future__ import annotations

import asyncio
import io
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import aliocr
from aliocr.emulator import Emulator
from aliocr.job.errors import InputError, JobError
from aliocr.job.job import Job
from aliocr.job.output.ledger import Ledger
from tests.support.working import (
    asked_for,
    by_row,
    files_in,
    listed,
    quick_emulator,
    quick_ocr,
    until,
    url,
    urls,
)

emulator, ocr = quick_emulator, quick_ocr

LISTS = Path(__file__).parent / "input" / "lists"

CORRECTED: dict[str, dict[str, Any]] = {
    "t_csv_in_txt.txt": {"input_format": "csv"},
    "t_json_in_txt.txt": {"input_format": "jsonl"},
    "j_nested.jsonl": {"column": "image.url"},
    "j_scrapy.jsonl": {"column": "image_urls.0"},
    "p_bytes.parquet": {"column": "text", "allow_bad": True},
    "t_html.txt": {"input_format": "text", "allow_bad": True},
}
"""The lists that are refused, and the options with which they are read nevertheless."""


@pytest.mark.parametrize("name", CORRECTED)
@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
async def test_a_wrong_list_is_in_nobodys_way(
    name: str, suffix: str, tmp_path: Path, emulator: Emulator, ocr: aliocr.Session
) -> None:
    """The corrected command takes the same output."""
    if "parquet" in (suffix, name.partition(".")[2]):
        pytest.importorskip("pyarrow")
    job = LISTS / name, tmp_path / f"out.{suffix}"
    with pytest.raises(InputError, match=name):
        await Job(*job).run(ocr)
    assert (files_in(tmp_path), len(emulator.calls)) == ({}, 0)
    summary = await Job(*job, **CORRECTED[name]).run(ocr)
    assert summary.ended == "complete"
    assert set(by_row(job[1])) == set(range(1, summary.rows + 1))
    assert all(sent.startswith("https://e.com/") for sent in asked_for(emulator))


async def test_a_first_run_that_only_failed_is_not_bound_by_the_check(
    tmp_path: Path, emulator: Emulator, ocr: aliocr.Session
) -> None:
    """What has begun goes on: bad rows are results, and rows that were added are read."""
    source, output = listed(tmp_path / "urls.csv", ["none"] * 5), tmp_path / "out.jsonl"
    await Job(source, output, allow_bad=True).run(ocr)
    listed(source, ["none"] * 5 + [url(1)])
    summary = await Job(source, output).run(ocr)
    assert (summary.rows, summary.read, list(asked_for(emulator))) == (6, 1, [url(1)])


async def test_images_that_fail_at_the_service_are_no_bad_rows(
    tmp_path: Path, emulator: Emulator, ocr: aliocr.Session
) -> None:
    """The library cannot know before what a host answers."""
    source, output = urls(tmp_path / "urls.csv", 150), tmp_path / "out.jsonl"
    emulator.fail("*", 404)
    summary = await Job(source, output).run(ocr)
    assert (summary.ended, summary.rows, summary.read) == ("complete", 150, 0)


def test_a_plan_says_that_a_run_would_refuse(tmp_path: Path) -> None:
    """And only then."""
    output = tmp_path / "out.jsonl"
    bad, good = ["none"] * 99, [url(1)]
    for sources, refused in (
        (bad, True),
        (bad + good, False),
        ([*bad, "none", *good], True),
        ([], False),
    ):
        source = listed(tmp_path / "urls.csv", sources)
        assert Job(source, output).plan().refused == refused
        assert not Job(source, output, allow_bad=True).plan().refused


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Standard input, and what writes to it."""
    read_end, write_end = os.pipe()
    with open(read_end) as stdin, open(write_end, "w") as writer:  # noqa: PTH123

        def write(text: str) -> None:
            writer.write(text)
            writer.flush()
            if not text:
                writer.close()

        monkeypatch.setattr(sys, "stdin", stdin)
        yield write


async def test_a_pipe_that_pauses_is_waited_for_and_loses_no_row(
    tmp_path: Path, emulator: Emulator, ocr: aliocr.Session, pipe: Callable[[str], None]
) -> None:
    """Nothing is written until a row is an image; then it is sent before the next line comes."""
    output = tmp_path / "out.jsonl"
    pipe("1.png\n2.png\n3.png\n")
    run = asyncio.create_task(Job("-", output).run(ocr))
    await until(lambda: any(thread.name == "aliocr input" for thread in threading.enumerate()))
    for _ in range(100):
        await asyncio.sleep(0)
    assert files_in(tmp_path) == {}
    pipe(f"{url(4)}\n")
    await until(lambda: emulator.charged == 1)
    pipe(f"{url(5)}\n")
    pipe("")
    summary = await run
    assert (summary.ended, summary.rows, summary.read) == ("complete", 5, 2)
    assert [by_row(output)[row].ok for row in range(1, 6)] == [False] * 3 + [True] * 2


@pytest.mark.parametrize("source", ["-", ("-",)])
async def test_a_pipe_of_a_hundred_bad_rows_is_refused_before_its_end(
    source: str | tuple[str],
    tmp_path: Path,
    emulator: Emulator,
    ocr: aliocr.Session,
    pipe: Callable[[str], None],
) -> None:
    """It need not be read to its end, which may never come."""
    pipe("none\n" * 100)
    with pytest.raises(InputError, match="standard input names no image in its first 100 rows"):
        await Job(source, tmp_path / "out.jsonl").run(ocr)
    assert (files_in(tmp_path), len(emulator.calls)) == ({}, 0)


async def test_it_can_be_stopped_while_a_pipe_says_nothing(
    tmp_path: Path, ocr: aliocr.Session, pipe: Callable[[str], None]
) -> None:
    """And the next run may have any options."""
    stop, output = asyncio.Event(), tmp_path / "out.jsonl"
    run = asyncio.create_task(Job("-", output).run(ocr, stop=stop))
    await asyncio.sleep(0)
    stop.set()
    assert (await run).ended == "stopped"
    pipe("")
    summary = await Job(urls(tmp_path / "urls.csv", 2), output, column="url").run(ocr)
    assert (summary.ended, summary.read) == ("complete", 2)


@pytest.mark.parametrize("first", [{}, {"column": "url"}, {"column": "url", "input_format": "csv"}])
@pytest.mark.parametrize("then", [{}, {"column": "url"}, {"id_column": "id"}])
async def test_a_column_is_the_same_however_it_is_said(
    tmp_path: Path, ocr: aliocr.Session, first: dict[str, Any], then: dict[str, Any]
) -> None:
    """Guessed or named; another is refused, and both are named."""
    source, output = urls(tmp_path / "urls.csv", 3), tmp_path / "out.jsonl"
    await Job(source, output, **first).run(ocr)
    urls(source, 5)
    assert (await Job(source, output, **then).run(ocr)).read == 5
    before = files_in(tmp_path)
    with pytest.raises(ValueError, match="begun with --column url, and now has --column id: give"):
        await Job(source, output, column="id").run(ocr)
    with pytest.raises(ValueError, match="begun with --column url, and now has --column id: give"):
        Job(source, output, column="id").plan()
    assert files_in(tmp_path) == before


async def test_a_column_of_a_pipe_is_remembered_too(
    tmp_path: Path, ocr: aliocr.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is known when the first row has come."""
    output = tmp_path / "out.jsonl"

    async def run(**options: Any) -> aliocr.Summary:
        text = f"id,url\n1,{url(1)}\n"
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        return await Job("-", output, input_format="csv", **options).run(ocr)

    await run()
    assert (await run(column="url")).read == 1
    with pytest.raises(ValueError, match="begun with --column url, and now has --column id"):
        await run(column="id")


async def test_a_job_that_another_began_meanwhile_is_left_alone(
    tmp_path: Path, ocr: aliocr.Session, pipe: Callable[[str], None]
) -> None:
    """The first rows were read from the beginning, but the other job has gone on from there."""
    source, output = urls(tmp_path / "urls.csv", 3), tmp_path / "out.jsonl"
    run = asyncio.create_task(Job("-", output, input_format="csv").run(ocr))
    await until(lambda: any(thread.name == "aliocr input" for thread in threading.enumerate()))
    await Job(source, output).run(ocr)
    pipe(source.read_text())
    pipe("")
    with pytest.raises(JobError, match=r"another job began .* meanwhile; start the job again"):
        await run
    Ledger(output, "jsonl", "").close()  # its lock is free
