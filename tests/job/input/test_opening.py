"""The reader of each kind of input, and the messages for inputs that have none."""

from __future__ import annotations

import io
import os
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from aliocr.job.errors import InputError
from aliocr.job.input.opening import opened
from tests.support.listing import piped, rows_in, sources_of

LISTS = Path(__file__).parent / "lists"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("list", "a\nb\n"),
        ("list.txt", "a\nb\n"),
        ("list.csv", "url,id\na,1\nb,2\n"),
        ("LIST.TSV", "url\tid\na\t1\nb\t2\n"),
        ("list.json", '"a"\n{"url": "b"}\n'),
        ("list.jsonl", '"a"\n{"url": "b"}\n'),
        ("list.ndjson", '"a"\n{"url": "b"}\n'),
    ],
)
def test_the_suffix_says_what_a_file_is(tmp_path: Path, name: str, data: str) -> None:
    """I need not name a format."""
    path = tmp_path / name
    path.write_text(data)
    reader = opened(str(path))
    assert reader.share is not None
    assert reader.share < 1
    assert sources_of(list(reader)) == ["a", "b"]
    assert reader.share == 1.0
    reader.close()
    reader.close()


def test_a_format_that_is_named_goes_before_the_suffix(tmp_path: Path) -> None:
    """A CSV may be called anything."""
    path = tmp_path / "list.txt"
    path.write_text("url,x\na,b\n")
    assert sources_of(rows_in(path, input_format="csv")) == ["a"]
    assert sources_of(rows_in(path, input_format="text")) == ["url,x", "a,b"]


def test_standard_input_is_read_and_left_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """`-` is a list of lines, or of the format I name; its size is unknown."""
    read_end, write_end = os.pipe()
    os.write(write_end, b"url,id\na,1\nb,2\n")
    os.close(write_end)
    with open(read_end) as stdin:  # noqa: PTH123 - a descriptor has no path
        monkeypatch.setattr(sys, "stdin", stdin)
        reader = opened("-", input_format="csv")
        assert reader.share is None
        assert sources_of(list(reader)) == ["a", "b"]
        reader.close()
        assert not stdin.closed
        assert not stdin.buffer.closed
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(InputError, match="no standard input"):
        opened("-")


def test_a_pipe_without_a_buffer_is_read_and_left_open() -> None:
    """What the caller opened is the caller's to close."""
    read_end, write_end = os.pipe()
    os.write(write_end, b"a\nb\n")
    os.close(write_end)
    with open(read_end, "rb", buffering=0) as raw:  # noqa: PTH123
        reader = opened(raw)
        assert sources_of(list(reader)) == ["a", "b"]
        reader.close()
        assert reader.share is None
        del reader
        assert not raw.closed


@pytest.mark.parametrize("name", ["list.txt", "list.csv", "list.jsonl", "list.parquet", "folder"])
def test_what_is_not_there_is_told(tmp_path: Path, name: str) -> None:
    """By its name, before anything is written."""
    with pytest.raises(InputError, match="there is no file or folder") as refused:
        opened(tmp_path / name)
    assert name in str(refused.value)


def test_a_file_and_a_folder_are_not_taken_for_each_other(tmp_path: Path) -> None:
    """Whichever way round."""
    with pytest.raises(InputError, match="is a folder and cannot be read as csv"):
        opened(tmp_path, input_format="csv")
    path = tmp_path / "list.csv"
    path.write_text("url\na\n")
    with pytest.raises(InputError, match="is not a folder and cannot be read as folder"):
        opened(path, input_format="folder")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all")
def test_what_may_not_be_read_is_told(tmp_path: Path) -> None:
    """Permission is a sentence, not a traceback."""
    path = tmp_path / "list.csv"
    path.write_text("url\na\n")
    path.chmod(0)
    with pytest.raises(InputError, match=r"list\.csv may not be read by this user"):
        opened(path)
    (tmp_path / "closed").mkdir(mode=0)
    with pytest.raises(InputError, match="permission"):
        opened(tmp_path / "closed")


