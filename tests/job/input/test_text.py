"""Lists of one image a line."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aliocr.job.input.rows import Row
from tests.support.listing import bad_of, rows_in, rows_of, sources_of

LISTS = Path(__file__).parent / "lists"

SOURCES = st.text(st.characters(codec="utf-8", exclude_characters="\n\r\0")).filter(
    lambda text: text.strip() and text == text.strip() and text[0] not in "\ufeff#;"
)


@given(st.lists(SOURCES), st.sampled_from(["\n", "\r\n", "\n\n", " \n\t"]))
def test_every_line_is_an_image(sources: list[str], ending: str) -> None:
    """Whatever my URLs and paths hold, they come out as they stand in the file."""
    listed = "".join(source + ending for source in sources)
    assert sources_of(rows_of(listed, "text")) == sources


def test_blank_lines_are_no_rows_but_count_as_lines() -> None:
    """Line numbers are those my editor shows; row numbers count images."""
    rows = rows_of("\n  http://a/1.png \r\n\n\t\nb.png", "text")
    assert rows == [Row(1, "http://a/1.png", None, 2), Row(2, "b.png", None, 5)]


def test_the_mark_of_windows_is_no_part_of_the_first_url() -> None:
    """Notepad saves UTF-8 with a byte order mark."""
    assert sources_of(rows_of(b"\xef\xbb\xbfhttp://a/1.png\n", "text")) == ["http://a/1.png"]


def test_an_empty_list_has_no_rows() -> None:
    """A pipeline may find nothing to do."""
    assert rows_of("", "text") == []


def test_a_path_may_be_in_any_encoding_and_a_url_may_not() -> None:
    """The names of files are bytes; a URL that is not UTF-8 is a file saved the wrong way."""
    rows = rows_of(b"caf\xe9.png\nhttp://a/caf\xe9.png\nhttp://a/caf\xc3\xa9.png\n", "text")
    assert rows[0] == Row(1, "caf\udce9.png", None, 1)
    [(number, line, problem)] = bad_of(rows)
    assert (number, line) == (2, 2)
    assert "not UTF-8" in problem
    assert "iconv" in problem
    assert rows[2] == Row(3, "http://a/café.png", None, 3)


def test_a_line_that_is_no_line_costs_itself_alone() -> None:
    """Stray bytes and a megabyte of junk: each is one bad row."""
    junk = b"x" * 3_000_000
    rows = rows_of(b"http://a/1\nb\0c\nd\n" + junk + b"\nhttp://a/2\n" + junk, "text")
    assert [row.number for row in rows] == [1, 2, 3, 4, 5, 6]
    assert [row.line for row in rows] == [1, 2, 3, 4, 5, 6]
    assert bad_of(rows) == [
        (2, 2, "it contains a NUL byte"),
        (4, 4, "the line has more than 1,048,576 bytes"),
        (6, 6, "the line has more than 1,048,576 bytes"),
    ]
    assert all(len(row.source) <= 200 for row in rows)


def test_rows_do_not_show_the_key_to_a_picture() -> None:
    """The query of a signed URL is its key: it is in no log line that holds a row."""
    [row] = rows_of("https://a/1.png?Signature=key", "text")
    assert row.source.endswith("key")
    assert "key" not in repr(row)
    [_, bad] = rows_of("a\nhttps://a/1.png?Signature=key\0", "text")
    assert "key" not in repr(bad)


def test_a_byte_order_mark_is_no_part_of_the_first_url() -> None:
    """Notepad writes one, and its line ends are those of Windows."""
    rows = rows_in(LISTS / "t_bom.txt")
    assert [row.source for row in rows] == ["https://e.com/1.png", "https://e.com/2.png"]


def test_comments_are_no_rows() -> None:
    """A line that begins with # or ;, and what follows a URL behind a blank."""
    rows = rows_in(LISTS / "t_comments.txt")
    assert [(row.number, row.source, row.line) for row in rows] == [
        (1, "https://e.com/1.png", 2),
        (2, "https://e.com/2.png", 4),
        (3, "https://e.com/3.png", 6),
    ]


@pytest.mark.parametrize(
    ("line", "source"),
    [
        ("https://e.com/1.png#top", "https://e.com/1.png#top"),
        ("https://e.com/a b.png", "https://e.com/a b.png"),
        ("https://e.com/1.png  #404", "https://e.com/1.png"),
        ("#https://e.com/1.png", None),
        ("#", None),
        ("#1.png", "#1.png"),
        ("# 1.png", None),
        ("page #1.png", "page #1.png"),
    ],
)
def test_a_number_sign_in_a_url_or_a_name_is_no_comment(line: str, source: str | None) -> None:
    """An entry of the list is sent as it is, and one that was commented out is not sent."""
    assert [row.source for row in rows_of(f"{line}\n", "text")] == ([source] if source else [])


def test_a_job_that_an_earlier_version_began_counts_comments() -> None:
    """Else its rows would get the results of others."""
    rows = rows_of("# a, b\nhttps://e.com/1.png # x\rc\n", "text", earlier=True)
    assert [(row.number, row.source) for row in rows] == [
        (1, "# a, b"),
        (2, "https://e.com/1.png # x\rc"),
    ]


def test_a_list_may_begin_with_any_comment() -> None:
    """Commas in it do not make it a table."""
    assert sources_of(rows_of("# a, b\n\n; {c}\nhttp://a/1.png\n", None)) == ["http://a/1.png"]


@pytest.mark.parametrize("ends", [["\r"], ["\n"], ["\r\n"], ["\r\r\n"], ["\n", "\r", "\r\n"]])
def test_every_line_end_ends_a_line(ends: list[str]) -> None:
    """Of an old Mac, of Windows, or several in one list; other blanks do not."""
    sources = [f"http://a/{number}\x0c\x0b\x85\u2028.png" for number in range(7)]
    text = "".join(
        source + end for source, end in zip(sources, itertools.cycle(ends), strict=False)
    )
    rows = rows_of(text, "text")
    assert sources_of(rows) == sources
    assert [row.line for row in rows] == [1, 2, 3, 4, 5, 6, 7]
