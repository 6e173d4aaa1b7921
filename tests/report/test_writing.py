"""The page as a file: what is in it, what it replaces, and what is left if it cannot be written."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from aliocr import Frame, Region
from aliocr.job.output.result import Result
from aliocr.job.summary import Failed
from aliocr.report.entry import EmbeddedPage, EmbeddedPicture, LinkedPicture, NoPicture, entry
from aliocr.report.fetching import MissingError
from aliocr.report.gallery import Embedded, LeftOut, Linked
from aliocr.report.originals import FromSources
from aliocr.report.report_file import ReportError
from aliocr.report.writing import ReportProgress
from tests.support.rows_read import failed, files_in, said, sample, written
from tests.support.truth import SAMPLES

ISLAND = re.compile(r'<script type="application/json" id="data">(.*?)</script>', re.DOTALL)


def told(page: Path) -> dict[str, Any]:
    """Return the JSON that the script of a page reads."""
    (island,) = ISLAND.findall(page.read_text("utf-8"))
    data: dict[str, Any] = json.loads(island)
    return data


class Album:
    """Gives the same bytes for every result, and notes how many ask at once."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.asking = self.most = self.asked = 0

    async def picture(self, _: Result) -> bytes:
        """Return the bytes after a round of the loop."""
        self.asked += 1
        self.asking += 1
        self.most = max(self.most, self.asking)
        await asyncio.sleep(0)
        self.asking -= 1
        return self.data


# --- what is in it --------------------------------------------------------------------------------


async def test_totals_are_of_all_rows(tmp_path: Path) -> None:
    """A page of 2 rows still says what became of all 7, and how to see them."""
    rows = [
        said("a"),
        failed(2),
        failed(3),
        failed(4, code=404),
        said("", 5, regions=()),
        sample("anim4.gif", 6),
        said("", 7, regions=(), frames=(Frame("b"), Frame(""))),
    ]
    page, told_of = await written(iter(rows), tmp_path, LeftOut(), limit=2)
    data = told(page)
    words = {"kind": "DownloadError", "advice": "592 slow: keep images on a fast host"}
    other = words | {"advice": "404 slow: keep images on a fast host"}
    assert data["totals"] == {
        "rows": 7,
        "read": 4,
        "with_text": 3,
        "frames": 1 + 1 + 4 + 2,
        "failed": [
            words | {"code": 592, "rows": 2, "first": [2, 3]},
            other | {"code": 404, "rows": 1, "first": [4]},
        ],
    }
    assert data["all"] == "aliocr report out.jsonl --limit 7"
    assert (told_of.rows, told_of.shown, told_of.missing) == (7, 2, ())


async def shown_rows(folder: Path, rows: Iterable[Result], limit: int) -> list[int]:
    """Which of them are on a page of so many."""
    page, _ = await written(rows, folder, LeftOut(), limit=limit)
    return [each["row"] for each in told(page)["entries"]]


async def test_a_failure_is_on_the_page_wherever_it_stands(tmp_path: Path) -> None:
    """The one in 5,000 rows that is the last of the file, too."""
    rows = [*(said("a", row) for row in range(1, 5000)), failed(5000)]
    assert await shown_rows(tmp_path, iter(rows), 10) == [*range(1, 10), 5000]


async def test_many_failures_leave_room_for_each_other_and_for_what_was_read(
    tmp_path: Path,
) -> None:
    """Some of each kind are there, the first ones, and one place of ten has a row with text."""
    rows = [failed(row) for row in range(1, 101)]
    rows += [failed(row, code=404) for row in range(101, 131)]
    rows += [failed(131, code=480), *(said("a", row) for row in range(132, 232))]
    for order in (rows, rows[::-1]):
        shown = await shown_rows(tmp_path, iter(order), 20)
        assert len(shown) == 20
        assert shown[:8] == list(range(1, 9))
        assert {101, 131, 132, 133} <= set(shown)
        assert await shown_rows(tmp_path, iter(order), 1) == [1]


async def test_rows_stand_in_the_order_of_the_input(tmp_path: Path) -> None:
    """Though answers came in another."""
    rows = [said("a", row) for row in (1, 2, 4, 3, 6, 5, 8, 7)]
    assert await shown_rows(tmp_path, iter(rows), 100) == list(range(1, 9))
    assert await shown_rows(tmp_path, iter(rows), 3) == [1, 2, 3]


async def test_what_differs_from_row_to_row_is_not_said_of_all(tmp_path: Path) -> None:
    """One code for an empty file, a damaged one and a text: what holds for each of them stands."""
    whys = "an empty file", "damaged or truncated", "an unknown format"
    rows = [
        failed(row, kind="ImageError", code=590, error=f"590 {why}: send another")
        for row, why in enumerate(whys, 1)
    ]
    rows += [failed(row, code=777, error=f"777 {row}") for row in (4, 5)]
    rows += [failed(row, kind="BadRow", code=None, error=f"no URL: {row}") for row in (6, 7)]
    page, _ = await written(iter(rows), tmp_path, LeftOut())
    advice = [each["advice"] for each in told(page)["totals"]["failed"]]
    summary = Failed("ImageError", 590, 3).advice, Failed("BadRow", None, 2).advice
    assert advice == [summary[0], "for several reasons; see the error of each row", summary[1]]


