"""The rows of an export are in the order of the list, not in that of the answers."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest

from aliocr import Frame, Region
from aliocr.export.list_order import in_list_order
from aliocr.job.output.result import Read, Result, Unread


def _read(row: int, name: str = "a") -> Read:
    regions = (Region("text", 1.0, 2.5, 30.0, 4.0),)
    return Read(row=row, id=name, source=f"\udcff{row}.png", text="文字\n text", regions=regions)


def test_rows_come_by_their_number_and_are_as_before() -> None:
    """Also those that were not read, and numbers that are missing."""
    rows: list[Result] = [
        _read(30),
        Unread(row=2, source="b.png", kind="ImageError", code=590, error="no"),
        Read(row=10, source="c.gif", text="x", frames=(Frame("x", rate=99.5),), turn=90),
        _read(1),
    ]
    assert list(in_list_order(rows)) == [rows[3], rows[1], rows[2], rows[0]]
    assert list(in_list_order([])) == []


def test_two_outputs_in_one_file_come_one_after_the_other() -> None:
    """They have the same numbers."""
    rows = [_read(2), _read(1), *(_read(row, "b") for row in (1, 3, 2)), _read(1, "c")]
    names = [(row.id, row.row) for row in in_list_order(rows)]
    assert names == [("a", 1), ("a", 2), ("b", 1), ("b", 2), ("b", 3), ("c", 1)]


def test_a_full_disk_is_an_error_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder is named."""

    def full(_: str) -> Iterator[None]:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("aliocr.export.list_order.sqlite3.connect", full)
    with pytest.raises(OSError, match=r"folder of temporary files: database or disk is full"):
        list(in_list_order([_read(1)]))
