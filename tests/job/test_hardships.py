"""Trouble from outside: pipes, changed files, locks, sessions that close."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import sys
import threading
from pathlib import Path
from typing import Any

import attrs
import pytest

import aliocr
from aliocr.emulator import Emulator
from aliocr.job.errors import JobError
from aliocr.job.job import Job, Retry
from aliocr.job.output.codecs import CSV, encode_json
from aliocr.job.output.journal import Journal
from aliocr.job.output.parquet import StagedResults
from aliocr.job.output.result import Read, Unread
from aliocr.models import Region
from tests.support.working import (
    by_row,
    listed,
    opened,
    quick_emulator,
    quick_ocr,
    started,
    until,
    url,
    urls,
)

emulator, ocr = quick_emulator, quick_ocr


async def test_a_pipe_with_a_name_is_read_once(tmp_path: Path, ocr: aliocr.Session) -> None:
    """As `aliocr run <(…)` gives it: what was looked at would be gone."""
    pipe, output = tmp_path / "pipe", tmp_path / "results.jsonl"
    os.mkfifo(pipe)
    text = "".join(f"{url(number)}\n" for number in range(1, 301))
    writer = threading.Thread(target=pipe.write_text, args=(text,))
    writer.start()
    summary = await Job(pipe, output).run(ocr)
    writer.join()
    assert (summary.ended, summary.rows) == ("complete", 300)
    assert [by_row(output)[row].source for row in (1, 300)] == [url(1), url(300)]


@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
async def test_an_output_that_a_hand_has_changed_is_left_alone(
    suffix: str, tmp_path: Path, emulator: Emulator, ocr: aliocr.Session
) -> None:
    """The file is neither cut nor skipped: the change has a reason."""
    source, output = urls(tmp_path / "urls.csv", 40), tmp_path / f"results.{suffix}"
    await Job(source, output).run(ocr)
    whole = output.read_bytes()
    urls(source, 60)
    for changed in (
        whole.replace(b"example.com", b"another.example.com", 1),
        b"\xef\xbb\xbf" + whole,
        b"my own notes\n",
        b"my own notes, and many of them\n" * 5_000,
    ):
        output.write_bytes(changed)
        with pytest.raises(ValueError, match="is not what this job has written: restore the file"):
            await Job(source, output).run(ocr)
        assert output.read_bytes() == changed
    output.write_bytes(whole)
    assert (await Job(source, output).run(ocr)).rows == 60
    assert emulator.charged == 60


async def test_results_that_the_job_cannot_have_written_are_refused(
    tmp_path: Path, ocr: aliocr.Session
) -> None:
    """Behind its own, where results are looked for that a kill kept from the journal."""
    source, output = urls(tmp_path / "urls.csv", 40), tmp_path / "results.jsonl"
    await Job(source, output).run(ocr)
    whole = output.read_bytes()
    urls(source, 60)
    new = encode_json(Read(row=50, source="", text=""))
    failed = encode_json(Unread(row=51, source="", kind="APIError", code=9_999_999, error=""))
    for added in (
        new + new,
        new.replace(b"50", b"0"),
        new.replace(b"50", b"99999999999"),
        new.replace(b"50", b"99999999999999999999"),
        failed.replace(b'"9999999"', b"99999999999999999999"),
        whole[-200:].partition(b"\n")[2] + whole.splitlines(keepends=True)[0],
        b"[" * 100_000 + b"\n",
        new + b"my own notes",
        new[:20] + b"\n" + new,
    ):
        output.write_bytes(whole + added)
        with pytest.raises(ValueError, match="is not what this job has written: restore the file"):
            await Job(source, output).run(ocr)
        assert output.read_bytes() == whole + added
    output.write_bytes(whole + new[:20])  # no result, as of a write that broke off
    assert (await Job(source, output).run(ocr)).rows == 60


@pytest.mark.parametrize("column", ["url", "\udcff"])
async def test_a_journal_is_made_whole_or_not_at_all(
    column: str,
    tmp_path: Path,
    ocr: aliocr.Session,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A kill or a full disk while a job begins leaves nothing that keeps it from beginning."""
    source, output = tmp_path / "urls.csv", tmp_path / "results.jsonl"
    source.write_bytes(os.fsencode(f"{column},n\n{url(1)},1\n"))
    change, left = Journal.change, tmp_path / "left"

    def killed(journal: Journal, **_: Any) -> None:
        left.mkdir()
        for file in tmp_path.glob("results.jsonl*"):
            shutil.copy(file, left)
        raise OSError("killed")

    monkeypatch.setattr(Journal, "change", killed)
    with pytest.raises(JobError, match="cannot write"):
        await Job(source, output, column=column).run(ocr)
    monkeypatch.setattr(Journal, "change", change)
    for place in (output, left / output.name):
        job = Job(source, place, column=column)
        assert job.plan().images == 1
        assert (await job.run(ocr)).rows == 1
        assert job.plan().done == 1


