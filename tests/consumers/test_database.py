"""`aliocr export results.jsonl pages.db` in the programs for which it is made."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from aliocr.job.output.codecs import encode_json
from tests.support.consumed import LEADING, TEXTS, URLS
from tests.support.pages_to_find import PAGES, QUERIES
from tests.support.program import call

datasette_app = pytest.importorskip("datasette.app")
sqlite_utils = pytest.importorskip("sqlite_utils")


def _exported(output: Path, database: Path) -> Path:
    done = call("export", output, database)
    assert (done.returncode, done.stderr) == (0, "")
    return database


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of a few pages, in Chinese, English and Japanese."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "results.jsonl").write_bytes(b"".join(map(encode_json, PAGES)))
    return _exported(folder / "results.jsonl", folder / "pages.db")


@pytest.fixture(scope="module")
def results(outputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of an output that is hard to read."""
    return _exported(outputs / "results.jsonl", tmp_path_factory.mktemp("results") / "results.db")


def _asked(database: Path, *paths: str) -> list[Any]:
    """Return what Datasette answers: JSON, or the text of a page."""

    async def ask() -> list[Any]:
        server = datasette_app.Datasette([database])
        await server.invoke_startup()
        answers = []
        for path in paths:
            reply = await server.client.get(path)
            assert reply.status_code == 200, (path, reply.text)
            answers.append(reply.json() if ".json" in path else reply.text)
        return answers

    return asyncio.run(ask())


def test_datasette_finds_words_in_its_search_box(pages: Path) -> None:
    """Chinese ones of one to five letters, too, without any setting."""
    paths = [f"/pages/pages.json?_search={query}&_shape=array&_sort=page" for query, _ in QUERIES]
    answers = _asked(pages, *paths)
    found = [
        (query, [row["row"] for row in rows])
        for (query, _), rows in zip(QUERIES, answers, strict=True)
    ]
    assert found == [*QUERIES]


def test_datasette_shows_all_that_is_in_the_file(results: Path) -> None:
    """Tables with a search box, the view of failures, a page and its pieces."""
    page, region, filtered, failures, box = _asked(
        results,
        f"/results/pages/{len(URLS) - len(TEXTS)}",
        f"/results/regions.json?page={len(URLS)}&_shape=array",
        "/results/pages.json?lines__contains=电子普通发票 合计&_shape=array",
        "/results/failures.json?_shape=array&_size=max",
        "/results/pages",
    )
    assert "https://example.com/" in page
    assert {each["frame"] for each in region} <= {0, 1, 2, 3}
    assert [each["lines"] for each in filtered] == [TEXTS[0]]
    assert len(failures) == LEADING
    assert {each["code"] for each in failures} == {"404"}
    assert 'name="_search"' in box


def test_datasette_takes_what_people_type(pages: Path) -> None:
    """Quotes, signs and nothing at all are no errors."""
    typed = [
        '"total amount"',
        "'",
        "*",
        "发票*",
        "(",
        "a OR",
        "NOT",
        "：",
        "-",
        "%F0%9F%98%80",
    ]
    _asked(pages, *(f"/pages/pages?_search={text}" for text in typed))


def test_sqlite_utils_finds_words(pages: Path) -> None:
    """On the command line and in Python."""
    command = [
        sys.executable,
        "-m",
        "sqlite_utils",
        "search",
        str(pages),
        "pages",
        "发票",
        "-c",
        "row",
    ]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout == '[{"row": 1}]\n'
    with sqlite_utils.Database(pages) as database:
        assert database["pages"].detect_fts() == "pages_fts"
        found = database["pages"].search("64.50", quote=True)
        assert sorted(row["row"] for row in found) == [1, 2]


def test_all_rows_have_their_types(results: Path) -> None:
    """As a reader of a table takes them."""
    with sqlite_utils.Database(results) as database:
        rows = [*database["pages"].rows]
        types = database["pages"].columns_dict
    assert len(rows) == len(URLS)
    assert {row["lines"] for row in rows} >= {"007", "true", "null", "=1+1", TEXTS[1]}
    assert {row["ok"] for row in rows} == {0, 1}
    assert (types["row"], types["rate"], types["lines"], types["ok"]) == (int, float, str, int)