def test_misuse_is_told() -> None:
    """Formats that there are not, columns of what has none, tables from a pipe."""
    with pytest.raises(InputError, match="no input format 'xlsx'; use text, csv, jsonl, parquet"):
        opened(io.BytesIO(b""), input_format="xlsx")
    with pytest.raises(InputError, match="read as text and has no columns"):
        opened(io.BytesIO(b""), column="url")
    with pytest.raises(InputError, match="parquet cannot be read from standard input"):
        opened(io.BytesIO(b""), input_format="parquet")
    with pytest.raises(InputError, match="an empty name"):
        opened("")
    with pytest.raises(InputError, match="null"):
        opened("a\0b")


@pytest.mark.parametrize("name", ["a.png", "c.txt", "d.txt"])
def test_files_of_another_kind_are_told(tmp_path: Path, name: str) -> None:
    """A picture, an archive, a table: each with what to do about it."""
    beginning, said = {
        "a.png": (b"\x89PNG\r\n\x1a\n", "is a picture, not a list"),
        "c.txt": (b"PAR1", "is Parquet; rename it to end in .parquet, or"),
        "d.txt": (b"abc\0\n", "contains NUL bytes and is not a text"),
    }[name]
    (tmp_path / name).write_bytes(beginning)
    with pytest.raises(InputError, match=said):
        opened(tmp_path / name)


def test_a_file_that_fails_while_it_is_read_is_told() -> None:
    """A network drive that goes away is one line, with the place it went at."""

    class Failing(io.BytesIO):
        def readinto(self, room: Any, /) -> int:
            if self.tell() >= 4:
                raise OSError(5, "Input/output error")
            return super().readinto(memoryview(room)[:4])

    with pytest.raises(InputError, match="cannot be read past line 2: input/output error"):
        list(opened(Failing(b"a\nb\nc\n")))


@pytest.mark.parametrize("format_", ["text", "csv", "jsonl"])
def test_memory_stays_flat(format_: str) -> None:
    """However long a list is, no more than a row of it is held."""
    reader = piped(b'"url"\n' + b'"http://a/1.png"\n' * 50_000, format_)
    tracemalloc.start()
    try:
        assert sum(1 for _ in reader) >= 50_000
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["t_csv_in_txt.txt", "t_json_in_txt.txt", "t_html.txt"])
def test_a_list_that_is_something_else_is_not_taken_for_text(name: str, tmp_path: Path) -> None:
    """It would fail row by row, from a file as from standard input, whatever the file's suffix."""
    data = (LISTS / name).read_bytes()
    for suffix in (".txt", "", ".list"):
        path = tmp_path / f"list{suffix}"
        path.write_bytes(data)
        with pytest.raises(InputError, match="does not begin with a URL; give its format"):
            opened(path)
    with pytest.raises(InputError, match="does not begin with a URL; give its format"):
        opened(io.BytesIO(data))


@pytest.mark.parametrize(("name", "format_"), [("csv", "csv"), ("json", "jsonl")])
def test_with_its_format_the_same_list_is_read(name: str, format_: str) -> None:
    """The message says what to do, and it helps."""
    rows = rows_in(LISTS / f"t_{name}_in_txt.txt", input_format=format_)
    assert sources_of(rows) == [f"https://e.com/{number}.png" for number in range(5)]


def test_a_url_with_a_comma_is_no_table(tmp_path: Path) -> None:
    """URLs that resize their pictures have commas, and some have braces."""
    path = tmp_path / "list.txt"
    path.write_text("https://a/b?resize,w_100\n")
    assert sources_of(rows_in(path)) == ["https://a/b?resize,w_100"]


def test_a_path_with_a_comma_is_no_table(tmp_path: Path) -> None:
    """The first line is the name of a file that is there."""
    picture, path = tmp_path / "page 1, left {a}.png", tmp_path / "list.txt"
    picture.touch()
    path.write_text(f"{picture}\n")
    assert sources_of(rows_in(path)) == [str(picture)]


def test_a_comment_is_not_taken_for_the_names_of_columns() -> None:
    """Else the lines of the table would be the images."""
    with pytest.raises(InputError, match="begins with a comment; remove the lines before"):
        piped("# id,url\n1,https://e.com/1.png\n", "csv")
