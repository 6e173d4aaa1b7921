"""Jobs from beginning to end, and what may end them sooner."""

from __future__ import annotations

import asyncio
import io
import os
import resource
import sqlite3
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from working import asked_for, by_row, files_in, listed, opened, rows_of, started, until, url, urls

import aliocr
from aliocr.emulator import Emulator
from aliocr.job.job import Job
from aliocr.job.results import results
from aliocr.job.rows import InputError
from aliocr.job.sources import Urls
from aliocr.job.summary import Failed, JobError, Retry


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    """One that answers as fast as it is asked."""
    async with Emulator(requests_per_second=None) as emulator:
        yield emulator


@pytest.fixture
async def ocr(emulator: Emulator) -> AsyncIterator[aliocr.Session]:
    """A session that asks as fast as it is answered."""
    async with opened(emulator) as ocr:
        yield ocr


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
    assert "must start with http" in bad.error
    assert not lost.ok
    assert (lost.kind, lost.code, lost.maybe_charged) == ("DownloadError", 404, False)
    assert lost.request_id
    assert summary.ended == "complete"
    assert (summary.read, summary.rows, summary.spent) == (1, 3, 1)
    assert set(summary.failed) == {Failed("BadRow", None, 1), Failed("DownloadError", 404, 1)}


async def test_run_again_it_does_nothing_more(
    tmp_path: Path, emulator: Emulator, ocr: aliocr.Session
) -> None:
    """The output stays as it is, byte by byte, and nothing is sent."""
    source, output = urls(tmp_path / "urls.csv", 50), tmp_path / "results.jsonl"
    first = await Job(source, output).run(ocr)
    whole = output.read_bytes()
    again = await Job(source, output).run(ocr)
    assert output.read_bytes() == whole
    assert emulator.charged == 50
    assert (again.read, again.spent, again.ended) == (first.read, first.spent, "complete")


async def test_rows_that_were_added_are_read(
    tmp_path: Path, emulator: Emulator, ocr: aliocr.Session
) -> None:
    """A list that has grown since is gone on with, at its end."""
    source, output = urls(tmp_path / "urls.csv", 20), tmp_path / "results.jsonl"
    await Job(source, output).run(ocr)
    urls(source, 30)
    await Job(source, output).run(ocr)
    assert rows_of(output) == list(range(1, 31))
    assert emulator.charged == 30


async def test_another_input_is_not_taken_for_the_first(
    tmp_path: Path, emulator: Emulator, ocr: aliocr.Session
) -> None:
    """A row taken out of the list would give every later row another's result."""
    source, output = urls(tmp_path / "urls.csv", 20), tmp_path / "results.jsonl"
    await Job(source, output).run(ocr)
    listed(source, [url(number) for number in range(2, 40)])
    with pytest.raises(InputError, match=r"is not what it was when this job began.*another -o"):
        await Job(source, output).run(ocr)
    assert emulator.charged == 20
    assert rows_of(output) == list(range(1, 21))


async def test_another_list_on_standard_input_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ocr: aliocr.Session
) -> None:
    """It cannot be looked at twice, so it is compared on the way."""
    output = tmp_path / "results.jsonl"

    async def run(first: int) -> None:
        text = "".join(f"{url(number)}\n" for number in range(first, first + 700))
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        await Job("-", output).run(ocr)

    await run(1)
    await run(1)
    assert rows_of(output) == list(range(1, 701))
    with pytest.raises(InputError, match="standard input is not what it was"):
        await run(2)


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
    assert summary.spent == emulator.charged == 39
    assert sum(not result.ok for result in found.values()) == 25


async def test_a_budget_is_kept_and_remembered(
    tmp_path: Path, emulator: Emulator, ocr: aliocr.Session
) -> None:
    """It ends the job cleanly; a larger one lets it go on from there."""
    source, output = urls(tmp_path / "urls.csv", 100), tmp_path / "results.jsonl"
    summary = await Job(source, output, budget=30).run(ocr)
    assert (summary.ended, summary.spent, emulator.charged) == ("budget", 30, 30)
    assert len(rows_of(output)) == 30
    same = await Job(source, output, budget=30).run(ocr)
    assert (same.ended, emulator.charged) == ("budget", 30)
    more = await Job(source, output, budget=100).run(ocr)
    assert (more.ended, more.spent, emulator.charged) == ("complete", 100, 100)


async def test_a_budget_pays_for_frames(
    tmp_path: Path, emulator: Emulator, ocr: aliocr.Session
) -> None:
    """Nobody knows beforehand how many a picture has: there must be room for all asked for."""
    source, output = urls(tmp_path / "urls.csv", 50), tmp_path / "results.jsonl"
    sources = Urls(interval=1, max_frames=5)
    summary = await Job(source, output, sources=sources, budget=23).run(ocr)
    assert (summary.ended, summary.spent) == ("budget", 19)  # for a 20th image there may be 5