async def test_there_is_nothing_to_retry_before_the_first_run(
    tmp_path: Path, ocr: aliocr.Session
) -> None:
    """To say so costs no file."""
    source, journal = urls(tmp_path / "urls.csv", 2), tmp_path / "results.jsonl.journal"
    job = Job(source, tmp_path / "results.jsonl", retry=Retry())
    with pytest.raises(ValueError, match="is not begun"):
        job.plan()
    with pytest.raises(ValueError, match="is not begun"):
        await job.run(ocr)
    assert not journal.exists()


async def test_a_damaged_journal_is_told_before_anything_is_sent(
    tmp_path: Path, ocr: aliocr.Session
) -> None:
    """Of the plan as of the run, in one line."""
    source, output = urls(tmp_path / "urls.csv", 400), tmp_path / "results.jsonl"
    job = Job(source, output)
    await job.run(ocr)
    journal = tmp_path / "results.jsonl.journal"
    journal.write_bytes(journal.read_bytes()[:5_000])
    with pytest.raises(JobError, match=r"results.jsonl.journal is damaged: .*; move it away, and "):
        job.plan()
    with pytest.raises(JobError, match=r"results.jsonl.journal is damaged: .*; move it away, and "):
        await job.run(ocr)


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
async def test_a_journal_that_fails_once_makes_nothing_done(
    suffix: str, tmp_path: Path, ocr: aliocr.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Changes that were not committed are not written later, by closing the files either."""
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    source, output = urls(tmp_path / "urls.csv", 200), tmp_path / f"results.{suffix}"
    add, calls = Journal.add, 0

    def failing(journal: Journal, *args: Any) -> None:
        nonlocal calls
        calls += bool(args[0])
        add(journal, *args)
        if calls == 1:
            raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(Journal, "add", failing)
    with pytest.raises(JobError, match="database or disk is full"):
        await Job(source, output).run(ocr)
    monkeypatch.undo()
    assert (await Job(source, output).run(ocr)).rows == 200
    assert set(by_row(output)) == set(range(1, 201))


async def test_a_table_that_could_not_be_written_is_written_next_time(
    tmp_path: Path, ocr: aliocr.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though nothing is left to read: an old one would stand there for good."""
    pytest.importorskip("pyarrow")
    source, output = urls(tmp_path / "urls.csv", 50), tmp_path / "results.parquet"
    await Job(source, output, budget=20).run(ocr)

    def full(_: StagedResults) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(StagedResults, "publish", full)
    with pytest.raises(JobError, match="No space left on device"):
        await Job(source, output).run(ocr)
    monkeypatch.undo()
    assert len(by_row(output)) == 20
    await Job(source, output).run(ocr)
    assert len(by_row(output)) == 50


def test_no_kill_spends_a_budget_twice(tmp_path: Path) -> None:
    """Charges are written down before they are made, so kills lose no count."""
    source, output = urls(tmp_path / "urls.csv", 2_000), tmp_path / "results.jsonl"
    program = RUN_WITH_BUDGET.format(budget=300)
    with Emulator(requests_per_second=None, max_calls=10_000) as emulator:
        emulator.delay(0.05)
        for _ in range(6):
            before = emulator.charged
            job = started(emulator, source, output, program=program)
            while emulator.charged == before and job.poll() is None:
                threading.Event().wait(0.001)
            job.kill()
            job.communicate(timeout=60)
            while emulator.under_way:
                threading.Event().wait(0.001)
        assert emulator.charged <= 300


RUN_WITH_BUDGET = """
import asyncio, sys
import aliocr

async def main():
    limits = aliocr.Limits(requests_per_second=1000, images_per_request=20)
    async with aliocr.Session(limits=limits) as ocr:
        await aliocr.Job(sys.argv[1], sys.argv[2], budget={budget}).run(ocr)

asyncio.run(main())
"""


async def test_what_is_given_up_is_spent(tmp_path: Path, emulator: Emulator) -> None:
    """Stopped between two tries of images that may have been charged for the first."""
    source, output = urls(tmp_path / "urls.csv", 100), tmp_path / "results.jsonl"
    async with opened(emulator) as ocr:
        for _ in range(4):
            emulator.drop_connection(times=1_000)
            stop, before = asyncio.Event(), emulator.charged
            run = asyncio.create_task(Job(source, output, budget=40).run(ocr, stop=stop))
            await until(lambda: emulator.charged > before or run.done())  # noqa: B023
            stop.set()
            await run
            emulator.reset()
        assert ocr.stats.given_up > 0
    assert emulator.charged <= 40


async def test_what_is_charged_for_sure_is_told_from_what_may_be(
    tmp_path: Path, emulator: Emulator
) -> None:
    """Of all runs, however they end: between the two is what the service has charged."""
    source, output = urls(tmp_path / "urls.csv", 900), tmp_path / "results.jsonl"
    emulator.delay(0.02)
    for charged in (200, 500):
        emulator.drop_connection(times=1)
        async with opened(emulator) as ocr:
            run = asyncio.create_task(Job(source, output).run(ocr))
            await until(lambda: emulator.charged >= charged)  # noqa: B023
            run.cancel()
            await asyncio.wait([run])
    async with opened(emulator) as ocr:
        summary = await Job(source, output).run(ocr)
    assert summary.ended == "complete"
    assert 0 < summary.charged <= 900 < emulator.charged <= summary.charged_at_most


async def test_a_session_that_closes_fails_no_rows(tmp_path: Path, emulator: Emulator) -> None:
    """The rows were not served, and are read when the job is run again."""
    source, output = urls(tmp_path / "urls.csv", 1_000), tmp_path / "results.jsonl"
    emulator.delay(0.02)
    async with opened(emulator) as ocr:
        run = asyncio.create_task(Job(source, output).run(ocr))
        await until(lambda: emulator.charged >= 60)
    with pytest.raises((JobError, aliocr.OCRError)):
        await run
    assert all(result.ok for result in by_row(output).values())
    async with opened(emulator) as ocr:
        assert (await Job(source, output).run(ocr)).rows == 1_000


async def test_failures_alone_make_no_job_complete(
    tmp_path: Path, emulator: Emulator, ocr: aliocr.Session
) -> None:
    """Rows that were never read are missing still, and are said to be."""
    source, output = urls(tmp_path / "urls.csv", 400), tmp_path / "results.jsonl"
    emulator.fail(url(3), 404, times=1)
    await Job(source, output, budget=50).run(ocr)
    assert (await Job(source, output, retry=Retry()).run(ocr)).ended == "stopped"
    await Job(source, output).run(ocr)
    emulator.fail(url(500), 404, times=1)
    urls(source, 500)
    await Job(source, output).run(ocr)
    assert (await Job(source, output, retry=Retry()).run(ocr)).ended == "complete"


async def test_lists_that_differ_early_are_noticed(
    tmp_path: Path, emulator: Emulator, ocr: aliocr.Session
) -> None:
    """Before fifty rows of one are taken for those of another."""
    source, output = urls(tmp_path / "urls.csv", 50), tmp_path / "results.jsonl"
    await Job(source, output, budget=30).run(ocr)
    listed(source, [url(number) for number in range(1_001, 1_051)])
    with pytest.raises(ValueError, match="has changed since"):
        await Job(source, output).run(ocr)
    assert emulator.charged == 30


async def test_a_last_line_may_get_its_end_later(tmp_path: Path, ocr: aliocr.Session) -> None:
    """With the rows that are added behind it; and failures can be tried again all the same."""
    source, output = tmp_path / "urls.txt", tmp_path / "results.jsonl"
    source.write_text("\n".join(url(number) for number in range(1, 9)))
    await Job(source, output).run(ocr)
    source.write_text("\n".join(url(number) for number in range(1, 17)))
    await Job(source, output).run(ocr)
    await Job(source, output, retry=Retry()).run(ocr)
    assert set(by_row(output)) == set(range(1, 17))


def test_a_page_of_thousands_of_pieces_fits_into_a_table() -> None:
    """More than a field of CSV may usually hold; an id with a line end in it does, too."""
    regions = tuple(Region("a piece", 1, 2, 30, 4) for _ in range(5_000))
    read = Read(row=1, id="two\r\nlines", source="a", text="t", regions=regions)
    assert CSV().decode(CSV().encode(read)) == read
    with pytest.raises(ValueError, match="unexpected end of data"):
        CSV().decode(CSV().encode(attrs.evolve(read, regions=())).partition(b"lines")[0])


async def test_one_file_has_one_job_whatever_it_is_called(
    tmp_path: Path, emulator: Emulator, ocr: aliocr.Session
) -> None:
    """A link to it is it; and what is no file is none."""
    source, output = urls(tmp_path / "urls.csv", 300), tmp_path / "results.jsonl"
    link = tmp_path / "link.jsonl"
    link.symlink_to(output)
    emulator.delay(0.01)
    first = asyncio.create_task(Job(source, output).run(ocr))
    await until(lambda: output.exists() and output.stat().st_size)
    with pytest.raises(JobError, match="another job is writing"):
        await Job(source, link).run(ocr)
    await first
    await Job(source, link, retry=Retry()).run(ocr)
    assert link.is_symlink()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(ValueError, match="is not a regular file: give another output"):
        await Job(source, pipe, output_format="jsonl").run(ocr)
    assert not pipe.with_name("pipe.journal").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are text elsewhere")
async def test_a_name_in_another_alphabet_is_a_row_like_any_other(
    tmp_path: Path, ocr: aliocr.Session
) -> None:
    """A folder is not refused for one of its pictures."""

    class Served(aliocr.Urls):
        """Pretends that the pictures are on a host."""

        def image(self, source: str) -> aliocr.Image:
            return aliocr.Image(f"https://example.com/{os.fsencode(source).hex()[-60:]}")

    folder, output = tmp_path / "pictures", tmp_path / "results.jsonl"
    folder.mkdir()
    (folder / "a.png").touch()
    (folder / os.fsdecode(b"\xff.png")).touch()
    for _ in range(2):
        assert (await Job(folder, output, sources=Served()).run(ocr)).read == 2
    assert len(by_row(output)) == 2
