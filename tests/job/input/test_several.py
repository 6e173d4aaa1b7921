"""Several files as one input: named, by a pattern, or in a folder."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from aliocr.job.errors import InputError
from aliocr.job.input.opening import has_lists, opened
from aliocr.job.input.rows import BadRow, Row
from tests.support.listing import rows_in, sources_of

HEADER = {".csv": "id,url\n", ".jsonl": "", ".txt": ""}
LINE = {
    ".csv": "{0},{1}\n",
    ".jsonl": '{{"id": {0}, "url": "{1}"}}\n',
    ".txt": "{1}\n",
}


def url(name: str, number: int) -> str:
    """The image of a row of a file."""
    return f"https://e.com/{name}/{number}.png"


def listed(path: Path, rows: int) -> Path:
    """A list of so many rows, in the format that its name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    suffix = path.suffixes[0]
    if suffix == ".parquet":
        return _parquet(path, rows)
    lines = (LINE[suffix].format(n, url(path.name, n)) for n in range(rows))
    text = (HEADER[suffix] + "".join(lines)).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


def _parquet(path: Path, rows: int) -> Path:
    parquet = pytest.importorskip("pyarrow.parquet")
    import pyarrow as pa

    numbers = range(rows)
    columns = {"id": list(numbers), "url": [url(path.name, number) for number in numbers]}
    parquet.write_table(pa.table(columns), path)
    return path


def files(folder: Path, *names: str, rows: int = 3) -> list[Path]:
    """Lists of these names."""
    return [listed(folder / name, rows) for name in names]


def images(paths: list[Path], rows: int = 3) -> list[str]:
    """The images of these lists, in their order."""
    return [url(path.name, number) for path in paths for number in range(rows)]


def test_rows_are_numbered_through_and_keep_the_lines_of_their_files(tmp_path: Path) -> None:
    """Formats may differ; a row of the output leads to its line."""
    paths = files(tmp_path, "b.csv", "a.jsonl", "c.txt", "d.csv.gz")
    rows = rows_in(paths)
    assert sources_of(rows) == images(paths)
    assert [row.number for row in rows] == list(range(1, 13))
    assert [row.line for row in rows] == [2, 3, 4, 1, 2, 3, 1, 2, 3, 2, 3, 4]
    assert [row.id for row in rows] == ["0", "1", "2"] * 2 + [None] * 3 + ["0", "1", "2"]


def test_a_bad_row_names_its_file(tmp_path: Path) -> None:
    """Line 2 alone is a line of any of them."""
    first, second = files(tmp_path, "a.csv", "b.csv", rows=1)
    second.write_text("id,url\n1,\n")
    assert rows_in([first, second])[1] == BadRow(2, "", "url is empty", "1", 2, str(second))


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".jsonl", ".txt", ".parquet"])
def test_it_can_be_left_after_any_row(tmp_path: Path, suffix: str) -> None:
    """Also between two files, and a file without a row is no end."""
    counts = [3, 0, 2, 4] if suffix != ".txt" else [3, 1, 2, 4]
    paths = [listed(tmp_path / f"{n}{suffix}", rows) for n, rows in enumerate(counts)]
    with closing(opened(paths)) as reader:
        checkpoints, shares = [reader.checkpoint], [reader.share]
        for _ in reader:
            checkpoints.append(reader.checkpoint)
            shares.append(reader.share)
    rows = rows_in(paths)
    assert shares == sorted(shares, key=float)  # type: ignore[arg-type]
    assert shares[-1] == 1.0
    for checkpoint in checkpoints:
        with closing(opened(paths)) as again:
            again.compare(checkpoints[-1])
            again.skip_to(checkpoint)
            assert again.checkpoint.number == checkpoint.number
            assert list(again) == rows[checkpoint.number :]
            assert again.checkpoint.digest == checkpoints[-1].digest


def test_a_job_of_one_list_goes_on_with_several(tmp_path: Path) -> None:
    """Its checkpoints are those of the list alone; files may be added behind it, one by one."""
    paths = files(tmp_path, "a.csv", "b.csv", "c.csv")
    for known in (1, 2):
        with closing(opened(paths[0] if known == 1 else paths[:known])) as reader:
            done = len(list(reader))
            checkpoint = reader.checkpoint
        with closing(opened(paths)) as longer:
            longer.compare(checkpoint)
            longer.skip_to(checkpoint)
            assert sources_of(list(longer)) == images(paths)[done:]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize(
    "change",
    [
        lambda a, b, c: [b, a, c],
        lambda a, _, c: [a, c],
        lambda a, *_: [a],
        lambda a, b, c: [listed(a, 4), b, c],
        lambda a, b, c: [a, b, listed(c, 1)],
        lambda a, b, c: [listed(a.with_name("x" + a.name), 3), a, b, c],
    ],
)
def test_files_before_a_checkpoint_are_bound(
    tmp_path: Path, suffix: str, change: Callable[..., list[Path]]
) -> None:
    """Their order and their contents: else rows would get the results of others."""
    paths = files(tmp_path, *(f"{name}{suffix}" for name in "abc"))
    with closing(opened(paths)) as reader:
        _ = list(reader)
        checkpoint = reader.checkpoint
    with closing(opened(change(*paths))) as other:
        with pytest.raises(InputError, match="has changed since this job began"):
            other.compare(checkpoint)
        with pytest.raises(InputError, match="has changed since this job began"):
            other.skip_to(checkpoint)