async def test_failures_are_tried_again_alone(
    tmp_path: Path, emulator: Emulator, ocr: aliocr.Session
) -> None:
    """By kind if wanted; the results of the others stay what and where they were."""
    source, output = urls(tmp_path / "urls.csv", 60), tmp_path / "results.jsonl"
    for number in range(1, 61, 3):
        emulator.fail(url(number), 404 if number % 2 else 590)
    first = await Job(source, output).run(ocr)
    assert sum(each.rows for each in first.failed) == 20
    kept = [result for result in results(output) if result.ok]
    emulator.reset()
    emulator.fail(url(1), 403)
    again = await Job(source, output, retry=Retry(frozenset({"404"}))).run(ocr)
    assert set(again.failed) == {Failed("ImageError", 590, 10), Failed("DownloadError", 403, 1)}
    assert sum(asked_for(emulator).values()) == 10
    assert [result for result in results(output) if result.ok][:40] == kept
    rest = await Job(source, output, retry=Retry(frozenset({"ImageError", "403"}))).run(ocr)
    assert rest.failed == (Failed("DownloadError", 403, 1),)
    assert set(by_row(output)) == set(range(1, 61))


async def test_only_failures_are_tried_when_that_is_said(
    tmp_path: Path, emulator: Emulator, ocr: aliocr.Session
) -> None:
    """A job that is not at its end stays where it is."""
    source, output = urls(tmp_path / "urls.csv", 100), tmp_path / "results.jsonl"
    emulator.fail(url(5), 404, times=1)
    await Job(source, output, budget=50).run(ocr)
    summary = await Job(source, output, retry=Retry()).run(ocr)
    assert summary.failed == ()
    assert summary.rows == len(rows_of(output)) == 51
    summary = await Job(source, output).run(ocr)
    assert (summary.rows, summary.ended) == (100, "complete")


async def test_a_retry_that_breaks_off_is_gone_on_with(
    tmp_path: Path, emulator: Emulator, ocr: aliocr.Session
) -> None:
    """Whether failures alone are wanted then, or all that is missing."""
    source, output = urls(tmp_path / "urls.csv", 80), tmp_path / "results.jsonl"
    emulator.fail("*", 404, times=1)
    await Job(source, output).run(ocr)
    assert not any(result.ok for result in results(output))
    for job in (
        Job(source, output, retry=Retry(), budget=20),
        Job(source, output, retry=Retry(frozenset({"none of these"})), budget=40),
        Job(source, output),
    ):
        await job.run(ocr)
        by_row(output)
    assert set(by_row(output)) == set(range(1, 81))
    assert all(result.ok for result in results(output))
    assert emulator.charged == 80


async def test_told_to_stop_it_finishes_what_is_under_way(
    tmp_path: Path, emulator: Emulator, ocr: aliocr.Session
) -> None:
    """Nothing that was charged is lost, and nothing more is sent."""
    source, output = urls(tmp_path / "urls.csv", 2_000), tmp_path / "results.jsonl"
    job, stop = Job(source, output), asyncio.Event()
    run = asyncio.create_task(job.run(ocr, stop=stop))
    await until(lambda: emulator.charged >= 100)
    stop.set()
    summary = await run
    assert summary.ended == "stopped"
    assert summary.spent == emulator.charged == len(rows_of(output)) < 2_000
    assert (await Job(source, output).run(ocr)).ended == "complete"
    assert emulator.charged == 2_000


async def test_cancelled_it_keeps_what_has_come(
    tmp_path: Path, emulator: Emulator, ocr: aliocr.Session
) -> None:
    """And lets go of its files, so that it can be run again at once."""
    source, output = urls(tmp_path / "urls.csv", 1_000), tmp_path / "results.jsonl"
    for _ in range(20):
        job = Job(source, output)
        run = asyncio.create_task(job.run(ocr))
        enough = emulator.charged + 20
        await until(lambda: emulator.charged >= enough or run.done())  # noqa: B023 - used here
        run.cancel()
        await asyncio.wait([run])
        by_row(output)
        if not run.cancelled():
            break
    await Job(source, output).run(ocr)
    assert set(by_row(output)) == set(range(1, 1_001))


async def test_a_wrong_key_ends_it_and_costs_nothing(tmp_path: Path, emulator: Emulator) -> None:
    """What was read before is kept."""
    source, output = urls(tmp_path / "urls.csv", 500), tmp_path / "results.jsonl"
    emulator.delay(0.001)
    async with opened(emulator) as ocr:
        await Job(source, output, budget=100).run(ocr)
    wrong = aliocr.Credentials(emulator.credentials.access_key_id, "wrong")
    async with opened(emulator, credentials=wrong) as ocr:
        with pytest.raises(aliocr.AuthError):
            await Job(source, output).run(ocr)
    assert len(by_row(output)) == emulator.charged == 100