async def test_the_first_rows_of_each_kind_are_named(tmp_path: Path) -> None:
    """In order, a few, also of rows that the page has no room for."""
    rows = [failed(row) for row in (9, 8, 7, 6, 5, 4, 3)] + [failed(10**6, code=404)]
    page, _ = await written(iter(rows), tmp_path, LeftOut(), limit=1)
    first = [each["first"] for each in told(page)["totals"]["failed"]]
    assert first == [[3, 4, 5, 6, 7], [10**6]]


async def test_progress_is_told(tmp_path: Path) -> None:
    """While rows are counted, and for each picture."""
    progress: list[ReportProgress] = []
    await written(
        [said("a", row) for row in range(1, 301)], tmp_path, LeftOut(), told=progress.append
    )
    assert progress[0] == ReportProgress(200)
    assert progress[-1] == ReportProgress(300, 300, 300)
    assert len(progress) == 301


async def test_nothing_that_was_read_can_end_an_element(tmp_path: Path) -> None:
    """Whatever pictures, sources and ids say: there are the elements of the page, and no others."""
    evil = "</script><!--<script><img src=x onerror=alert(1)>"
    plain, _ = await written([said("a", id="b")], tmp_path, LeftOut())
    elements = plain.read_text("utf-8").count("<")
    rows = [said(evil, id=evil, source=evil), failed(2, error=evil, kind=evil, source=evil)]
    page, _ = await written(rows, tmp_path, LeftOut())
    text = page.read_text("utf-8")
    assert text.count("<") == elements
    assert told(page)["entries"][0]["sheets"][0]["lines"][0]["text"] == evil
    assert told(page)["totals"]["failed"][0]["kind"] == evil


async def test_a_name_in_no_encoding_can_be_reported(tmp_path: Path) -> None:
    """Files may be called anything."""
    page, _ = await written([said("\ud800", source="/nowhere/\udcff.png")], tmp_path, LeftOut())
    (only,) = told(page)["entries"]
    assert only["source"] == "/nowhere/\udcff.png"


async def test_pictures_come_at_a_size_that_a_page_needs(tmp_path: Path) -> None:
    """A photo of 9 megapixels becomes one of less than 1; its boxes stay where they were."""
    image = pytest.importorskip("PIL.Image")
    photo = tmp_path / "photo.jpg"
    image.effect_noise((2600, 3500), 40).save(photo, quality=95)
    row = said("a", source=str(photo))
    page, _ = await written([row], tmp_path, Embedded(FromSources()))
    (only,) = told(page)["entries"]
    assert (only["sheets"][0]["w"], only["sheets"][0]["h"]) == (2600, 3500)
    assert only["sheets"][0]["lines"][0]["boxes"] == [[1, 2, 30, 4]]
    assert page.stat().st_size < photo.stat().st_size / 4


async def test_equal_pictures_are_in_it_once(tmp_path: Path) -> None:
    """And no more than a few are under way."""
    pytest.importorskip("PIL")
    album = Album((SAMPLES / "small_en.png").read_bytes())
    page, _ = await written([said("a", row) for row in range(1, 101)], tmp_path, Embedded(album))
    assert page.read_text("utf-8").count('id="picture-') == 1
    assert {each["sheets"][0]["picture"] for each in told(page)["entries"]} == {0}
    assert album.asked == 100
    assert 1 < album.most <= 8


async def test_a_picture_that_cannot_be_shown_has_a_reason(tmp_path: Path) -> None:
    """In its place on the page, and counted; a row that names none has none to miss."""
    pytest.importorskip("PIL")
    rows = [said("a"), said("b", 2, source="https://example.com/a.png?…"), failed(3, kind="BadRow")]
    page, told_of = await written(rows, tmp_path, Embedded(FromSources()))
    missing = [each["missing"] for each in told(page)["entries"]]
    assert "no longer exists" in missing[0]
    assert "without the query" in missing[1]
    assert missing[2] == ""
    assert [rows for _, rows in told_of.missing] == [1, 1]
    page, _ = await written([said("a")], tmp_path, Embedded(Album(b"no picture")))
    assert told(page)["entries"][0]["missing"].endswith("an unknown format")


async def test_linked_pictures_are_relative_to_the_page(tmp_path: Path) -> None:
    """Without reading any, and without Pillow; names are quoted."""
    rows = [
        said("a", source=str(tmp_path / "b" / "c#d 1.png")),
        said("b", 2, source="https://example.com/a.png"),
        said("c", 3, source="https://…@example.com/a.png"),
    ]
    page, told_of = await written(rows, tmp_path, Linked())
    entries = told(page)["entries"]
    assert entries[0]["sheets"][0]["address"] == "./b/c%23d%201.png"
    assert entries[1]["sheets"][0]["address"] == "https://example.com/a.png"
    assert "without the query" in entries[2]["missing"]
    assert [rows for _, rows in told_of.missing] == [1]
    assert "img-src data: http: https: file:;" in page.read_text("utf-8")


