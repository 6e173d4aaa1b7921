"""A folder of hOCR files: pages are as large as the pictures, if these are at hand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from aliocr.export.hocr import write_hocr
from aliocr.export.originals import NOT_HERE, PictureFiles
from aliocr.export.tally import ExportTally
from tests.support.rows_read import failed, said, sample
from tests.support.truth import SAMPLES


def _sizes(folder: Path) -> dict[str, list[tuple[int, int]]]:
    pages = re.compile(r"ocr_page.*?bbox 0 0 (\d+) (\d+)")
    return {
        path.name: [(int(w), int(h)) for w, h in pages.findall(path.read_text("utf-8"))]
        for path in folder.iterdir()
    }


def test_a_page_is_as_large_as_its_picture(tmp_path: Path) -> None:
    """Of a file by its header, of others as it was recorded; else it ends at the text."""
    pytest.importorskip("PIL")
    rows = [
        sample("small_zh.png", 1),
        sample("anim4.gif", 2),
        sample("small_zh.png", 3, source="https://example.com/small_zh.png?…"),
        said("a", 4, width=640, height=480),
        said("b", 5),
        said("c", 6, source=str(SAMPLES / "small_zh.png"), width=640, height=480),
        failed(7),
    ]
    tally = ExportTally()
    write_hocr(rows, tmp_path, PictureFiles(tmp_path), tally)
    assert _sizes(tmp_path) == {
        "1-small_zh.hocr": [(640, 240)],
        "2-anim4.hocr": [(480, 270)] * 4,
        "3-small_zh.hocr": _sizes(tmp_path)["3-small_zh.hocr"],
        "4-4.hocr": [(640, 480)],
        "5-5.hocr": [(31, 6)],
        "6-small_zh.hocr": [(640, 480)],
    }
    assert (tally.written, tally.unread) == (6, 1)
    assert dict(tally.remarks) == {f"with pages that end at the text; {NOT_HERE}": 2}
    again = ExportTally()
    write_hocr(rows, tmp_path, PictureFiles(tmp_path, SAMPLES), again)
    assert _sizes(tmp_path)["3-small_zh.hocr"] == [(640, 240)]
    assert sum(again.remarks.values()) == 1
