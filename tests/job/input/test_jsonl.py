"""Lines of JSON."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aliocr.job.errors import InputError
from aliocr.job.input.opening import opened
from aliocr.job.input.rows import BadRow, Row
from tests.support.listing import bad_of, piped, rows_in, rows_of, sources_of

LISTS = Path(__file__).parent / "lists"

TEXT = st.text(st.characters(exclude_characters="\0"))
SOURCES = TEXT.filter(lambda text: text != "" and not text.isspace())
OTHER = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


@given(
    st.lists(st.tuples(SOURCES, st.none() | TEXT | st.integers(), OTHER)),
    st.booleans(),
)
def test_what_the_lines_say_comes_out_of_them(
    lines: list[tuple[str, str | int | None, Any]], ascii_only: bool
) -> None:
    """Any text, NaN and nested fields: the rows are those that Python's json wrote."""
    written = [
        json.dumps({"note": note, "url": source, "id": name}, ensure_ascii=ascii_only)
        for source, name, note in lines
    ]
    data = "\n".join(written).encode("utf-8", "surrogatepass")
    rows = rows_of(data, "jsonl")
    for number, (row, (source, name, note)) in enumerate(zip(rows, lines, strict=True), 1):
        if not ascii_only and "\\ud" in ascii(source + str(name) + json.dumps(note)):
            continue  # which is not UTF-8, and bad or not as it happens
        assert row == Row(number, source, None if name in (None, "") else str(name), number)


def test_a_text_alone_is_an_image() -> None:
    """A list of strings needs no objects; both may stand in one file."""
    rows = rows_of('"http://a/1.png"\n\n{"url": " http://a/2.png", "id": 7}\n', "jsonl")
    assert rows == [Row(1, "http://a/1.png", None, 1), Row(2, "http://a/2.png", "7", 3)]


def test_each_line_is_judged_by_itself() -> None:
    """Objects need not have the same fields; the usual names are found in each."""
    lines = ['{"image": "A"}', '{"x": 1, "URL": "B", "Data_ID": 1.5}', '{"path":"C","image":"D"}']
    rows = rows_of("\n".join(lines), "jsonl")
    assert rows == [Row(1, "A", None, 1), Row(2, "B", "1.5", 2), Row(3, "D", None, 3)]


def test_fields_can_be_named() -> None:
    """An id may be missing here and there; an image may not."""
    lines = ['{"a": "A", "b": 1}', '{"a": "B", "id": 3}', '{"b": 2, "c": 1}']
    rows = rows_of("\n".join(lines), "jsonl", column="a", id_column="b")
    assert rows == [
        Row(1, "A", "1", 1),
        Row(2, "B", None, 2),
        BadRow(3, '{"b": 2, "c": 1}', "it has no column a; it has b, c", None, 3),
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "it is not JSON: "),
        ('{"url": "x"', "it is not JSON: "),
        ('{"url": "x"} y', "it is not JSON: trailing characters"),
        ("http://a/1.png", "it is not JSON: "),
        ("17", "it is neither an object nor a text"),
        ('["x"]', "it is neither an object nor a text"),
        ("{}", "no column image_url"),
        ('{"url": null}', "url is empty"),
        ('{"url": ""}', "url is empty"),
        ('{"url": 17}', "url is not a text"),
        ('{"url": {"x": 1}}', "url is not a text"),
        ('{"url": [["x"]]}', "url is not a text"),
        ('{"url": []}', "url is empty"),
        ('{"url": ["x", "y"]}', "url has 2 images; write a row for each"),
        ('{"url": "x\\u0000"}', "it contains a NUL byte"),
        ("[" * 100_000, "it is not JSON: "),
        ("1" * 5_000, "neither|not JSON"),
        ('"' + "x" * 2_000_000 + '"', "the line has more than 1,048,576 bytes"),
        (b'{"url": "\xff"}', "it is not UTF-8; save it as UTF-8"),
    ],
)
def test_a_line_that_says_no_image_is_a_bad_row(line: str | bytes, said: str) -> None:
    """Its line is named, and the next one is read as if nothing had been."""
    raw = line if isinstance(line, bytes) else line.encode()
    rows = rows_of(b'"a"\n' + raw + b'\n"b"\n', "jsonl")
    assert sources_of([rows[0], rows[2]]) == ["a", "b"]
    [(number, at, problem)] = bad_of(rows)
    assert (number, at) == (2, 2)
    assert any(part in problem for part in said.split("|")), problem