# --- frames ---------------------------------------------------------------------------------------


def titles(
    row: Result, shown: EmbeddedPicture | LinkedPicture | NoPicture
) -> list[tuple[str | None, int, int]]:
    """Of each sheet of a row the title, how many lines it has, and how many of them with boxes."""
    sheets = entry(row, shown)["sheets"]
    return [
        (
            sheet.get("title"),
            len(sheet["lines"]),
            sum(bool(line["boxes"]) for line in sheet["lines"]),
        )
        for sheet in sheets
    ]


def test_frames_are_told_apart() -> None:
    """Each with its picture; where there are none, by a title; where one moves, without boxes."""
    row = sample("anim4.gif")
    pages = tuple(EmbeddedPage(number, 480, 270, number) for number in range(4))
    numbers = range(1, 5)
    assert titles(row, EmbeddedPicture(pages, 4)) == [(f"Frame {n} of 4", 1, 1) for n in numbers]
    assert titles(row, NoPicture()) == [(f"Frame {n} of 4 read", 1, 1) for n in numbers]
    assert titles(row, LinkedPicture("./anim4.gif")) == [(None, 4, 0)]
    # The places of other frames than these do not fit.
    assert titles(row, EmbeddedPicture(pages[:3], 3)) == [("Frame 1 of 3", 4, 0)]


def test_strips_of_a_long_image_are_shown_as_one() -> None:
    """Its boxes are in pixels of the whole."""
    strips = (Frame("", (Region("a", 1, 2, 3, 4),)), Frame("", (Region("b", 1, 900, 3, 4),)))
    row = said("", regions=(), frames=strips)
    assert titles(row, EmbeddedPicture((EmbeddedPage(0, 100, 1000, 0),), None)) == [(None, 2, 2)]


# --- what it replaces, and what is left -----------------------------------------------------------


async def test_an_earlier_report_is_replaced_and_no_other_file(tmp_path: Path) -> None:
    """A mistyped name does no harm."""
    page, _ = await written([said("the earlier")], tmp_path, LeftOut())
    await written([said("the later")], tmp_path, LeftOut())
    assert "the later" in page.read_text("utf-8")
    assert "the earlier" not in page.read_text("utf-8")
    page.write_bytes(b"<!doctype html>of another program")
    with pytest.raises(ReportError, match=r"exists already and is not a report"):
        await written([said("third")], tmp_path, LeftOut())
    assert page.read_bytes() == b"<!doctype html>of another program"
    page.unlink()
    page.mkdir()
    with pytest.raises(ReportError, match="not a regular file"):
        await written([said("third")], tmp_path, LeftOut())
    assert files_in(tmp_path) == {page.name}


async def test_a_folder_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    """Before anything is read."""

    def rows() -> Any:
        raise AssertionError
        yield

    with pytest.raises(ReportError, match=r"^cannot write .*out.html: No such file or directory$"):
        await written(rows(), tmp_path / "nowhere", LeftOut())


@pytest.mark.parametrize("place", ["rows", "pictures"])
async def test_trouble_on_the_way_leaves_nothing(tmp_path: Path, place: str) -> None:
    """No half page, and no file beside it; the earlier page stays."""
    pytest.importorskip("PIL")
    page, _ = await written([said("the earlier")], tmp_path, LeftOut())
    before = page.read_bytes()

    def rows() -> Any:
        yield said("a")
        if place == "rows":
            raise ValueError("line 2")

    class Broken(Album):
        async def picture(self, _: Result) -> bytes:
            raise RuntimeError("a fault of its own")

    with pytest.raises(ValueError if place == "rows" else RuntimeError):
        await written(rows(), tmp_path, Embedded(Broken(b"")))
    assert page.read_bytes() == before
    assert files_in(tmp_path) == {page.name}


async def test_cancelled_it_leaves_nothing(tmp_path: Path) -> None:
    """While a picture does not come."""
    pytest.importorskip("PIL")
    waiting = asyncio.Event()

    class Silent(Album):
        async def picture(self, _: Result) -> bytes:
            waiting.set()
            await asyncio.Event().wait()
            raise MissingError

    work = asyncio.create_task(written([said("a")], tmp_path, Embedded(Silent(b""))))
    await waiting.wait()
    assert files_in(tmp_path)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert not files_in(tmp_path)


def test_without_pillow_it_says_which_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """If pictures are to be in the page; a page without them needs no extra."""
    monkeypatch.setitem(sys.modules, "PIL", None)
    for name in ("picture", "portrait"):
        monkeypatch.delitem(sys.modules, f"aliocr.pictures.{name}", raising=False)
        monkeypatch.delattr(f"aliocr.pictures.{name}", raising=False)
    with pytest.raises(ImportError, match=r"pip install 'aliocr\[pictures\]'"):
        Embedded(FromSources())
    Linked()
    LeftOut()
