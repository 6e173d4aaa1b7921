"""Lines of JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aliocr.job.errors import InputError
from aliocr.job.input.rows import BadRow, Row
from tests.support.listing import bad_of, piped, rows_of, sources_of

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
        ('{"url": ["x", "y"]}', "url has 2 images, and a row has one result; write a row for each"),
        ('{"url": "x", "id": [1]}', "its id is neither text nor a number"),
        ('{"url": "x", "id": true}', "its id is neither text nor a number"),
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
