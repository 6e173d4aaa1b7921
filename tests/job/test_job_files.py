"""The files of a job: what is in them, who else may use them, and when they cannot be written."""

from __future__ import annotations

import asyncio
import os
import resource
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

import aliocr
from aliocr.emulator import Emulator
from aliocr.job.errors import JobError
from aliocr.job.job import Job
from aliocr.job.sources import Urls
from tests.support.working import (
    by_row,
    files_in,
    listed,
    quick_emulator,
    quick_ocr,
    started,
    until,
    url,
    urls,
)

emulator, ocr = quick_emulator, quick_ocr


async def test_two_jobs_do_not_write_one_output(
    tmp_path: Path, emulator: Emulator, ocr: aliocr.Session
) -> None:
    """The second says so and leaves the first alone; afterwards there is no trace of a lock."""
    source, output = urls(tmp_path / "urls.csv", 500), tmp_path / "results.jsonl"
    emulator.delay(0.01)
    first = asyncio.create_task(Job(source, output).run(ocr))
    await until(lambda: output.exists() and output.stat().st_size)
    with pytest.raises(JobError, match="another job is writing"):
        await Job(source, output).run(ocr)
    assert (await first).rows == 500
    assert set(files_in(tmp_path)) == {"urls.csv", "results.jsonl", "results.jsonl.journal"}
    await Job(source, output).run(ocr)


async def test_a_person_can_read_the_journal_while_it_runs(
    tmp_path: Path, emulator: Emulator, ocr: aliocr.Session
) -> None:
    """With nothing but sqlite3."""
    source, output = urls(tmp_path / "urls.csv", 500), tmp_path / "results.jsonl"
    emulator.fail(url(2), 404)
    emulator.delay(0.01)
    run = asyncio.create_task(Job(source, output).run(ocr))
    seen: list[Any] = []
    while not run.done():
        await asyncio.sleep(0.01)
        if output.exists() and output.stat().st_size:
            with sqlite3.connect(f"file:{output}.journal?mode=ro", uri=True) as journal:
                seen.append(sorted(journal.execute("SELECT * FROM summary").fetchall()))
            journal.close()
    await run
    with sqlite3.connect(f"{output}.journal") as journal:
        assert sorted(journal.execute("SELECT * FROM summary")) == [
            ("", "", 499),
            ("DownloadError", 404, 1),
        ]
    journal.close()
    assert any(0 < sum(rows for *_, rows in counts) < 500 for counts in seen)


SECRET = "Signature=of-a-signed-url"


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
async def test_no_file_holds_the_query_of_a_url(
    suffix: str, tmp_path: Path, emulator: Emulator, ocr: aliocr.Session
) -> None:
    """The query is the key to the image, and is written only if asked for."""
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    sources = [f"{url(number)}?{SECRET}" for number in range(5)] + [
        f"ftp://a/b?{SECRET}",
        f"HTTPS:/a/b?{SECRET}",
        f"a/b.png?{SECRET}",
        f"a/b.png?{SECRET.replace('=', '%3D')}",
    ]
    source, output = listed(tmp_path / "urls.csv", sources), tmp_path / "out" / f"results.{suffix}"
    output.parent.mkdir()
    emulator.text("*", "Total 64.50")
    emulator.fail(sources[0], 404)
    await Job(source, output).run(ocr)
    assert by_row(output)[2].source == f"{url(1)}?…"
    written = files_in(output.parent)
    assert not [name for name, data in written.items() if SECRET.encode() in data]
    whole = tmp_path / "whole.jsonl"
    await Job(source, whole, whole_urls=True).run(ocr)
    assert by_row(whole)[2].source == sources[1]


async def test_no_file_holds_a_key_of_a_row_that_is_none(
    tmp_path: Path, ocr: aliocr.Session
) -> None:
    """A bad row may hold any number of keys all the same."""
    source, output = tmp_path / "urls.jsonl", tmp_path / "out" / "results.jsonl"
    output.parent.mkdir()
    source.write_text(
        '{"url": "https://example.com/1.png"}\n'
        f'{{"http://u:p@h/x": 1, "y": "http://u:{SECRET}@h/x"}}\n'
        f'"x?{SECRET.partition("=")[2]}"\n'
    )
    summary = await Job(source, output).run(ocr)
    assert (summary.read, summary.rows) == (1, 3)
    for data in files_in(output.parent).values():
        assert SECRET.partition("=")[2].encode() not in data


class Files(Urls):
    """Sources are names of files, which somebody serves."""

    def image(self, source: str) -> aliocr.Image:
        """At the address where they are served."""
        return aliocr.Image(f"https://example.com/{quote(source)}")

    def is_file(self, source: str) -> bool:
        """Each is."""
        return bool(source)


