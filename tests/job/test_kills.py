"""Jobs that are killed, again and again, and started again with the same words."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest

from aliocr.emulator import Emulator
from aliocr.job.job import Job
from aliocr.job.output import sent_mark
from aliocr.job.output.codecs import CSV, JSONLines
from aliocr.job.output.ledger import Ledger, past
from aliocr.job.output.sent_mark import SentMark
from tests.support.working import PATIENCE, by_row, opened, started, until, urls


def whole_rows(output: Path) -> int:
    """Rows that stand in an output as a kill has left it."""
    if not output.exists():
        return 0
    codec = CSV() if output.suffix == ".csv" else JSONLines()
    with output.open("rb") as file:
        file.seek(len(codec.header))
        return sum(record.endswith(b"\n") for record in codec.records(file))


def killed(job: subprocess.Popen[str], output: Path, after: int, wait: float) -> bool:
    """Kill a job some time after it has written so many bytes; whether it had not ended before."""
    while job.poll() is None:
        with suppress(FileNotFoundError):
            if output.stat().st_size >= after:
                break
        time.sleep(0.002)
    with suppress(subprocess.TimeoutExpired):
        job.wait(wait)
    job.kill()
    job.communicate(timeout=PATIENCE)
    return job.returncode == -signal.SIGKILL


def bill(output: Path) -> tuple[int, int]:
    """What a job that was killed may have been charged, as the next run will take it."""
    with past(output, "csv" if output.suffix == ".csv" else "jsonl", "") as journal:
        assert journal is not None
        sent = SentMark(output.with_name(f"{output.name}.journal")).read()
        assert sent is not None
        return journal.state.charged, sent


@pytest.mark.parametrize("name", ["results.jsonl", "results.csv"])
@pytest.mark.timeout(1200)
def test_a_job_that_is_killed_again_and_again_loses_nothing(
    tmp_path: Path, name: str, *, soak: bool
) -> None:
    """Each row has one result in the end, and only what was under way is charged twice.

    Under way is what was charged and stands in no whole row when the job is dead. The size of the
    promise, 100 kills of 20,000 images, is run by `--soak`.
    """
    rows, kills, per_request = (20_000, 100, 100) if soak else (1_500, 8, 20)
    source, output = urls(tmp_path / "urls.csv", rows), tmp_path / name
    chances = random.Random(name)
    dead = under_way = 0
    with Emulator(requests_per_second=None, max_calls=100_000) as emulator:
        emulator.delay(0.02)
        while dead < kills:
            written = output.stat().st_size if output.exists() else 0
            # Half of what is left for each kill, as a job writes more until it is dead.
            more = chances.randrange(1 + max(0, rows * 200 - written) // (kills - dead))
            job = started(emulator, source, output, images_per_request=per_request)
            if not killed(job, output, written + more, chances.random() * 0.01):
                break
            dead += 1
            while emulator.under_way:
                time.sleep(0.002)
            if whole_rows(output):
                least, most = bill(output)
                assert least <= emulator.charged <= most
            charged_again = emulator.charged - whole_rows(output) - under_way
            under_way += charged_again
        last = started(emulator, source, output, images_per_request=per_request)
        ended, said = last.communicate(timeout=10 * PATIENCE)
        assert (ended, said) == ("complete\n", "")
        twice = emulator.charged - rows
        with past(output, "csv" if output.suffix == ".csv" else "jsonl", "") as journal:
            assert journal is not None
            assert journal.state.charged == rows
            assert journal.state.charged <= emulator.charged <= journal.state.charged_at_most
    assert dead > kills / 2
    assert set(by_row(output)) == set(range(1, rows + 1))
    assert 0 <= twice <= under_way
    print(f"{dead} kills of a job of {rows} images: {twice} charged twice")  # noqa: T201


FIVE_REQUESTS = """
import asyncio, sys
import aliocr
from aliocr.job.job import Job

class Permits:
    left = 5

    async def acquire(self):
        if not self.left:
            await asyncio.Event().wait()
        self.left -= 1

async def main():
    limits = aliocr.Limits(images_per_request=int(sys.argv[3]))
    async with aliocr.Session(limits=limits, limiter=Permits()) as ocr:
        await Job(sys.argv[1], sys.argv[2], budget=300).run(ocr)

