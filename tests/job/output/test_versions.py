"""Jobs of earlier versions, as `versions` beside this file has them: gone on with, and read."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs
import msgspec
import pytest

import aliocr
from aliocr.emulator import Emulator
from aliocr.job.job import Job, Retry
from aliocr.job.output.read_back import results
from aliocr.job.output.replacement import Replacement
from aliocr.job.output.versions import NEWEST, VERSIONS, version_of
from aliocr.job.sources import Urls
from aliocr.job.summary import Summary
from tests.support.earlier_jobs import SOURCES, scripted
from tests.support.program import call
from tests.support.working import by_row, files_in, opened

ARCHIVES = sorted((Path(__file__).parent / "versions").glob("*.zip"))
FORMATS = ["jsonl", "csv", "parquet"]
STATES = ["complete", "stopped", "killed"]
ROWS = set(range(1, len(SOURCES) + 1))
COPIES = 3

each_archive = pytest.mark.parametrize("archive", ARCHIVES, ids=lambda path: path.stem)
each_format = pytest.mark.parametrize("suffix", FORMATS)


@attrs.frozen
class Shelf:
    """An emulator that serves the images of the jobs, and a session."""

    emulator: Emulator
    ocr: aliocr.Session

    async def gone_on(self, output: Path, retry: Retry | None = None) -> Summary:
        """Go on with a job, by the words with which it was begun."""
        sources = Urls(interval=1, max_frames=3)
        return await Job(output.parent / "urls.csv", output, sources=sources, retry=retry).run(
            self.ocr
        )


@pytest.fixture
async def shelf() -> AsyncIterator[Shelf]:
    """For one test."""
    async with (
        Emulator(requests_per_second=None) as emulator,
        opened(emulator, max_retries=0) as ocr,
    ):
        scripted(emulator)
        yield Shelf(emulator, ocr)


def unpacked(archive: Path, folder: Path) -> Path:
    """The folder, with the jobs of an archive."""
    shutil.unpack_archive(archive, folder)
    return folder


def number_of(output: Path) -> int:
    """The version that a journal says it has."""
    with closing(sqlite3.connect(f"{output}.journal")) as db:
        return int(db.execute("PRAGMA user_version").fetchone()[0])


def charges_in(output: Path) -> int:
    """The images that were charged for the rows of an output, as the service counts them."""
    paid: dict[str, int] = {}
    if output.exists():
        for result in results(output):
            if result.ok:
                paid[result.source] = max(1, len(result.frames))
    return sum(paid.values())


def shapes(output: Path) -> dict[int, list[tuple[str, object]]]:
    """The columns of each row with the kinds of their values; in CSV only whether there is one."""
    rows: list[dict[str, Any]]
    if output.suffix == ".jsonl":
        rows = [msgspec.json.decode(line) for line in output.read_bytes().splitlines()]
        kinds = [{name: type(value).__name__ for name, value in row.items()} for row in rows]
    elif output.suffix == ".csv":
        import csv

        with output.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        kinds = [{name: str(value > "") for name, value in row.items()} for row in rows]
    else:
        parquet = pytest.importorskip("pyarrow.parquet")
        table = parquet.read_table(output)
        rows = table.to_pylist()
        kinds = [{name: str(value is None) for name, value in row.items()} for row in rows]
        kinds = [row | {"schema": str(table.schema)} for row in kinds]
    return {int(row["row"]): sorted(kind.items()) for row, kind in zip(rows, kinds, strict=True)}


@each_archive
@each_format
@pytest.mark.parametrize("lost", [False, True])
async def test_a_job_goes_on_in_its_own_version(
    tmp_path: Path, shelf: Shelf, archive: Path, suffix: str, *, lost: bool
) -> None:
    """With its journal or without: only what is missing is paid for, and all rows look alike."""
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    folder = unpacked(archive, tmp_path)
    as_it_was = shapes(folder / f"complete.{suffix}")
    for state in STATES:
        output = folder / f"{state}.{suffix}"
        if lost and not output.exists():
            continue  # its results were in the journal
        before = output.read_bytes() if output.exists() else b""
        version, paid, had = number_of(output), charges_in(output), shelf.emulator.charged
        if lost:
            version = NEWEST.number
            output.with_name(f"{output.name}.journal").unlink()
        summary = await shelf.gone_on(output)
        assert (summary.ended, set(by_row(output))) == ("complete", ROWS)
        assert (summary.read, summary.duplicates) == (12, COPIES)
        assert shapes(output) == as_it_was, state
        assert number_of(output) == version
        if suffix != "parquet":
            assert output.read_bytes().startswith(before)
        if before:
            assert shelf.emulator.charged - had == charges_in(output) - paid
        assert summary.charged == charges_in(output) <= summary.charged_at_most


@each_archive
@each_format
async def test_its_failures_are_tried_again(
    tmp_path: Path,
    shelf: Shelf,
    archive: Path,
    suffix: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also if the run is killed when a draft is to take the place of the output."""
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    folder = unpacked(archive, tmp_path)
    output = folder / f"complete.{suffix}"
    shelf.emulator.text("https://example.com/broken.png", "read at last")

    def killed(_: Replacement) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Replacement, "place", killed)
        with pytest.raises(KeyboardInterrupt):
            await shelf.gone_on(output, Retry())
    summary = await shelf.gone_on(output, Retry())
    assert (summary.read, set(by_row(output))) == (13, ROWS)
    as_it_was = unpacked(archive, folder / "again") / output.name
    both = shapes(output), shapes(as_it_was)
    assert both[0].pop(10) != both[1].pop(10)
    assert both[0] == both[1]
    assert not list(folder.glob(".*.draft"))


