"""Jobs that are stopped, started again, and given more to do."""

from __future__ import annotations

import asyncio
import io
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
from aliocr.job.sources import Urls
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
    assert (again.read, again.charged_at_most, again.ended) == (
        first.read,
        first.charged_at_most,
        "complete",
    )


async def test_a_job_of_an_earlier_version_keeps_its_column(
    tmp_path: Path, emulator: Emulator, ocr: aliocr.Session
) -> None:
    """That version sent `url`; rows of two columns in one output would be no use to anybody."""
    source, output = tmp_path / "feed.csv", tmp_path / "results.jsonl"

    def feed(rows: int) -> None:
        lines = (f"{url(row)},{url(row + 100)}\n" for row in range(1, rows + 1))
        source.write_text("url,image_url\n" + "".join(lines))

    feed(20)
    await Job(source, output, column="url").run(ocr)
    with closing(sqlite3.connect(f"{output}.journal")) as journal, journal:
        journal.execute("DELETE FROM state WHERE name = 'by_ranks'")
        journal.execute("UPDATE state SET value = '' WHERE name = 'settings'")
    for rows in (30, 40):  # the first of these runs writes the journal of today
        feed(rows)
        assert Job(source, output).plan().taken == "the column url"
        await Job(source, output).run(ocr)
        assert [by_row(output)[row].source for row in range(1, rows + 1)] == [
            url(row) for row in range(1, rows + 1)
        ]
    await Job(source, tmp_path / "new.jsonl").run(ocr)
    assert by_row(tmp_path / "new.jsonl")[1].source == url(101)


async def test_a_job_of_the_version_between_keeps_its_column_too(
    tmp_path: Path, emulator: Emulator, ocr: aliocr.Session
) -> None:
    """Its journal has the options in the words of the user, and the guess is the same."""
    source, output = tmp_path / "feed.csv", tmp_path / "results.jsonl"
    source.write_text(f"url,Image URL\n{url(1)},{url(101)}\n")
    await Job(source, output, column="url").run(ocr)
    with closing(sqlite3.connect(f"{output}.journal")) as journal, journal:
        journal.execute("UPDATE state SET value = '' WHERE name = 'settings'")
    source.write_text(f"url,Image URL\n{url(1)},{url(101)}\n{url(2)},{url(102)}\n")
    await Job(source, output).run(ocr)
    assert set(asked_for(emulator)) == {url(1), url(2)}
    with pytest.raises(ValueError, match="begun with no options, and now has --column url"):
        await Job(source, output, column="url").run(ocr)


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
async def test_a_job_without_a_result_may_begin_with_other_options(
    suffix: str, tmp_path: Path, emulator: Emulator, ocr: aliocr.Session
) -> None:
    """The first command was wrong, and was stopped; the right one needs no other output."""
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    source, output = urls(tmp_path / "urls.csv", 20), tmp_path / f"results.{suffix}"
    stop = asyncio.Event()
    stop.set()
    await Job(source, output, column="id", allow_bad=True).run(ocr, stop=stop)
    assert rows_of(output) == []
    assert Job(source, output, column="url").plan().images == 20
    summary = await Job(source, output, column="url").run(ocr)
    assert (summary.ended, summary.read, emulator.charged) == ("complete", 20, 20)
    with pytest.raises(ValueError, match="was begun with --column url"):
        await Job(source, output, column="id").run(ocr)


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


@pytest.mark.parametrize(
    ("name", "header", "line"),
    [("urls.csv", "url\n", "{}"), ("urls.txt", "", "{}"), ("urls.jsonl", "", '"{}"')],
)
async def test_the_input_is_opened_once_in_a_run(
    tmp_path: Path,
    ocr: aliocr.Session,
    monkeypatch: pytest.MonkeyPatch,
    *,
    name: str,
    header: str,
    line: str,
) -> None:
    """Its header is read once, in the first run and in one that goes on."""
    source, output = tmp_path / name, tmp_path / "results.jsonl"
    opened: list[Path] = []
    opens = Path.open

    def counted(path: Path, *arguments: Any, **named: Any) -> Any:
        opened.append(path)
        return opens(path, *arguments, **named)

    monkeypatch.setattr(Path, "open", counted)
    for rows in (20, 30):
        lines = (line.format(url(number)) for number in range(1, rows + 1))
        source.write_text(header + "\n".join(lines))
        opened.clear()
        await Job(source, output).run(ocr)
        assert opened.count(source) == 1
        assert rows_of(output) == list(range(1, rows + 1))


async def test_another_input_is_not_taken_for_the_first(
    tmp_path: Path, emulator: Emulator, ocr: aliocr.Session
) -> None:
    """A row taken out of the list would give every later row another's result."""
    source, output = urls(tmp_path / "urls.csv", 20), tmp_path / "results.jsonl"
    await Job(source, output).run(ocr)
    listed(source, [url(number) for number in range(2, 40)])
    with pytest.raises(InputError, match=r"has changed since this job began.*another output"):
        await Job(source, output).run(ocr)
    assert emulator.charged == 20
    assert rows_of(output) == list(range(1, 21))


async def test_another_list_on_standard_input_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ocr: aliocr.Session
) -> None:
    """Standard input cannot be read twice, so it is compared on the way."""
    output = tmp_path / "results.jsonl"

    async def run(first: int) -> None:
        text = "".join(f"{url(number)}\n" for number in range(first, first + 700))
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        await Job("-", output).run(ocr)

    await run(1)
    await run(1)
    assert rows_of(output) == list(range(1, 701))
    with pytest.raises(InputError, match="standard input has changed"):
        await run(2)


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
    assert summary.charged_at_most == emulator.charged == len(rows_of(output)) < 2_000
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