@pytest.mark.parametrize(
    ("data", "columns", "said"),
    [
        ('[{"url": "a"}]', {}, r"one JSON array.*jq -c '\.\[\]'"),
        ('[\n{"url": "a"}\n]', {}, r"one JSON array.*jq -c '\.\[\]'"),
        ('{\n"images": []}', {}, "one JSON document"),
        ("http://a/1.png?k=key\n", {}, "is not JSON but begins with http://a/1.*format text"),
        (
            '{"a": 1, "b": 2}',
            {},
            r"give the column \(--column, or column= of a Job\), one of a, b",
        ),
        ('{"url": 1, "b": 2}', {"column": "x"}, "no column x; it has url, b"),
        ('{"url": 1, "b": 2}', {"id_column": "x"}, "no column x; it has url, b"),
        ('"a"\n'.encode("utf-16"), {}, "UTF-16"),
    ],
)
def test_what_is_no_lines_of_json_is_refused_with_the_remedy(
    data: str | bytes, columns: dict[str, str], said: str
) -> None:
    """A wrong file or a wrong column is told before anything is done, in one sentence."""
    with pytest.raises(InputError, match=said) as refused:
        piped(data, "jsonl", **columns)
    assert "standard input" in str(refused.value)
    assert "key" not in str(refused.value)


def test_ids_that_nobody_asked_for_cost_no_row() -> None:
    """They are text, or are left out, which is said; a row is never bad because of them."""
    with closing(opened(LISTS / "j_idodd.jsonl")) as reader:
        rows = list(reader)
        assert "; ids left out: 2, which are lists, objects" in reader.description
    assert sources_of(rows) == [f"https://e.com/{number}.png" for number in range(1, 9)]
    ids = [None, "true", None, "12345678901234567890123", "1", None, None, None]
    assert [row.id for row in rows] == ids


def test_an_id_that_was_asked_for_must_be_one() -> None:
    """At the first line nothing is begun; later, the row says which field it is."""
    with pytest.raises(InputError, match="has lists or objects in id, which cannot be ids"):
        rows_in(LISTS / "j_idodd.jsonl", id_column="id")
    lines = '{"nr": 1, "url": "a"}\n{"nr": [2], "url": "b"}\n'
    assert bad_of(rows_of(lines, "jsonl", id_column="nr")) == [
        (2, 2, "its id in nr is neither text nor a number")
    ]


def test_a_last_line_without_an_end_is_a_row_and_half_a_line_says_that_it_is_cut() -> None:
    """A program was killed while it wrote the list."""
    half = '{"url": "b", "note": "好"}'.encode()
    whole = b'{"url": "a"}\n' + half
    assert sources_of(rows_of(whole, "jsonl")) == ["a", "b"]
    for most in range(1, len(half)):
        [first, last] = rows_of(whole[:-most], "jsonl")
        assert first.source == "a"
        assert isinstance(last, BadRow)
        assert last.problem.endswith("it is the last line, and seems to be cut off")


@pytest.mark.parametrize("inside", ["\u2028", "\u2029", "\x85", "\x7f"])
def test_only_line_ends_end_a_line(inside: str) -> None:
    """Other characters that some programs take for line ends are a part of the text."""
    line = json.dumps({"url": f"a{inside}b"}, ensure_ascii=False)
    assert sources_of(rows_of(f"{line}\n{line}\r\n{line}\r{line}", "jsonl")) == [f"a{inside}b"] * 4
