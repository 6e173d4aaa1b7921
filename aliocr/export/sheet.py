"""Write a CSV file for spreadsheets: a line per row, and no cell that is taken for a formula.

The CSV output of a job is exact and can be read back; this file is for people.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from aliocr.atomic_file import Draft
from aliocr.export.originals import PictureFiles
from aliocr.export.table import COLUMNS, values_of
from aliocr.export.tally import ExportTally
from aliocr.job.output.result import Result

MOST_CELL = 32_767
"""Maximum length of a cell, in UTF-16 units. Source: "Excel specifications and limits"."""

FORMULA = re.compile(r"[=+\-@＝＋－＠]")
"""Characters that begin a formula; their full-width forms do so in Chinese and Japanese programs.
Source: OWASP, "CSV Injection". Tab, line feed and carriage return become blanks."""

CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")

NEW_LINE = " | "

CUT = f"cut at {MOST_CELL:,} characters, the most that Excel takes in a cell"

FAILED = "not read; the column error says why"


def write_sheet(
    rows: Iterable[Result],
    target: Path,
    originals: PictureFiles,
    tally: ExportTally,
    *,
    bom: bool = False,
) -> None:
    """Write the sheet; see `aliocr.export.formats.Writer`.

    Each row is a line, also one that was not read. Within a cell, lines are joined by " | ".

    Args:
        rows: All rows.
        target: The file.
        originals: Not used.
        tally: Counts the rows.
        bom: Begin with a byte order mark, without which Excel does not know that it is UTF-8.
    """
    del originals
    with Draft(target) as draft:
        text = codecs.getwriter("utf-8-sig" if bom else "utf-8")(draft.file)
        sheet = csv.writer(text)
        sheet.writerow(COLUMNS)
        for row in rows:
            sheet.writerow(_cell(value, tally) for value in values_of(row).values())
            tally.written += 1
            if not row.ok:
                tally.remarks[FAILED] += 1
        draft.place()


def _cell(value: Any, tally: ExportTally) -> Any:
    match value:
        case bool():
            return str(value).lower()
        case str():
            cell = NEW_LINE.join(line for line in map(_visible, value.splitlines()) if line)
            cell = f"'{cell}" if FORMULA.match(cell) else cell
            if len(units := cell.encode("utf-16-le")) <= 2 * MOST_CELL:
                return cell
            tally.remarks[CUT] += 1
            return units[: 2 * MOST_CELL].decode("utf-16-le", "ignore")
        case _:
            return value


def _visible(line: str) -> str:
    """Return a line whose control characters are blanks, without blanks around it."""
    return CONTROL.sub(" ", line).strip()
