"""`aliocr export results.jsonl sheet.csv` in pandas, as a stand-in for a spreadsheet."""

from __future__ import annotations

from pathlib import Path

import pytest

from aliocr.export.table import COLUMNS
from tests.support.consumed import LEADING, TEXTS, URLS
from tests.support.program import call

pandas = pytest.importorskip("pandas")


@pytest.mark.parametrize("options", [[], ["--bom"]])
def test_a_sheet_has_all_rows_and_no_formula(
    options: list[str], outputs: Path, tmp_path: Path
) -> None:
    """With and without the mark at the beginning, which is no part of the first name."""
    sheet = tmp_path / "sheet.csv"
    done = call("export", outputs / "results.jsonl", sheet, *options)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{LEADING}  not read; the column error says why" in done.stdout
    assert "2  cut at 32,767 characters" in done.stdout
    table = pandas.read_csv(sheet, dtype=str, keep_default_na=False)
    assert tuple(table.columns) == COLUMNS
    assert len(table) == len(URLS)
    assert sheet.read_bytes().count(b"\n") == len(URLS) + 1
    assert {"'=1+1", "007", "two | lines | and a tab", TEXTS[0], TEXTS[4]} <= {*table["text"]}
    assert not table.map(lambda cell: cell.startswith(("=", "+", "-", "@"))).any(axis=None)
    assert "0007" in {*table["id"]}