asyncio.run(main())
"""
"""A job that sends five requests and then waits for a permit, with the next images in hand."""


async def five_requests(emulator: Emulator, source: Path, output: Path) -> None:
    """Run that job, and kill it while it waits."""
    requests = len(emulator.calls) + 5
    job = started(emulator, source, output, program=FIVE_REQUESTS)
    await until(lambda: len(emulator.calls) == requests and not emulator.under_way)
    await until(lambda: whole_rows(output) == emulator.charged)
    job.kill()
    job.communicate(timeout=PATIENCE)


async def test_a_budget_is_used_in_full_after_kills(tmp_path: Path) -> None:
    """What was taken from the list and not sent is given back; so 300 images are 300."""
    source, output = urls(tmp_path / "urls.csv", 1_000), tmp_path / "results.jsonl"
    async with Emulator(requests_per_second=None) as emulator:
        for _ in range(2):
            await five_requests(emulator, source, output)
            least, most = bill(output)
            assert least <= emulator.charged == most <= 200
        async with opened(emulator) as ocr:
            summary = await Job(source, output, budget=300).run(ocr)
    assert (summary.ended, summary.charged, summary.charged_at_most) == ("budget", 300, 300)
    assert emulator.charged == 300


async def test_after_a_power_failure_all_that_was_taken_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mark of what was sent may be older than the last request, so it does not count."""
    source, output = urls(tmp_path / "urls.csv", 1_000), tmp_path / "results.jsonl"
    async with Emulator(requests_per_second=None) as emulator:
        await five_requests(emulator, source, output)
        boot = tmp_path / "boot_id"
        boot.write_text("another start of the system")
        monkeypatch.setattr(sent_mark, "BOOT", boot)
        async with opened(emulator) as ocr:
            summary = await Job(source, output, budget=300).run(ocr)
    assert (summary.ended, summary.charged_at_most) == ("budget", 300)
    assert summary.charged == emulator.charged < 300


async def test_whatever_a_power_failure_leaves_is_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between any two steps of writing, and with any part of what was not synced yet."""
    rows = 200
    source = urls(tmp_path / "urls.csv", rows)
    output = tmp_path / "results.jsonl"
    left = tmp_path / "left"
    left.mkdir()
    snapshots: list[tuple[Path, int]] = []

    def snapshot(synced: int) -> None:
        place = left / str(len(snapshots))
        place.mkdir()
        for file in tmp_path.glob("results.jsonl*"):
            shutil.copy(file, place)
        snapshots.append((place / output.name, synced))

    commit = Ledger.commit

    def watched(ledger: Ledger, charged_at_most: int, *, duplicates: int) -> None:
        synced = ledger.journal.state.length
        snapshot(synced)  # written, not synced, not in the journal
        commit(ledger, charged_at_most, duplicates=duplicates)
        snapshot(ledger.journal.state.length)

    chances = random.Random(1)
    async with Emulator(requests_per_second=None) as emulator, opened(emulator) as ocr:
        monkeypatch.setattr(Ledger, "commit", watched)
        await Job(source, output).run(ocr)
        monkeypatch.undo()
        for copy, synced in chances.sample(snapshots, min(len(snapshots), 12)):
            size = copy.stat().st_size
            with copy.open("r+b") as file:
                file.truncate(chances.randint(min(synced, size), size))
            summary = await Job(source, copy).run(ocr)
            assert summary.ended == "complete"
            assert set(by_row(copy)) == set(range(1, rows + 1))


@pytest.mark.parametrize("name", ["results.jsonl", "results.csv"])
async def test_an_output_that_lost_its_end_is_completed(tmp_path: Path, name: str) -> None:
    """Of a disk that lied about what it had written, or of a hand that cut the file anywhere."""
    rows = 60
    source, output = urls(tmp_path / "urls.csv", rows), tmp_path / name
    async with Emulator(requests_per_second=None) as emulator, opened(emulator) as ocr:
        await Job(source, output).run(ocr)
        whole = output.read_bytes()
        for length in random.Random(2).sample(range(len(whole)), 25):
            output.write_bytes(whole[:length])
            summary = await Job(source, output).run(ocr)
            assert summary.rows == rows
            assert set(by_row(output)) == set(range(1, rows + 1))
            whole = output.read_bytes()


async def test_noise_behind_the_results_is_cut_off(tmp_path: Path) -> None:
    """As some file systems leave it, when a file had grown and its bytes had not been written."""
    source, output = urls(tmp_path / "urls.csv", 5), tmp_path / "results.jsonl"
    async with Emulator(requests_per_second=None) as emulator, opened(emulator) as ocr:
        await Job(source, output).run(ocr)
        whole = output.read_bytes()
        output.write_bytes(whole + bytes(5_000))
        await Job(source, output).run(ocr)
        assert output.read_bytes() == whole
        assert emulator.charged == 5
