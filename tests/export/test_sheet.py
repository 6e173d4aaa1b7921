"""A sheet has a line per row, and no cell that a spreadsheet takes for more than a text."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

import pytest

from aliocr.export.originals import PictureFiles
from aliocr.export.sheet import CUT, MOST_CELL, write_sheet
from aliocr.export.table import COLUMNS, FIRST
from aliocr.export.tally import ExportTally
from aliocr.job.output.result import Result
from tests.support.rows_read import failed, said

FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r\n=1",
    " =1",
    "＝1",
    "＋1",
    "－1",
    "＠1",
    "\0=1",
]


def _written(rows: Iterable[Result], path: Path, *, bom: bool = False) -> ExportTally:
    tally = ExportTally()
    write_sheet(rows, path, PictureFiles(path.parent), tally, bom=bom)
    return tally


def _read(path: Path, encoding: str = "utf-8") -> list[dict[str, str]]:
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.DictReader(file, strict=True))


def test_each_row_is_one_line(tmp_path: Path) -> None:
    """With all columns, those that people look for first; line breaks are within no cell."""
    path = tmp_path / "sheet.csv"
    tally = _written([failed(7), said('one\n\n "two", 三\r\nfour', 8, id="0042")], path)
    assert (tally.written, list(tally.remarks.values())) == (2, [1])
    assert len(path.read_bytes().splitlines()) == 3
    unread, read = _read(path)
    assert tuple(read) == COLUMNS
    assert tuple(read)[:8] == FIRST
    assert (read["row"], read["id"], read["ok"]) == ("8", "0042", "true")
    assert read["text"] == 'one | "two", 三 | four'
    assert (unread["ok"], unread["needs_review"], unread["code"]) == ("false", "true", "592")
    assert unread["error"].startswith("592 slow")


@pytest.mark.parametrize("text", FORMULAS)
def test_no_text_is_a_formula(text: str, tmp_path: Path) -> None:
    """In no column; numbers stay numbers."""
    path = tmp_path / "sheet.csv"
    _written([said(text, id=text, rate=-1.5, source=text), failed(2, error=text)], path)
    for row in _read(path):
        for name in ("id", "source", "text", "lines", "error"):
            assert row[name][:1] in {"'", "", "/", "\ufffd"}, name
    assert _read(path)[0]["rate"] == "-1.5"


def test_a_formula_within_a_text_stays(tmp_path: Path) -> None:
    """It is harmless there."""
    _written([said("a=1\n=2")], tmp_path / "sheet.csv")
    assert _read(tmp_path / "sheet.csv")[0]["text"] == "a=1 | =2"


def test_no_cell_is_longer_than_excel_takes(tmp_path: Path) -> None:
    """Counted in UTF-16 units, as Excel does; what was cut is said."""
    path = tmp_path / "sheet.csv"
    tally = _written([said("x" * MOST_CELL), said("-" + "😀" * MOST_CELL, 2)], path)
    whole, cut = _read(path)
    assert whole["text"] == "x" * MOST_CELL
    assert cut["text"] == "'-" + "😀" * ((MOST_CELL - 2) // 2)
    assert tally.remarks[CUT] == 2  # text and lines


def test_a_mark_is_there_where_it_is_asked_for(tmp_path: Path) -> None:
    """Excel needs it, and others take it for a part of the first name."""
    _written([said("发票")], tmp_path / "sheet.csv")
    assert (tmp_path / "sheet.csv").read_bytes().startswith(b"row,")
    _written([said("发票")], tmp_path / "sheet.csv", bom=True)
    assert (tmp_path / "sheet.csv").read_bytes().startswith(b"\xef\xbb\xbfrow,")
    assert _read(tmp_path / "sheet.csv", "utf-8-sig")[0]["text"] == "发票"


def test_it_is_replaced_in_one_step(tmp_path: Path) -> None:
    """An error leaves the file as it was, and nothing beside it."""
    path = tmp_path / "sheet.csv"
    _written([said("first")], path)

    def breaking() -> Iterable[Result]:
        yield said("second")
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        _written(breaking(), path)
    assert _read(path)[0]["text"] == "first"
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
