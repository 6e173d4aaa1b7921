"""CSV and TSV of any program: tables with a header."""

from __future__ import annotations

import csv
import io
import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aliocr.job.errors import InputError
from aliocr.job.input.rows import BadRow, Row
from tests.support.listing import bad_of, piped, rows_in, rows_of, sources_of

LISTS = Path(__file__).parent / "lists"
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
SOURCES = TEXT.filter(lambda text: not text.isspace() and text != "")


@given(
    st.lists(st.tuples(TEXT, SOURCES, TEXT)),
    st.sampled_from(",;\t|"),
    st.sampled_from(["\r\n", "\n"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_what_a_table_holds_comes_out_of_it(
    table: list[tuple[str, str, str]], delimiter: str, ending: str, quoting: int
) -> None:
    """Quotes, delimiters, line ends within a field: the rows are those that were written."""
    written = io.StringIO()
    writer = csv.writer(written, delimiter=delimiter, lineterminator=ending, quoting=quoting)  # type: ignore[arg-type]
    writer.writerow(["note", "url", "id"])
    for row in table:
        # Python 3.11 leaves a carriage return unquoted where that is no part of a line's end.
        writer.writerow([field.replace("\r", "\r\n") for field in row])
    expected = [
        (number, source.replace("\r", "\r\n"), name.replace("\r", "\r\n") or None)
        for number, (_, source, name) in enumerate(table, 1)
    ]
    rows = rows_of(written.getvalue(), "csv")
    assert [(row.number, row.source, row.id) for row in rows] == expected
    assert not bad_of(rows)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_recognised_in_the_header(delimiter: str) -> None:
    """A European Excel writes semicolons, a database tabs; the file says so itself."""
    header = delimiter.join(["id", '"a, b; c | d"', "url"])
    row = delimiter.join(["7", "x", "http://a/1.png"])
    assert rows_of(f"{header}\n{row}\n", "csv") == [Row(1, "http://a/1.png", "7", 2)]


def test_a_single_column_keeps_the_commas_of_its_urls() -> None:
    """A URL that resizes its picture holds commas, and a list of one column has no quotes."""
    url = "https://a/1.png?x-oss-process=image/resize,w_100"
    assert sources_of(rows_of(f'url\n{url}\n"{url}"\n', "csv")) == [url, url]


def test_lines_are_those_a_row_begins_at() -> None:
    """A row that goes over several lines is named by its first; blank lines count."""
    rows = rows_of('\n\nid,url\n\n"1\n2",a\n\n3,"b"\n4,c', "csv")
    assert rows == [Row(1, "a", "1\n2", 5), Row(2, "b", "3", 8), Row(3, "c", "4", 9)]


@pytest.mark.parametrize(
    ("header", "source", "name"),
    [
        ("url,x,id", "A", "C"),
        ("x,URL,Data_ID", "B", "C"),
        ("image,image_url,y", "B", None),
        ("file,link,x", "B", None),
        ("\ufeffurl,id,x", "A", "B"),
        (" url , x , id ", "A", "C"),
    ],
)
def test_the_usual_columns_are_found(header: str, source: str, name: str | None) -> None:
    """image_url, url and their like need not be named."""
    assert rows_of(f"{header}\nA,B,C\n", "csv") == [Row(1, source, name, 2)]


def test_columns_can_be_named() -> None:
    """Any column can be the images', and any the ids'."""
    rows = rows_of("url,foto,Nr\nA,B,C\n", "csv", column="foto", id_column="Nr")
    assert rows == [Row(1, "B", "C", 2)]


@pytest.mark.parametrize(
    ("data", "columns", "said"),
    [
        (
            "a,b\n",
            {},
            r"give the column \(--column, or column= of a Job\), one of a, b",
        ),
        ("url,b\n", {"column": "URL"}, "no column URL; it has url, b"),
        ("url,b\n", {"id_column": "nr"}, "no column nr; it has url, b"),
        ("url,url\n", {}, "2 columns url; rename"),
        ("", {}, "no header"),
        ("\n\n", {}, "no header"),
        ("http://a/1.png?k=key\nhttp://a/2.png\n", {}, r"no header but begins with http://a/1"),
        ('url,"b\n', {}, "a quote in it is never closed"),
        ("url\rhttp://a/1.png\r", {}, "it contains a carriage return"),
        ('u,"b"c\n', {}, "two quotes for a quote"),
        ("地址,图\n".encode("gb18030"), {}, "its header is not UTF-8: save it as UTF-8"),
        ("url,id\n".encode("utf-16"), {}, "is UTF-16; save it as UTF-8"),
        ("url,id\n".encode("utf-16-le"), {}, "NUL bytes.*if it is UTF-16, save it as UTF-8"),
        (b"PK\x03\x04....", {}, "Excel workbook.*as CSV"),
        (b"\x1f\x8b....", {}, "gunzip"),
        (b"x" * 2_000_000, {}, "the line has more than 1,048,576 bytes"),
        (",".join(f"c{n}" for n in range(99)), {}, "c19 and 79 more$"),
    ],
)
def test_what_is_no_table_is_refused_with_the_remedy(
    data: str | bytes, columns: dict[str, str], said: str
) -> None:
    """One sentence names the input, what is wrong with it, and what I do about it."""
    with pytest.raises(InputError, match=said) as refused:
        piped(data, "csv", **columns)
    assert "standard input" in str(refused.value)
    assert "key" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_row_of_another_width_is_bad() -> None:
    """A missing or additional field may have shifted the others: the image is not guessed."""
    rows = rows_of("id,url\n1,a\n2\n3,c,x\n4,\n5,  \n,d\n", "csv")
    assert rows == [
        Row(1, "a", "1", 2),
        BadRow(2, "", "it has 1 fields, but the header has 2", None, 3),
        BadRow(3, "c", "it has 3 fields, but the header has 2", None, 4),
        BadRow(4, "", "url is empty", "4", 5),
        BadRow(5, "  ", "url is empty", "5", 6),
        Row(6, "d", None, 7),
    ]


def test_a_stray_quote_costs_its_own_row_alone() -> None:
    """One forgotten quote does not swallow the rest of 400,000 rows."""
    lines = ['1,"a', "2,b", '3,"c"', '4,"d"x', "5,e\rf", "6,g", '7,"h']
    rows = rows_of("id,url\n" + "\n".join(lines) + "\n", "csv")
    assert [row.number for row in rows] == [1, 2, 3, 4, 5, 6, 7]
    assert [row.line for row in rows] == [2, 3, 4, 5, 6, 7, 8]
    assert [row.source for row in rows if isinstance(row, Row)] == ["b", "c", "g"]
    problems = [problem for _, _, problem in bad_of(rows)]
    assert "closed before" in problems[0]
    assert "closed before" in problems[1]
    assert "carriage return" in problems[2]
    assert problems[3] == "a quote in it is never closed"


def test_a_quote_never_closed_is_given_up_after_a_megabyte() -> None:
    """Memory stays flat, and all rows but that one are found."""
    lines = "".join(f"{n},http://a/{n:0100d}.png\n" for n in range(20_000))
    rows = rows_of('id,url\nx,"http://a/x.png\n' + lines, "csv")
    assert bad_of(rows) == [(1, 2, "a quote in it is never closed")]
    assert len(rows) == 20_001
    assert rows[-1].line == 20_002


def test_a_line_that_is_too_long_costs_itself_alone() -> None:
    """A picture pasted into a table is one bad row."""
    junk = "9" * 3_000_000
    rows = rows_of(f'id,url\n1,a\n2,{junk}\n3,b\n"4\n{junk}",c\n5,d\n', "csv")
    assert [row.source for row in rows if isinstance(row, Row)] == ["a", "b", "d"]
    assert [row.line for row in rows] == [2, 3, 4, 5, 6, 7]


def test_a_long_field_beside_the_image_does_no_harm() -> None:
    """Half a megabyte of notes is read over, whatever limit the process has set for its CSVs."""
    before = csv.field_size_limit()
    rows = rows_of(f"note,url\n{'x' * 500_000},http://a/1.png\n", "csv")
    assert sources_of(rows) == ["http://a/1.png"]
    assert csv.field_size_limit() == before


def test_only_the_columns_that_are_read_need_be_utf_8() -> None:
    """Remarks in another encoding do not cost the URLs beside them."""
    remarks = "url,备注\nhttp://a/1.png,很好\n很好,x\n".encode("gb18030")
    first, second = rows_of(remarks, "csv")
    assert first == Row(1, "http://a/1.png", None, 2)
    assert isinstance(second, BadRow)
    assert "not UTF-8" in second.problem


def test_white_space_around_a_url_is_none_of_it() -> None:
    """A space after the comma is no part of a URL; a file's name keeps its own."""
    rows = rows_of("id, url\n1, http://a/1.png \n2, a .png\n", "csv")
    assert sources_of(rows) == ["http://a/1.png", " a .png"]


def test_rows_of_a_table_with_tabs_do_not_vanish_behind_a_quote() -> None:
    """A caption begins with a quote, a later one ends with it: the rows between are rows."""
    sources = sources_of(rows_in(LISTS / "c_cc12m2.tsv"))
    assert sources == [f"https://e.com/{number}.png" for number in (1, 2, 4, 5)]


@pytest.mark.parametrize("order", [("url", "note"), ("note", "url"), ("note", "url", "more")])
@pytest.mark.parametrize("prefix", ["https://e.com/", "scans/"])
def test_quotes_in_a_table_with_tabs_lose_no_row(order: tuple[str, ...], prefix: str) -> None:
    """Wherever a quote opens or closes, each line is its own row."""
    expected = [f"{prefix}{number}.png" for number in range(3)]
    for captions in itertools.product(["x", '"', '"x', 'x"', '"x"y', '""x'], repeat=3):
        lines = [
            "\t".join({"url": source}.get(name, caption) for name in order)
            for source, caption in zip(expected, captions, strict=True)
        ]
        rows = rows_of("\n".join(["\t".join(order), *lines]), "csv")
        assert sources_of(rows) == expected
        assert [row.line for row in rows] == [2, 3, 4]


def test_a_quoted_field_of_a_table_with_tabs_may_have_several_lines() -> None:
    """A spreadsheet quotes a cell with line ends and tabs; such a cell is no row."""
    note = "two\nlines, a\ttab, and https://e.com/x.png\tat\tthe end"
    rows = rows_of(f'url\tnote\nhttps://e.com/1.png\t"{note}"\nhttps://e.com/2.png\tb\n', "csv")
    assert sources_of(rows) == ["https://e.com/1.png", "https://e.com/2.png"]
