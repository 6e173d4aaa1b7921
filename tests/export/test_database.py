"""The database as SQLite has it; `tests/consumers/test_database.py` opens it in Datasette."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from aliocr import Frame, Region
from aliocr.export.database import TYPES, write_database
from aliocr.export.originals import PictureFiles
from aliocr.export.table import COLUMNS
from aliocr.export.tally import ExportTally
from aliocr.job.output.result import Result
from tests.support.pages_to_find import PAGES, QUERIES
from tests.support.rows_read import failed, said


def _written(rows: Iterable[Result], path: Path) -> ExportTally:
    tally = ExportTally()
    write_database(rows, path, PictureFiles(path.parent), tally)
    return tally


def _asked(path: Path, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(sql, values).fetchall()


def test_each_row_is_a_page(tmp_path: Path) -> None:
    """Rows that were not read, too, under all columns, each with values of its type."""
    rows = [failed(7), said("Total 64.50", 8, rate=99.9, suggestion="pass"), said("", 9)]
    tally = _written(rows, tmp_path / "pages.db")
    assert tally.written == 3
    assert list(tally.remarks.values()) == [1]
    with closing(sqlite3.connect(tmp_path / "pages.db")) as database:
        database.row_factory = sqlite3.Row
        pages = [dict(page) for page in database.execute("SELECT * FROM pages")]
    assert list(pages[0]) == ["page", *COLUMNS]
    assert [page["row"] for page in pages] == [7, 8, 9]
    assert [page["ok"] for page in pages] == [0, 1, 1]
    assert [page["needs_review"] for page in pages] == [1, 0, 0]
    assert [page["code"] for page in pages] == ["592", None, None]
    assert [page["lines"] for page in pages] == ["", "Total 64.50", ""]
    kinds = {"TEXT": str, "INTEGER": int, "REAL": float}
    for page in pages:
        for name in COLUMNS:
            value = page[name]
            assert value is None or isinstance(value, kinds[TYPES.get(name, "TEXT")]), name
    (failure,) = _asked(tmp_path / "pages.db", "SELECT row, code FROM failures")
    assert failure == (7, "592")


def test_each_piece_is_a_region(tmp_path: Path) -> None:
    """Of the picture, and of each frame."""
    frame = Frame("two", (Region("two", 5, 6, 7, 8),))
    _written([failed(), said("one", 2, frames=(frame,))], tmp_path / "pages.db")
    found = _asked(tmp_path / "pages.db", "SELECT * FROM regions")
    assert found == [(2, 0, 1, "one", 1, 2, 30, 4), (2, 1, 1, "two", 5, 6, 7, 8)]


def test_what_no_text_should_have_is_kept(tmp_path: Path) -> None:
    """NUL, halves of a surrogate pair, quotes; and equal rows of two outputs in one file."""
    texts = ["a\0b", "a\ud800b", 'it\'s "q"; DROP TABLE pages', "😀"]
    _written([said(text, 1, id=text) for text in texts], tmp_path / "pages.db")
    found = _asked(tmp_path / "pages.db", "SELECT lines, id FROM pages")
    kept = ["a\ufffdb", "a\\ud800b", *texts[2:]]
    assert found == [(text, text) for text in kept]
    assert [text for (text,) in _asked(tmp_path / "pages.db", "SELECT text FROM regions")] == kept


@pytest.mark.parametrize(("query", "rows"), QUERIES)
def test_words_are_found(query: str, rows: list[int], searchable: Path) -> None:
    """As Datasette asks: each word in quotes, and all words must be there."""
    match = " ".join(f'"{word}"' for word in query.split())
    found = _asked(
        searchable,
        "SELECT row FROM pages WHERE page IN "
        "(SELECT rowid FROM pages_fts WHERE pages_fts MATCH ?) ORDER BY page",
        match,
    )
    assert [row for (row,) in found] == rows


@pytest.fixture(scope="module")
def searchable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a database of pages in Chinese, English and Japanese."""
    path = tmp_path_factory.mktemp("database") / "pages.db"
    _written(PAGES, path)
    return path


def test_the_file_has_no_unused_space_and_no_damage(searchable: Path) -> None:
    """Although parts of the index were merged."""
    assert _asked(searchable, "PRAGMA freelist_count") == [(0,)]
    assert _asked(searchable, "PRAGMA integrity_check") == [("ok",)]
    assert _asked(searchable, "PRAGMA foreign_key_check") == []


def test_it_is_replaced_in_one_step(tmp_path: Path) -> None:
    """An error leaves the file as it was, and nothing beside it."""
    path = tmp_path / "百分 %41?&#.db"
    _written(PAGES, path)

    def breaking() -> Iterable[Result]:
        yield PAGES[0]
        json.loads("{")

    with pytest.raises(ValueError, match="Expecting"):
        _written(breaking(), path)
    assert _asked(path, "SELECT count(*) FROM pages") == [(4,)]
    _written(PAGES[:1], path)
    assert _asked(path, "SELECT count(*) FROM pages") == [(1,)]
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_an_error_of_sqlite_is_one_of_the_system(tmp_path: Path) -> None:
    """The command says what cannot be written."""
    with pytest.raises(OSError, match=r".+"):
        _written(PAGES, tmp_path / "missing" / "pages.db")
