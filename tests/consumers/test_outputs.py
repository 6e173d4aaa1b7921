"""Outputs of jobs and of `aliocr scan --json` in the programs that read such files.

Each reader gets all columns of all rows, with the values and types that they have, although the
first rows were not read and the next ones have no text.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias

import pytest

import aliocr
from aliocr.job.output.codecs import fields_of
from tests.support.consumed import LEADING, TEXTS, URLS
from tests.support.program import call

Row: TypeAlias = dict[str, Any]

LISTS = ("regions", "frames")

CLAIMS = ("ok", "needs_review", "transient", "maybe_charged")


def _duckdb(sql: str) -> list[Row]:
    duckdb = pytest.importorskip("duckdb")
    found = duckdb.sql(sql)
    return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


def _line_of(program: str, path: Path) -> str:
    """Return the line that the manual of jobs gives for a program, with the path of a file."""
    text = (Path(aliocr.__file__).parent / "job" / "README.md").read_text(encoding="utf-8")
    (line,) = re.findall(rf"^\| {program} \| `(.*)` \|$", text, re.MULTILINE)
    assert "results.jsonl" in line
    return str(line).replace("results.jsonl", str(path))


def _duckdb_json(path: Path) -> list[Row]:
    return _duckdb(_line_of("DuckDB", path))


def _duckdb_csv(path: Path) -> list[Row]:
    return _duckdb(
        f"SELECT * FROM read_csv_auto('{path}', sample_size=-1, types={{'id': 'VARCHAR'}})"  # noqa: S608
    )


def _duckdb_parquet(path: Path) -> list[Row]:
    return _duckdb(f"SELECT * FROM '{path}'")  # noqa: S608


def _polars_json(path: Path) -> list[Row]:
    polars = pytest.importorskip("polars")
    rows: list[Row] = eval(_line_of("Polars", path), {"pl": polars}).to_dicts()  # noqa: S307
    return rows


def _polars_csv(path: Path) -> list[Row]:
    polars = pytest.importorskip("polars")
    table = polars.read_csv(path, infer_schema_length=None, schema_overrides={"id": polars.String})
    rows: list[Row] = table.to_dicts()
    return rows


def _polars_parquet(path: Path) -> list[Row]:
    rows: list[Row] = pytest.importorskip("polars").read_parquet(path).to_dicts()
    return rows


def _pandas_json(path: Path) -> list[Row]:
    table = pytest.importorskip("pandas").read_json(path, lines=True, dtype=False)
    rows: list[Row] = table.to_dict("records")
    return rows


def _pandas_csv(path: Path) -> list[Row]:
    table = pytest.importorskip("pandas").read_csv(
        path, dtype={"id": str}, keep_default_na=False, na_values=[""]
    )
    rows: list[Row] = table.to_dict("records")
    return rows


def _pandas_parquet(path: Path) -> list[Row]:
    rows: list[Row] = pytest.importorskip("pandas").read_parquet(path).to_dict("records")
    return rows


def _pyarrow_json(path: Path) -> list[Row]:
    rows: list[Row] = pytest.importorskip("pyarrow.json").read_json(path).to_pylist()
    return rows


def _pyarrow_csv(path: Path) -> list[Row]:
    csv = pytest.importorskip("pyarrow.csv")
    table = csv.read_csv(
        path,
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(column_types={"id": "string"}),
    )
    rows: list[Row] = table.to_pylist()
    return rows


def _pyarrow_parquet(path: Path) -> list[Row]:
    rows: list[Row] = pytest.importorskip("pyarrow.parquet").read_table(path).to_pylist()
    return rows


def _sqlite_utils(path: Path, *options: str) -> list[Row]:
    sqlite_utils = pytest.importorskip("sqlite_utils")
    database = path.with_name(f"{path.name}.db")
    command = [sys.executable, "-m", "sqlite_utils", "insert", str(database), "rows"]
    subprocess.run([*command, str(path), *options], check=True)
    with sqlite_utils.Database(database) as opened:
        return [*opened["rows"].rows]


def _sqlite_utils_json(path: Path) -> list[Row]:
    # It takes the types from the first rows, which lack some values.
    claims = chain.from_iterable(("--type", name, "integer") for name in CLAIMS)
    return _sqlite_utils(path, "--nl", "--type", "rate", "float", *claims)


def _sqlite_utils_csv(path: Path) -> list[Row]:
    rows = _sqlite_utils(path, "--csv", "--type", "id", "text", "--empty-null")
    # It reads each line end as a line feed.
    crlf = {text.replace("\r\n", "\n"): text for text in TEXTS}
    return [row | {"text": crlf.get(row["text"], row["text"])} for row in rows]


READERS: dict[str, tuple[Callable[[Path], list[Row]], ...]] = {
    "results.jsonl": (_duckdb_json, _polars_json, _pandas_json, _pyarrow_json, _sqlite_utils_json),
    "scan.jsonl": (_duckdb_json, _polars_json, _pandas_json, _pyarrow_json, _sqlite_utils_json),
    "results.csv": (_duckdb_csv, _polars_csv, _pandas_csv, _pyarrow_csv, _sqlite_utils_csv),
    "results.parquet": (_duckdb_parquet, _polars_parquet, _pandas_parquet, _pyarrow_parquet),
}


@pytest.mark.parametrize(
    ("name", "read"),
    [(name, read) for name, readers in READERS.items() for read in readers],
    ids=lambda each: each if isinstance(each, str) else each.__name__.removeprefix("_"),
)
def test_a_reader_gets_all_columns_of_all_rows(
    name: str, read: Callable[[Path], list[Row]], outputs: Path
) -> None:
    """Texts are texts, also "007" and "null"; numbers and true and false are no texts."""
    expected = _expected(outputs / name)
    found = read(outputs / name)
    assert len(found) == len(expected) == len(URLS)
    assert set(found[0]) == set(expected[0])
    for one, other in zip(found, expected, strict=True):
        assert {column: _plain(column, one[column]) for column in other} == {
            column: _plain(column, value) for column, value in other.items()
        }


def _expected(path: Path) -> list[Row]:
    if path.name == "scan.jsonl":
        with path.open(encoding="utf-8") as file:
            return [json.loads(line) for line in file]
    return [fields_of(result) for result in aliocr.results(path)]


def _plain(column: str, value: Any) -> Any:
    """Return a value as all readers give it: some have no empty texts, some no integers."""
    if column in LISTS:
        return _texts(json.loads(value) if isinstance(value, str) else value)
    if value is None or value != value:  # noqa: PLR0124 - pandas has NaN where there is nothing
        return ""
    if column == "request_id":  # DuckDB takes it for a UUID
        return str(value).lower()
    if column == "code":
        return str(value).removesuffix(".0")
    if isinstance(value, str):  # sqlite-utils keeps true and false of CSV as texts
        return {"true": 1.0, "false": 0.0}[value] if column in CLAIMS else value
    return float(value)


def _texts(pieces: Iterable[Any]) -> list[Any]:
    return [[each["text"], *_texts(each.get("regions", ()))] for each in pieces]


@pytest.mark.parametrize("name", READERS)
def test_the_outputs_are_hard_to_read(name: str, outputs: Path) -> None:
    """So that the test of the readers is one."""
    rows = _expected(outputs / name)
    first = LEADING - 100  # a request may have rows of both kinds
    assert name == "scan.jsonl" or not any(row["ok"] for row in rows[:first])
    assert not any(row["text"] for row in rows[: first + LEADING])
    assert {row["text"] for row in rows} == {"", *TEXTS, "frame 0"}
    assert max(len(row["frames"]) for row in rows) == 3
    assert name == "scan.jsonl" or "0007" in {row["id"] for row in rows}


def test_rows_that_a_search_prints_are_read(outputs: Path) -> None:
    """By the reader that is strictest with keys and types."""
    done = call("search", outputs / "results.jsonl", "发票", "--json")
    assert done.returncode == 0
    found = outputs / "found.jsonl"
    found.write_text(done.stdout, encoding="utf-8")
    (row,) = _polars_json(found)
    assert row["text"] == TEXTS[0]
    assert [*row] == [*_polars_json(outputs / "results.jsonl")[0]]
