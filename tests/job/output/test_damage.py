"""Journals and outputs that were lost, damaged, exchanged or changed by hand.

Whatever was done to them: the job completes, or it says in one line what is wrong and what to do.
Nothing is cut off an output but a partial record, no row is lost or doubled, and nothing is charged
again that the output has.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from pathlib import Path

import attrs
import pytest

import aliocr
from aliocr.emulator import Emulator
from aliocr.job.errors import JobError
from aliocr.job.job import Job, Retry
from aliocr.job.output.job_state import SCHEMA, UNCOUNTED, JobState
from aliocr.job.output.read_back import results
from tests.support.working import by_row, opened, quick_emulator, url, urls

emulator = quick_emulator

ROWS, DONE = 30, 24
FORMATS = ["jsonl", "csv", "parquet"]
PAGE = 4096


@attrs.frozen
class Begun:
    """A job of 30 rows that a budget has ended after 24, and copies of it to damage."""

    folder: Path
    source: Path
    suffix: str
    emulator: Emulator
    ocr: aliocr.Session

    def copy(self, name: str) -> Path:
        """A copy of the output, with its journal, in a folder of its own."""
        folder = self.folder / name
        folder.mkdir()
        for file in self.folder.glob("results.*"):
            shutil.copy(file, folder)
        return folder / f"results.{self.suffix}"

    async def went_on(self, output: Path) -> str:
        """Go on with the job; the message if it is refused. Also hold it to the promises."""
        before = content_of(output)
        had, charged, said = rows_in(output), self.emulator.charged, ""
        for _ in range(2):  # the first try leaves no lock behind
            try:
                summary = await Job(self.source, output).run(self.ocr)
            except (ValueError, JobError) as error:
                said = str(error)
                assert output.name in said
                assert "\n" not in said
                assert "another job" not in said
                assert content_of(output) == before
                assert self.emulator.charged == charged
                continue
            assert (summary.ended, summary.rows) == ("complete", ROWS)
            assert set(by_row(output)) == set(range(1, ROWS + 1))
            assert self.emulator.charged == charged + ROWS - had
            if self.suffix != "parquet":
                assert content_of(output).startswith(before[: before.rfind(b"\n") + 1])
            return ""
        return said

    async def said(self, output: Path) -> str:
        """The message of a job that is refused when it has read its list."""
        with pytest.raises(ValueError) as refused:  # noqa: PT011 - the message is returned
            await Job(self.source, output).run(self.ocr)
        return str(refused.value)

    async def is_made_again(self, output: Path) -> None:
        """Move the journal away, as the message says: the job goes on and pays for the rest."""
        journal_of(output).rename(output.with_name("moved"))
        assert await self.went_on(output) == ""


def rows_in(output: Path) -> int:
    """The number of results that an output has, whatever was done to it."""
    try:
        return len({result.row for result in results(output)})
    except (ValueError, OSError):
        return 0


def content_of(output: Path) -> bytes:
    """The bytes of an output; none if there is no file."""
    return output.read_bytes() if output.exists() else b""


def journal_of(output: Path) -> Path:
    """The journal beside an output."""
    return output.with_name(f"{output.name}.journal")


@pytest.fixture(params=FORMATS)
async def begun(
    request: pytest.FixtureRequest, tmp_path: Path, emulator: Emulator
) -> AsyncIterator[Begun]:
    """A job in each format."""
    if request.param == "parquet":
        pytest.importorskip("pyarrow")
    source, output = urls(tmp_path / "urls.csv", ROWS), tmp_path / f"results.{request.param}"
    emulator.text(url(3), 'two "lines",\nand a third')
    emulator.fail(url(5), 404)
    async with opened(emulator, max_retries=0) as ocr:
        await Job(source, output, budget=DONE - 1).run(ocr)
        yield Begun(tmp_path, source, request.param, emulator, ocr)


async def test_a_lost_journal_is_made_again_from_the_output(begun: Begun) -> None:
    """Nothing is paid twice; the plan of the rest is right, and equal images are still known."""
    output = begun.copy("lost")
    journal_of(output).unlink()
    plan = Job(begun.source, output).plan()
    assert (plan.done, plan.images) == (DONE, ROWS - DONE)
    assert not journal_of(output).exists()
    assert await begun.went_on(output) == ""
    urls(begun.source, ROWS)
    with begun.source.open("a") as more:
        more.write(f"again,{url(2)}\n")
    charged = begun.emulator.charged
    summary = await Job(begun.source, output).run(begun.ocr)
    assert (summary.rows, summary.duplicates, begun.emulator.charged) == (ROWS + 1, 1, charged)


async def test_failures_are_known_without_the_journal(begun: Begun) -> None:
    """They can be tried again, and the job goes on after that."""
    output = begun.copy("lost")
    journal_of(output).unlink()
    charged = begun.emulator.charged
    begun.emulator.text(url(5), "found")
    summary = await Job(begun.source, output, retry=Retry()).run(begun.ocr)
    assert (summary.read, summary.failed, begun.emulator.charged) == (DONE, (), charged + 1)
    assert await begun.went_on(output) == ""


def damages(journal: Path, step: int) -> Iterator[tuple[str, Callable[[Path], object]]]:
    """Every damage of a journal: at each page or step, of each table, each fact, and a row."""
    data = journal.read_bytes()

    def rewritten(new: bytes) -> Callable[[Path], object]:
        return lambda path: path.write_bytes(new)

    def changed(statement: str) -> Callable[[Path], object]:
        def change(path: Path) -> None:
            with closing(sqlite3.connect(path, isolation_level=None)) as db:
                assert db.execute(statement).rowcount != 0

        return change

    for place in range(0, len(data), step):
        zeroed = data[:place] + bytes(step) + data[place + step :]
        yield f"zeros at {place}", rewritten(zeroed)
        yield f"cut at {place}", rewritten(data[:place])
    yield "cut by a byte", rewritten(data[:-1])
    yield "text", rewritten(b"a diary, and no database at all, but long")
    with closing(sqlite3.connect(":memory:")) as db:
        db.executescript(SCHEMA + UNCOUNTED)
        for (table,) in db.execute("SELECT name FROM sqlite_schema WHERE sql > ''"):
            yield f"no table {table}", changed(f"DROP TABLE {table}")
            yield f"other table {table}", changed(f"ALTER TABLE {table} ADD COLUMN more")
    for fact in attrs.fields(JobState):
        where = f"WHERE name = '{fact.name}'"
        yield f"no {fact.name}", changed(f"DELETE FROM state {where}")  # noqa: S608 - fixed text
        null = f"UPDATE state SET value = NULL {where}"  # noqa: S608 - fixed text
        yield f"odd {fact.name}", changed(null)
        below = f"UPDATE state SET value = -5 {where}"  # noqa: S608 - fixed text
        yield f"negative {fact.name}", changed(below)
    yield "a row", changed("DELETE FROM rows WHERE row = 7")
    yield "other version", changed("PRAGMA user_version = 1")


async def test_a_damaged_journal_is_told_in_a_line_and_made_again(
    begun: Begun, *, soak: bool
) -> None:
    """At every page; or nothing was lost with the damage, and the job goes on.

    With `--soak` at every 512 bytes, and each is made again.
    """
    told = 0
    journal = journal_of(begun.folder / f"results.{begun.suffix}")
    for name, damage in damages(journal, 512 if soak else PAGE):
        output = begun.copy(name)
        damage(journal_of(output))
        said = await begun.went_on(output)
        if said:
            told += 1
            assert "move it away, and the same command makes it again" in said, name
            if soak or told % 10 == 0:
                await begun.is_made_again(output)
    assert told > 40


async def test_a_journal_of_another_output_is_refused(begun: Begun) -> None:
    """Of another format, and of the same list in the same format; then it is made again."""
    pytest.importorskip("pyarrow")
    other = begun.folder / "other"
    other.mkdir()
    for suffix in FORMATS:
        again = other / f"again.{suffix}"
        await Job(begun.source, again, budget=DONE - 1).run(begun.ocr)
        output = begun.copy(suffix)
        shutil.copy(journal_of(again), journal_of(output))
        said = await begun.went_on(output)
        if suffix == begun.suffix:
            assert "remove only its journal, and the same command makes it again" in said
        else:
            assert f"is the journal of an output in {suffix}" in said
            assert "move it away, and the same command makes it again" in said
        await begun.is_made_again(output)


async def test_a_journal_that_knows_no_result_cuts_nothing(begun: Begun) -> None:
    """What stands in the output is taken up if it is of this job, else it is left alone."""
    pytest.importorskip("pyarrow")
    empty = begun.folder / f"empty.{begun.suffix}"
    stop = asyncio.Event()
    stop.set()
    await Job(begun.source, empty).run(begun.ocr, stop=stop)
    contents = {"notes.txt": b"my own notes\n", "partial.txt": b"my own notes"}
    for suffix in FORMATS:
        other = begun.folder / f"other.{suffix}"
        await Job(begun.source, other, budget=DONE - 1).run(begun.ocr)
        contents[other.name] = other.read_bytes()
    for name, content in contents.items():
        output = begun.copy(f"of {name}")
        output.write_bytes(content)
        shutil.copy(journal_of(empty), journal_of(output))
        said = await begun.went_on(output)
        if name == f"other.{begun.suffix}" != "other.parquet":
            assert said == ""
        else:
            assert "is not what this job has written: restore the file; or remove only " in said


async def test_an_output_that_was_changed_is_not_cut(begun: Begun) -> None:
    """Nor are results added to it; after the remedy, its results stand as they were changed."""
    whole = (begun.folder / f"results.{begun.suffix}").read_bytes()
    changes = {
        "edited": whole.replace(b"example.com/9", b"example.org/99", 1),
        "before": b"\n" + whole,
        "behind": whole + b"my own notes\n",
        "twice": whole + whole,
        "other": b"my own notes\n" * 1_000,
        "last": b"example.net".join(whole.rsplit(b"example.com", 1)),
    }
    for name, changed in changes.items():
        output = begun.copy(name)
        output.write_bytes(changed)
        if (begun.suffix, name) == ("parquet", "last"):
            continue  # results are not at its end
        said = await begun.went_on(output)
        assert "is not what this job has written: restore the file; or remove only " in said, name
        output.write_bytes(whole)
        assert await begun.went_on(output) == ""


async def test_a_damaged_byte_cuts_no_other_record(begun: Begun, *, soak: bool) -> None:
    """Whether the journal knows the output or is lost; in CSV a quote may join all that follows.

    With `--soak` at every 7th byte.
    """
    whole = (begun.folder / f"results.{begun.suffix}").read_bytes()
    output = begun.copy("damaged")
    known = journal_of(output).read_bytes()
    for number, place in enumerate(range(0, len(whole), 7 if soak else len(whole) // 17)):
        for byte in (b'"', b"\n", b"0", b"\0"):
            damaged = whole[:place] + byte + whole[place + 1 :]
            output.write_bytes(damaged)
            journal_of(output).unlink(missing_ok=True)
            if number % 3 == 0:
                journal_of(output).write_bytes(known)
            said = ""
            try:
                await Job(begun.source, output).run(begun.ocr)
            except (ValueError, JobError) as error:
                said = str(error)
            assert said.count("\n") == 0
            if said:
                assert content_of(output) == damaged
            elif begun.suffix != "parquet":
                records = damaged.splitlines(keepends=True)
                assert content_of(output).startswith(b"".join(records[:-3]))


async def test_an_output_that_lost_its_results_is_not_paid_for_in_silence(begun: Begun) -> None:
    """A Parquet file is written again from its journal; of others the results are gone."""
    for name in ("deleted", "emptied"):
        output = begun.copy(name)
        output.unlink()
        if name == "emptied":
            output.touch()
        if begun.suffix == "parquet":
            charged = begun.emulator.charged
            summary = await Job(begun.source, output).run(begun.ocr)
            assert (summary.rows, len(by_row(output))) == (ROWS, ROWS)
            assert begun.emulator.charged == charged + ROWS - DONE
            output.write_bytes(b"")
            await Job(begun.source, output).run(begun.ocr)
            assert len(by_row(output)) == ROWS
        else:
            assert "is gone or empty, but the journal" in await begun.went_on(output)


async def test_an_output_that_was_cut_is_completed(begun: Begun) -> None:
    """In the middle of a record, and of a Parquet file, which is written again."""
    whole = (begun.folder / f"results.{begun.suffix}").read_bytes()
    for part in (1, 3, len(whole) // 3, len(whole) // 2, len(whole) - 3, len(whole) - 1):
        output = begun.copy(str(part))
        output.write_bytes(whole[:part])
        summary = await Job(begun.source, output).run(begun.ocr)
        assert (summary.ended, summary.rows) == ("complete", ROWS)
        assert set(by_row(output)) == set(range(1, ROWS + 1))


async def test_a_result_of_another_image_is_noticed(begun: Begun) -> None:
    """A journal made again knows its input from the results, so another list is refused."""
    output = begun.copy("lost")
    journal_of(output).unlink()
    urls(begun.source, ROWS + 1)
    lines = begun.source.read_text().splitlines(keepends=True)
    begun.source.write_text("".join(lines[:1] + lines[2:]))
    assert "has changed since this job began" in await begun.said(output)
    begun.source.write_text("".join(lines[: DONE - 3]))
    assert "it ends at row" in await begun.said(output)