@each_archive
@each_format
def test_its_output_is_read(tmp_path: Path, archive: Path, suffix: str) -> None:
    """With its journal or without, the results are those of every other version."""
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    found = by_row(unpacked(archive, tmp_path) / f"complete.{suffix}")
    assert set(found) == ROWS
    for row, name in enumerate(SOURCES, 1):
        assert found[row].id == f"id{row}"
        assert found[row].source.endswith(name)
        assert found[row].ok == (row not in {4, 5, 10, 15})
    film, zh, gone, bad = (found[row] for row in (7, 9, 5, 4))
    assert film.ok
    assert [frame.text for frame in film.frames] == ["frame 0", "frame 1", "frame 2"]
    assert film.frames[1].regions[0].text == '64.50 "EUR"'
    assert zh.ok
    assert (zh.text, zh.suggestion) == ("发票 1", "review")
    assert not gone.ok
    assert (gone.kind, gone.code, gone.needs_review) == ("DownloadError", 404, True)
    assert not bad.ok
    assert (bad.kind, bad.code) == ("BadRow", None)


@each_archive
def test_every_command_reads_it(tmp_path: Path, archive: Path) -> None:
    """In each format, without its journal."""
    pytest.importorskip("click")
    pytest.importorskip("rich")
    folder = unpacked(archive, tmp_path)
    for journal in folder.glob("*.journal"):
        journal.unlink()
    suffixes = FORMATS if has_pyarrow() else FORMATS[:2]
    for suffix in suffixes:
        output = folder / f"complete.{suffix}"
        done = call("search", output, "发票")
        assert done.stdout == "9 id9 https://example.com/zh.png: 发票 1\n"
        report, pages = folder / f"{suffix}.html", folder / f"hocr {suffix}"
        assert call("report", output, "-o", report, "--pictures", "none").returncode == 0
        assert "发票 1" in report.read_text(encoding="utf-8")
        assert call("export", output, pages).returncode == 0
        assert len(list(pages.iterdir())) == 12


def has_pyarrow() -> bool:
    """Whether the extra is there."""
    import importlib.util

    return importlib.util.find_spec("pyarrow") is not None


async def test_a_job_of_a_newer_version_is_refused(tmp_path: Path, shelf: Shelf) -> None:
    """The message says to upgrade; nothing is sent or written."""
    folder = unpacked(ARCHIVES[-1], tmp_path)
    output = folder / "stopped.jsonl"
    with closing(sqlite3.connect(f"{output}.journal", isolation_level=None)) as db:
        db.execute(f"PRAGMA user_version = {NEWEST.number + 1}")
    before = files_in(folder)
    with pytest.raises(ValueError, match="newer version of aliocr: upgrade aliocr, for example"):
        await shelf.gone_on(output)
    with pytest.raises(ValueError, match="newer version of aliocr: upgrade aliocr, for example"):
        Job(folder / "urls.csv", output, sources=Urls(interval=1, max_frames=3)).plan()
    assert (files_in(folder), shelf.emulator.charged) == (before, 0)


async def test_an_output_of_a_newer_version_is_refused(tmp_path: Path, shelf: Shelf) -> None:
    """Its columns tell it if the journal is lost; it can still be read."""
    folder = unpacked(ARCHIVES[-1], tmp_path)
    output = folder / "newer.jsonl"
    rows = list(map(msgspec.json.decode, (folder / "stopped.jsonl").read_bytes().splitlines()))
    full = dict.fromkeys(NEWEST.columns)
    newer = [msgspec.json.encode(full | row | {"language": "en"}) + b"\n" for row in rows]
    output.write_bytes(b"".join(newer))
    before = files_in(folder)
    with pytest.raises(ValueError, match=r"column 'language'.*upgrade aliocr"):
        await shelf.gone_on(output)
    assert (files_in(folder), shelf.emulator.charged) == (before, 0)
    assert len(by_row(output)) == len(rows)


def test_columns_tell_the_version() -> None:
    """No two versions have the same columns, and those of outcomes alone are of none."""
    for version in VERSIONS.values():
        assert version_of(version.columns) is version
    assert version_of(aliocr.COLUMNS) is None
    assert version_of(()) is None


def test_a_version_never_changes() -> None:
    """Its files exist. Whoever changes the columns of outcomes adds a version, and a line here."""
    columns = {number: len(version.columns) for number, version in VERSIONS.items()}
    assert columns == {2: 19, 3: 22, 4: 25}
