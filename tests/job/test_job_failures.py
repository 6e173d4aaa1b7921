"""Rows that fail, a service that fails, and another try."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import aliocr
from aliocr.emulator import Emulator
from aliocr.job.errors import JobError
from aliocr.job.job import Job, Retry
from aliocr.job.output.read_back import results
from aliocr.job.summary import Failed
from tests.support.working import (
    asked_for,
    by_row,
    opened,
    quick_emulator,
    quick_ocr,
    rows_of,
    until,
    url,
    urls,
)

emulator, ocr = quick_emulator, quick_ocr


async def test_failures_are_tried_again_alone(
    tmp_path: Path, emulator: Emulator, ocr: aliocr.Session
) -> None:
    """By kind if asked for; the results of the others stay what and where they were."""
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
    """Either only the failures are read then, or all missing rows."""
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


async def test_a_wrong_key_ends_it_and_costs_nothing(tmp_path: Path, emulator: Emulator) -> None:
    """Rows that were read before are kept."""
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


@pytest.mark.parametrize(
    ("code", "of_requests"), [(500, True), (503, True), (586, False), (999, False)]
)
async def test_an_outage_that_the_service_admits_fails_no_rows(
    tmp_path: Path, emulator: Emulator, code: int, *, of_requests: bool
) -> None:
    """For a request or for each image: the job stops, and the same command reads the rest."""
    source, output = urls(tmp_path / "urls.csv", 3_000), tmp_path / "results.jsonl"
    async with opened(emulator, max_retries=0, repeat_budget=0) as ocr:
        await Job(source, output, budget=200).run(ocr)
        if of_requests:
            emulator.refuse(code, times=None)
        else:
            emulator.fail("*", code)
        with pytest.raises(JobError, match=rf"images in a row were not served, .*: {code} "):
            await Job(source, output).run(ocr)
        assert [result.ok for result in results(output)] == [True] * 200
        # 300 images, and those that were sent until the last of these had failed.
        assert len(asked_for(emulator)) < 2_500
        emulator.reset()
        assert (await Job(source, output).run(ocr)).failed == ()
    assert set(by_row(output)) == set(range(1, 3_001))


async def test_stopped_in_an_outage_it_fails_no_rows(tmp_path: Path, emulator: Emulator) -> None:
    """And is not complete, though its list is at its end."""
    source, output = urls(tmp_path / "urls.csv", 100), tmp_path / "results.jsonl"
    emulator.refuse(503, times=None)
    async with opened(emulator, max_retries=0) as ocr:
        stop = asyncio.Event()
        job = Job(source, output)
        run = asyncio.create_task(job.run(ocr, stop=stop))
        await until(lambda: ocr.stats.outcomes.get("APIError", 0) >= 60)
        stop.set()
        summary = await run
    assert (summary.ended, summary.rows) == ("stopped", 0)


@pytest.mark.parametrize("code", [500, 581, 586, 999])
async def test_images_that_fail_beside_others_do_not_end_it(
    tmp_path: Path, emulator: Emulator, code: int
) -> None:
    """One in five, which is more than the outage that ends a job has in a row."""
    source, output = urls(tmp_path / "urls.csv", 2_000), tmp_path / "results.jsonl"
    for number in range(1, 2_001, 5):
        emulator.fail(url(number), code)
    async with opened(emulator, max_retries=0, repeat_budget=0) as ocr:
        summary = await Job(source, output).run(ocr)
    assert (summary.ended, summary.read) == ("complete", 1_600)
    assert summary.failed == (Failed("APIError", code, 400),)


async def test_a_short_outage_is_no_end(tmp_path: Path, emulator: Emulator) -> None:
    """An image that was not served while others were is a failure."""
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