async def test_a_service_that_is_gone_ends_it(tmp_path: Path, emulator: Emulator) -> None:
    """A night without network does not fail 400,000 rows: they are read when it is back."""
    source, output = urls(tmp_path / "urls.csv", 3_000), tmp_path / "results.jsonl"
    async with opened(emulator, max_retries=0, repeat_budget=0) as ocr:
        await Job(source, output, budget=200).run(ocr)
        emulator.drop_connection(times=None)
        with pytest.raises(JobError, match=r"300 images in a row were not served.*started again"):
            await Job(source, output).run(ocr)
        assert all(result.ok for result in results(output))
        emulator.reset()
        assert (await Job(source, output).run(ocr)).failed == ()
    assert set(by_row(output)) == set(range(1, 3_001))


async def test_a_short_outage_is_no_end(tmp_path: Path, emulator: Emulator) -> None:
    """What was not served while others were is a failure, as anywhere."""
    source, output = urls(tmp_path / "urls.csv", 300), tmp_path / "results.jsonl"
    emulator.drop_connection(times=3)
    async with opened(emulator, max_retries=0, repeat_budget=0) as ocr:
        summary = await Job(source, output).run(ocr)
    (lost,) = summary.failed
    assert lost.kind == "TransportError"
    assert lost.rows == sum(len(call.tasks) for call in emulator.calls if call.status is None)
    assert set(by_row(output)) == set(range(1, 301))


async def test_a_kind_that_is_none_is_told_from_those_there_are(
    tmp_path: Path, emulator: Emulator, ocr: aliocr.Session
) -> None:
    """Before anything is taken out of the output."""
    source, output = urls(tmp_path / "urls.csv", 5), tmp_path / "results.jsonl"
    emulator.fail(url(1), 404)
    await Job(source, output).run(ocr)
    before = output.read_bytes()
    with pytest.raises(ValueError, match="failed as DownloadEror or nonsense; there are 404"):
        await Job(source, output, retry=Retry(frozenset({"nonsense", "DownloadEror"}))).run(ocr)
    assert output.read_bytes() == before


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
    """It is the key to the image. Who wants it says so."""
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    sources = [f"{url(number)}?{SECRET}" for number in range(5)] + [f"ftp://a/b?{SECRET}"]
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


async def test_what_is_in_the_way_is_left_alone(
    tmp_path: Path, emulator: Emulator, ocr: aliocr.Session
) -> None:
    """One sentence with the remedy, before anything is sent or written."""
    source = urls(tmp_path / "urls.csv", 5)
    mine, folder = tmp_path / "mine.jsonl", tmp_path / "folder"
    mine.write_text("precious\n")
    folder.mkdir()
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
        (Job(source, mine), "there already, and no journal of a job beside it: give another -o"),
        (Job(source, folder), "is a folder: give the name of a file"),
        (Job(source, tmp_path / "no" / "out.jsonl"), "there is no folder .*no .*make it first"),
        (Job(source, odd), "is not the journal of a job: it is no SQLite file; move it away"),
        (Job(source, begun, column="url"), "begun with no options, and now it is --column url"),
        (Job(source, gone), "is gone, though the journal .* put it back"),
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
    rows = 600
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
        assert (
            said.rstrip().splitlines()[-1].startswith("aliocr.job.summary.JobError: cannot write")
        )
        assert "what was written before is kept" in said
        before = by_row(output) if output.exists() else {}
        charged = emulator.charged
        assert len(before) <= charged
        job = started(emulator, source, output)
        ended, said = job.communicate(timeout=60)
        assert (ended, said) == ("complete\n", "")
        assert emulator.charged == charged + rows - len(before)
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
    """It counts what earlier runs have done, and never goes back."""
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


async def test_pictures_that_join_a_folder_come_after_the_others(
    tmp_path: Path, emulator: Emulator, ocr: aliocr.Session
) -> None:
    """Their names may sort before; the rows of the others stay what they are."""

    class Served(Urls):
        """Pretends that the pictures are on a host."""

        def image(self, source: str) -> aliocr.Image:
            return aliocr.Image(f"https://example.com/{Path(source).name}")

    folder, output = tmp_path / "pictures", tmp_path / "results.jsonl"
    folder.mkdir()
    for name in ("b.png", "d.png"):
        (folder / name).touch()
    await Job(folder, output, sources=Served()).run(ocr)
    for name in ("a.png", "c.png"):
        (folder / name).touch()
    await Job(folder, output, sources=Served()).run(ocr)
    found = by_row(output)
    names = [Path(found[row].source).name for row in sorted(found)]
    assert names == ["b.png", "d.png", "a.png", "c.png"]
    assert emulator.charged == 4


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"budget": 0}, "budget"),
        ({"budget": 2.5}, "budget"),
        ({"input_format": "xml"}, "input_format"),
        ({"output_format": "xml"}, "output_format"),
        ({"output": "out.txt"}, "out.txt does not say its format: give the output format"),
        ({"retry": True}, "retry"),
    ],
)
def test_an_argument_that_cannot_be_right_is_named(
    options: dict[str, Any], problem: str, tmp_path: Path
) -> None:
    """When the job is made, before there is any file."""
    with pytest.raises(ValueError, match=problem):
        Job("urls.txt", **({"output": tmp_path / "out.jsonl"} | options))
    assert not list(tmp_path.iterdir())