def test_a_pattern_names_its_files_in_order(tmp_path: Path, monkeypatch: Any) -> None:
    """Also in shells that leave it to the program, and with folders in it."""
    paths = files(tmp_path, "a.csv", "b.csv", "day=1/c.csv", "day=2/d.csv")
    assert sources_of(rows_in(str(tmp_path / "*.csv"))) == images(paths[:2])
    assert sources_of(rows_in(tmp_path / "day=*")) == images(paths[2:])
    assert sources_of(rows_in(str(tmp_path / "**" / "*.csv"))) == images(paths)
    monkeypatch.chdir(tmp_path)
    assert sources_of(rows_in(["day=?/*.csv", "a.csv"])) == images([*paths[2:], paths[0]])
    with pytest.raises(InputError, match=r"there is no file or folder x\*\.csv, and no file match"):
        opened("x*.csv")
    odd = listed(tmp_path / "e[1].csv", 1)
    assert sources_of(rows_in("e[1].csv")) == images([odd], 1)


def test_a_folder_of_lists_is_one_list(tmp_path: Path) -> None:
    """As Spark, Hive and others write it, in folders of folders; their own files are no lists."""
    paths = files(
        tmp_path, "day=1/a.csv", "day=1/b.csv.gz", "day=1/hour=2/c.csv", "day=2/a.csv", "x.csv"
    )
    for other in ("_SUCCESS", "_temporary/0.csv", ".hidden.csv", "day=1/.b.csv.crc", "README.md"):
        (tmp_path / other).parent.mkdir(exist_ok=True)
        (tmp_path / other).write_text("not a list")
    assert has_lists(tmp_path)
    expected = [paths[4], *paths[:4]]
    assert sources_of(rows_in(tmp_path)) == images(expected)
    with closing(opened(tmp_path)) as reader:
        assert reader.description == "the column url, with the ids in id, in 5 files"


def test_a_folder_of_parquet_is_one_list(tmp_path: Path) -> None:
    """A data set is seldom one file."""
    paths = files(tmp_path, "day=1/a.parquet", "day=2/a.parquet")
    rows = rows_in(tmp_path)
    assert sources_of(rows) == images(paths)
    assert [(row.number, row.line) for row in rows][-1] == (6, None)


def test_a_folder_with_lists_of_several_formats_is_asked_about(tmp_path: Path) -> None:
    """One of them describes the others, perhaps."""
    paths = files(tmp_path, "a.csv", "about.jsonl")
    with pytest.raises(InputError, match=r"formats, csv, jsonl; give one .*/\*\.csv"):
        opened(tmp_path)
    assert sources_of(rows_in(tmp_path, input_format="csv")) == images(paths[:1])


def test_a_folder_with_pictures_is_a_folder_of_pictures(tmp_path: Path) -> None:
    """Whatever lists lie beside them."""
    listed(tmp_path / "a.csv", 3)
    (tmp_path / "1.png").touch()
    assert not has_lists(tmp_path)
    assert rows_in(tmp_path) == [Row(1, str(tmp_path / "1.png"))]
    with pytest.raises(InputError, match="cannot be one of several inputs"):
        opened([tmp_path, tmp_path / "a.csv"])


def test_the_output_is_no_input(tmp_path: Path) -> None:
    """`run *.jsonl -o out.jsonl` is the same job when it is given again."""
    paths = files(tmp_path, "a.jsonl", "b.jsonl")
    output = listed(tmp_path / "out.jsonl", 2)
    for source in (tmp_path, str(tmp_path / "*.jsonl"), [*paths, output]):
        assert sources_of(rows_in(source, output=output)) == images(paths)
    with pytest.raises(InputError, match="there is no list in"):
        opened([output, output], output=output)


@pytest.mark.parametrize(
    ("sources", "said"),
    [
        ([], "there is no list in"),
        (["a.csv", "-"], "- cannot be one of several inputs, because it is no regular file"),
        (["a.csv", "gone.csv"], "there is no file or folder gone.csv"),
        (["a.csv", ""], "empty name"),
        (["a.csv", "picture.png"], "picture.png is a picture, not a list"),
        (["a.csv", "other.csv"], "the images are in url in a.csv and image in other.csv"),
    ],
)
def test_what_is_no_list_is_told_before_anything_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sources: list[str], said: str
) -> None:
    """Every file is opened first, not when its turn comes."""
    monkeypatch.chdir(tmp_path)
    listed(Path("a.csv"), 3)
    Path("picture.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    Path("other.csv").write_text("image,x\na,b\n")
    with pytest.raises(InputError, match=said):
        opened(sources)
