"""The column of the images, where the user names none."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from aliocr.job.errors import InputError
from aliocr.job.input.columns import EARLIER_RANKS, RANKS
from aliocr.job.input.rows import Row
from tests.support.listing import rows_in

LISTS = Path(__file__).parent / "lists"

NAMES = [name for rank in RANKS for name in rank]
RANK_OF = {name: at for at, rank in enumerate(RANKS) for name in rank}
FORMATS = ["csv", "tsv", "jsonl", "parquet"]


def table(folder: Path, suffix: str, names: Sequence[str]) -> Path:
    """Return a list of one row, in which each cell is the name of its column, in lower case."""
    path, row = folder / f"list.{suffix}", {name: name.lower() for name in names}
    if suffix == "parquet":
        pa = pytest.importorskip("pyarrow")
        parquet = pytest.importorskip("pyarrow.parquet")
        buffer = io.BytesIO()
        parquet.write_table(pa.table({name: [cell] for name, cell in row.items()}), buffer)
        path.write_bytes(buffer.getvalue())
    elif suffix == "jsonl":
        path.write_text(json.dumps(row))
    else:
        delimiter = "," if suffix == "csv" else "\t"
        path.write_text(f"{delimiter.join(row)}\n{delimiter.join(row.values())}\n")
    return path


def taken(path: Path, **version: bool) -> str:
    """Return the source of the only row."""
    [row] = rows_in(path, **version)
    assert isinstance(row, Row), row
    return row.source


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_surest_name_is_taken_and_within_a_rank_the_user_is_asked(
    suffix: str, tmp_path: Path
) -> None:
    """Every two of the names, whichever stands first, in either case of letters."""
    names = NAMES if suffix == "csv" else [name for rank in RANKS for name in rank[:2]]
    for one, other in itertools.permutations(names, 2):
        path = table(tmp_path, suffix, ["title", one, other.upper()])
        if RANK_OF[one] == RANK_OF[other]:
            with pytest.raises(InputError) as refused:
                taken(path)
            assert f"the columns {one}, {other.upper()}, and each may" in str(refused.value)
            assert "--column" in str(refused.value)
        else:
            assert taken(path) == min(one, other, key=RANK_OF.__getitem__)


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_job_of_an_earlier_version_keeps_its_column(suffix: str, tmp_path: Path) -> None:
    """That version took the first of its names, and asked about none."""
    names = [name for (name,) in EARLIER_RANKS]
    for one, other in itertools.permutations(names, 2):
        path = table(tmp_path, suffix, ["title", one, other])
        assert taken(path, earlier=True) == min(one, other, key=names.index)


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_job_of_the_version_between_keeps_its_column(suffix: str, tmp_path: Path) -> None:
    """That version had ranks, but knew fewer spellings."""
    path = table(tmp_path, suffix, ["title", "Image URL", "img_url", "url", "图片"])
    assert taken(path, earlier=True, by_ranks=True) == "url"


def test_a_feed_of_products_sends_its_pictures() -> None:
    """The page of the product is in `url`."""
    assert taken(LISTS / "c_img_cols.csv") == "https://e.com/1.png"


def test_a_list_of_pictures_in_one_row_is_told() -> None:
    """One row has one result, and no picture is left out in silence."""
    problems = [getattr(row, "problem", None) for row in rows_in(LISTS / "j_scrapy.jsonl")]
    two = "image_urls has 2 images, and a row has one result; write a row for each"
    assert problems == [f"{two} (in JSON lines by jq -c '.image_urls[]')", "image_urls is empty"]


def test_an_object_in_the_column_is_refused_with_the_paths_to_give() -> None:
    """Each row would fail, and the job would be complete."""
    with pytest.raises(
        InputError, match=r"has objects in image, .* \(--column.*one of image\.url$"
    ):
        rows_in(LISTS / "j_nested.jsonl")


@pytest.mark.parametrize("column", ["image", "image.x", "url"])
def test_a_path_that_leads_to_no_image_is_refused(column: str) -> None:
    """Before anything is sent."""
    with pytest.raises(InputError, match="image"):
        rows_in(LISTS / "j_nested.jsonl", column=column)


def test_a_path_names_a_field_of_a_field(tmp_path: Path) -> None:
    """Of images and ids, however deep; a name that has a dot itself goes first."""
    rows = rows_in(LISTS / "j_nested.jsonl", column="image.url")
    assert rows == [Row(n, f"https://e.com/{n}.png", str(n), n) for n in (1, 2)]
    path = tmp_path / "list.jsonl"
    lines = [
        {"a": {"b": {"c": "one", "id": 7}}},
        {"a": {"b": {"c": "other"}}, "a.b.c": "two"},
        {"a": {"b": "no object"}},
    ]
    path.write_text("\n".join(map(json.dumps, lines)))
    one, two, bad = rows_in(path, column="a.b.c", id_column="a.b.id")
    assert (one, two) == (Row(1, "one", "7", 1), Row(2, "two", None, 2))
    assert getattr(bad, "problem", "").startswith("it has no column a.b.c")


def test_a_list_of_one_picture_is_this_picture(tmp_path: Path) -> None:
    """Scrapers write lists everywhere."""
    path = tmp_path / "list.jsonl"
    path.write_text('{"url": "https://e.com/page", "image_urls": ["https://e.com/1.png"]}\n')
    assert taken(path) == "https://e.com/1.png"


@pytest.mark.parametrize(
    "name",
    ["Image URL", "IMAGE_URL", "image-url", "imageUrl", "ImageURL", " image url ", "图片链接"],
)
@pytest.mark.parametrize("suffix", FORMATS)
def test_a_name_may_be_written_in_any_way(suffix: str, name: str, tmp_path: Path) -> None:
    """Spreadsheets have blanks and capitals, and APIs have humps."""
    assert taken(table(tmp_path, suffix, ["url", name])) == name.lower()


@pytest.mark.parametrize("header", ['"Image URL",id', "\ufeffImage URL,id", " Image URL , id "])
def test_what_stands_around_a_name_is_no_part_of_it(header: str, tmp_path: Path) -> None:
    """Quotes, blanks, and the mark of Windows."""
    path = tmp_path / "list.csv"
    path.write_text(f"{header}\nhttps://e.com/1.png,7\n", encoding="utf-8")
    for column in (None, "Image URL"):
        assert rows_in(path, column=column) == [Row(1, "https://e.com/1.png", "7", 2)]