async def test_the_name_of_a_file_is_written_whole(
    tmp_path: Path, emulator: Emulator, ocr: aliocr.Session
) -> None:
    """A question mark in it begins no query; without the rest no picture is found by its result."""
    names = ["a?x=1.png", "a?x=2.png", "lost?x=3.png"]
    source, output = listed(tmp_path / "files.csv", names), tmp_path / "results.jsonl"
    emulator.fail(Files().image(names[2]).url, 404)
    await Job(source, output, sources=Files()).run(ocr)
    assert [result.source for _, result in sorted(by_row(output).items())] == names


async def test_what_is_in_the_way_is_left_alone(
    tmp_path: Path, emulator: Emulator, ocr: aliocr.Session
) -> None:
    """One sentence with the remedy, before anything is sent or written."""
    source = urls(tmp_path / "urls.csv", 5)
    mine, folder = tmp_path / "mine.jsonl", tmp_path / "folder"
    mine.write_text("precious\n")
    folder.mkdir()
    partial = tmp_path / "partial.jsonl"
    partial.write_text("precious")
    odd = tmp_path / "odd.jsonl"
    odd.with_name("odd.jsonl.journal").write_text("a diary, and no database at all, but long")
    begun = tmp_path / "begun.jsonl"
    await Job(source, begun).run(ocr)
    gone = tmp_path / "gone.jsonl"
    await Job(source, gone).run(ocr)
    gone.unlink()
    sent = len(emulator.calls)
    before = files_in(tmp_path)
    for job, problem in (
        (
            Job(source, mine),
            "is there already, without a journal of a job beside it: give another output",
        ),
        (Job(source, folder), "is a folder: give the name of a file"),
        (Job(source, tmp_path / "no" / "out.jsonl"), "there is no folder .*no .*make it first"),
        (Job(source, odd), "is not the journal of a job: it is not a SQLite file; move it away"),
        (Job(source, begun, column="id"), "begun with --column url, and now has --column id: give"),
        (Job(source, gone), "is gone or empty, but the journal .* put the file back"),
        (Job(tmp_path / "nowhere.csv", tmp_path / "new.jsonl"), "there is no file or folder"),
        (Job(source, tmp_path / "new.jsonl", column="link"), "no column"),
    ):
        with pytest.raises(ValueError, match=problem):
            await job.run(ocr)
        with pytest.raises(ValueError, match=problem):
            job.plan()
    assert len(emulator.calls) == sent
    assert files_in(tmp_path) == before


@pytest.mark.parametrize("room", [3_000, 60_000, 200_000])
def test_a_full_disk_leaves_what_was_written(tmp_path: Path, room: int) -> None:
    """One line; with more room the job goes on, and pays only for what was under way."""
    rows = 1_200
    source, output = urls(tmp_path / "urls.csv", rows), tmp_path / "results.jsonl"

    def small() -> None:
        # No file may grow beyond this: the kernel's word for it is not "no space left", but it
        # comes in the same places.
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    with Emulator(requests_per_second=None) as emulator:
        emulator.delay(0.005)
        job = started(emulator, source, output, preexec_fn=small)
        _, said = job.communicate(timeout=60)
        assert job.returncode == 1
        assert said.rstrip().splitlines()[-1].startswith("aliocr.job.errors.JobError: cannot write")
        assert "results written before are kept" in said
        before = by_row(output) if output.exists() else {}
        assert len(before) <= emulator.charged
    with Emulator(requests_per_second=None) as another:  # the first may still be at work
        job = started(another, source, output)
        ended, said = job.communicate(timeout=60)
        assert (ended, said) == ("complete\n", "")
        assert another.charged == rows - len(before)
    after = by_row(output)
    assert set(after) == set(range(1, rows + 1))
    assert {row: after[row] for row in before} == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
async def test_a_folder_without_leave_is_one_line(tmp_path: Path, ocr: aliocr.Session) -> None:
    """And nothing is sent."""
    source, folder = urls(tmp_path / "urls.csv", 5), tmp_path / "folder"
    folder.mkdir()
    folder.chmod(0o500)
    with pytest.raises(JobError, match=r"cannot write .*: Permission denied"):
        await Job(source, folder / "results.jsonl").run(ocr)


async def test_a_device_that_is_always_full_is_one_line(
    tmp_path: Path, emulator: Emulator, ocr: aliocr.Session
) -> None:
    """The journal of an output under /proc cannot be made, whoever asks."""
    source = urls(tmp_path / "urls.csv", 5)
    with pytest.raises(JobError, match=r"cannot write /proc/results\.jsonl"):
        await Job(source, "/proc/results.jsonl").run(ocr)
    assert not emulator.calls
