"""Fields of fields."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aliocr.job.errors import InputError
from aliocr.job.input.nested import with_paths
from aliocr.job.input.rows import BadRow, Row
from tests.support.listing import rows_in, rows_of

LISTS = Path(__file__).parent / "lists"


def test_every_value_has_its_path() -> None:
    """Of objects and of lists, in any order; a name with a dot goes before a path."""
    value = {"a": {"b": [{"c": 1}, 2]}, "a.b": 3, "": {"": 4}}
    assert with_paths(value) == {
        "a": {"b": [{"c": 1}, 2]},
        "a.b": 3,
        "": {"": 4},
        "a.b.0": {"c": 1},
        "a.b.1": 2,
        "a.b.0.c": 1,
        ".": 4,
    }


def test_an_image_of_a_list_is_named_by_its_place() -> None:
    """The first of each product, asked for by name, and not in silence."""
    one, none = rows_in(LISTS / "j_scrapy.jsonl", column="image_urls.0")
    assert one == Row(1, "https://e.com/1.png", None, 1)
    assert isinstance(none, BadRow)
    assert none.problem == "it has no column image_urls.0; it has url, image_urls"


def test_a_list_of_objects_too() -> None:
    """As APIs return them."""
    line = json.dumps({"id": 1, "images": [{"url": "a"}, {"url": "b"}]})
    assert rows_of(line, "jsonl", column="images.1.url") == [Row(1, "b", "1", 1)]


@pytest.fixture
def struct(tmp_path: Path) -> Path:
    """A table with a struct in a struct, and a name with a dot."""
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    rows: list[dict[str, Any]] = [
        {"id": 1, "image": {"meta": {"sku": "x", "url": "a"}, "bytes": b"\xff"}, "image.w": "c"},
        {"id": 2, "image": {"meta": None, "bytes": None}, "image.w": "d"},
        {"id": 3, "image": None, "image.w": "e"},
    ]
    path = tmp_path / "list.parquet"
    parquet.write_table(pa.Table.from_pylist(rows), str(path))
    return path


def test_fields_of_parquet_are_named_in_the_same_way(struct: Path) -> None:
    """Of images and ids; where there is none, the row is bad."""
    rows = rows_in(struct, column="image.meta.url", id_column="image.meta.sku")
    assert rows == [
        Row(1, "a", "x"),
        BadRow(2, "", "image.meta.url is empty"),
        BadRow(3, "", "image.meta.url is empty"),
    ]
    assert [row.source for row in rows_in(struct, column="image.w")] == ["c", "d", "e"]


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("image", r"has struct<.*> in its column image.*such as image\.bytes, image\.meta\.sku"),
        ("image.meta", r"has struct<.*> in its column image\.meta.*such as image\.meta\.sku"),
        (
            "image.x",
            r"no column image\.x; it has id, image, image\.w, .*image\.meta\.sku",
        ),
    ],
)
def test_a_path_to_no_text_is_refused_with_those_there_are(
    struct: Path, column: str, said: str
) -> None:
    """Before anything is written."""
    with pytest.raises(InputError, match=said):
        rows_in(struct, column=column)


def test_a_column_of_lists_of_one_image_is_read(tmp_path: Path) -> None:
    """As in JSON lines; a row of several is told."""
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "list.parquet"
    parquet.write_table(pa.table({"image_urls": [["a"], [], None, ["b", "c"]]}), str(path))
    one, *bad = rows_in(path)
    assert one == Row(1, "a")
    assert [getattr(row, "problem", "")[:23] for row in bad] == [
        "image_urls is empty",
        "image_urls is empty",
        "image_urls has 2 images",
    ]
