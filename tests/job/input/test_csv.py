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
        ("id,url,x,url\n", {}, "column url several times, as columns 2, 4; rename"),
        ("x,nr,nr\n", {"column": "x", "id_column": "nr"}, "column nr several times, as columns 2"),
        ("", {}, "no header"),
        ("\n\n", {}, "no header"),
        ("http://a/1.png?k=key\nhttp://a/2.png\n", {}, r"no header but begins with http://a/1"),
        ('url,"b\n', {}, "a quote in it is never closed"),
        ('u,"b"c\n', {}, "two quotes for a quote"),
        ("地址,图\n".encode("gb18030"), {}, "its header is not UTF-8: save it as UTF-8"),
        ("url,id\n".encode("utf-16"), {}, "is UTF-16; save it as UTF-8"),
        ("url,id\n".encode("utf-16-le"), {}, "NUL bytes.*if it is UTF-16, save it as UTF-8"),
        (b"PK\x03\x04....", {}, "Excel workbook.*as CSV"),
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


def test_rows_without_an_image_are_bad() -> None:
    """A row that ends before its image, or has nothing there, is told by its line."""
    rows = rows_of("id,url\n1,a\n2\n4,\n5,  \n,d\n,,\n", "csv")
    assert rows == [
        Row(1, "a", "1", 2),
        BadRow(2, "", "it has 1 fields, but the header has 2", None, 3),
        BadRow(3, "", "url is empty", "4", 4),
        BadRow(4, "  ", "url is empty", "5", 5),
        Row(5, "d", None, 6),
        BadRow(6, "", "url is empty", None, 7),
    ]


@pytest.mark.parametrize(
    ("name", "ids"),
    [("c_short.csv", ["1", "2", None]), ("c_trailcomma_rows.csv", ["1", "2"])],
)
def test_missing_and_empty_cells_behind_the_image_cost_nothing(
    name: str, ids: list[str | None]
) -> None:
    """Editors drop cells at the end of a row, and spreadsheets add empty ones; nothing moves."""
    rows = rows_in(LISTS / name)
    assert sources_of(rows) == [f"https://e.com/{number}.png" for number in range(1, len(ids) + 1)]
    assert [row.id for row in rows] == ids


U = "https://e.com/1.png"


@pytest.mark.parametrize(
    ("header", "line", "source"),
    [
        ("url,title", f"{U},Hello, world", U),  # nothing stands left of the image
        ("id,url,title", f"1,{U},Hello, world", U),
        ("id,url,title", f"1,{U}", U),
        ("id,url,title", f"1,{U},", U),
        ("id,url,title", f"1,{U},t,,,", U),
        ("id,url,page", f"1,{U},https://e.com/1.html", U),
        ("title,url", f"Hello, world,{U}", None),  # it moved
        ("title,page,url", f"Hello, world,https://e.com/1.html,{U}", None),
        ("url,id", "https://e.com/1.png?resize,w_100,7", None),  # it is cut
        ("url,id", "https://e.com/w_100,h_100/a.png,7", None),
        ("id,title,url", "1,t", None),  # it is missing
        ("id,title,url", f"{U}", None),
    ],
)
def test_a_row_of_another_width_is_read_where_its_image_surely_is(
    header: str, line: str, source: str | None
) -> None:
    """What is not sure is a bad row: a page, or a part of a URL, would be sent and charged."""
    [row, last] = rows_of(f"{header}\n{line}\n{line}\n", "csv")
    assert (last.number, last.line) == (2, 3)
    assert (row.source if isinstance(row, Row) else None) == source


@pytest.mark.parametrize(
    ("end", "source"),
    [
        ("2,https://e.com/2.png,t", "https://e.com/2.png"),
        ("2,https://e.com/2.png", "https://e.com/2.png"),
        ("2,https://e.com/2.p", None),
        ('2,"https://e.com/2.png', None),
        ("2", None),
    ],
)
def test_the_last_line_is_a_row_if_it_is_whole(end: str, source: str | None) -> None:
    """A program that was killed leaves half a row, whose URL may be half, too."""
    first, last = rows_of(f"id,url,title\n1,{U},t\n{end}", "csv")
    assert first == Row(1, U, "1", 2)
    assert (last.source if isinstance(last, Row) else None) == source
    assert (last.number, last.line) == (2, 3)
    [_, ended] = rows_of(f"id,url\n1,{U}\n2,https://e.com/2.p\n", "csv")
    assert ended == Row(2, "https://e.com/2.p", "2", 3)


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "SEP=;", "\ufeffsep=;", "\nsep=;"])
def test_the_line_by_which_excel_learns_the_delimiter_is_no_header(first: str) -> None:
    """Excel writes it first; the commas of the header divide nothing then."""
    text = f"{first}\r\nid;url;a,b,c,d\r\n1;{U};x\r\n"
    assert [(row.source, row.id) for row in rows_of(text, "csv")] == [(U, "1")]


def test_lists_of_spreadsheets_are_read() -> None:
    """With semicolons, Excel's first line, titles or comments above the header."""
    for name, line in [
        ("c_sep.csv", 3),
        ("c_semicolon.csv", 2),
        ("c_preamble.csv", 4),
        ("c_hashheader.csv", 3),
    ]:
        assert rows_in(LISTS / name)[0] == Row(1, U, "1", line), name


@pytest.mark.parametrize(
    "preamble",
    [
        "My list\n",
        "My list,,\n,,\n\n",
        "# made by a program\n# 3,4\n",
        "Total;3\nMade;2026-11-01\n",
        "Pictures of the url, as of today\n",
    ],
)
@pytest.mark.parametrize("header", ["id,url,title", "id;Image_URL;title", "id\turl"])
def test_lines_above_the_header_are_skipped(preamble: str, header: str) -> None:
    """Reports have a title; the header is the first line that names the column of the images."""
    delimiter = next(each for each in ",;\t" if each in header)
    line = preamble.count("\n") + 2
    rows = rows_of(f"{preamble}{header}\n1{delimiter}{U}\n", "csv")
    assert rows == [Row(1, U, "1", line)]
    named = f"{preamble}nr{delimiter}foto\n1{delimiter}{U}\n"
    assert rows_of(named, "csv", column="foto") == [Row(1, U, None, line)]


def test_no_row_is_taken_for_a_header() -> None:
    """A list of one column of any name, cells with the names of columns, a name of two lines."""
    rows = rows_of(f'id,"my\npicture",url\n1,x,{U}\n', "csv", column="my\npicture")
    assert rows == [Row(1, "x", "1", 3)]
    with_path = f'id,"my\npath",url\n1,x,{U}\n'
    assert rows_of(with_path, "csv") == [Row(1, U, "1", 3)]
    rows = rows_of("foto\nhttps://e.com/1.png\nurl\n", "csv")
    assert [row.source for row in rows] == [U, "url"]
    rows = rows_of("id,kind,url\n1,image,\n2,url,https://e.com/1.png\n", "csv")
    assert [row.line for row in rows] == [2, 3]


def test_columns_of_one_name_are_asked_about_only_if_they_are_needed() -> None:
    """Either may have the images; of ids nobody asked for, none is taken, and this is said."""
    with pytest.raises(InputError, match="column url several times, as columns 1, 2; rename all"):
        rows_in(LISTS / "c_dupurl.csv")
    with pytest.raises(InputError, match="several times"):
        rows_in(LISTS / "c_dupurl.csv", column="url")
    assert rows_of(f"x,url,x\n1,{U},2\n", "csv") == [Row(1, U, None, 2)]
    reader = piped(f"id,url,id\n1,{U},2\n", "csv")
    assert list(reader) == [Row(1, U, None, 2)]
    assert reader.description == "the column url; no ids, because it has their column several times"


def test_an_id_that_is_not_utf_8_costs_its_row_only_if_it_was_asked_for() -> None:
    """The URLs can be read."""
    rows = rows_in(LISTS / "c_gb_url.csv")
    assert sources_of(rows) == [f"https://e.com/{number}.png" for number in range(3)]
    assert {row.id for row in rows} == {None}
    asked = rows_in(LISTS / "c_gb_url.csv", id_column="id")
    assert [number for number, _, _ in bad_of(asked)] == [1, 2, 3]
    reader = piped(f"id,url\n{'x' * 257},{U}\n{'x' * 256},{U}\n", "csv")
    assert [row.id for row in reader] == [None, "x" * 256]
    assert "; ids left out: 1" in reader.description
    [row] = rows_of(f"id,url\n{'x' * 257},{U}\n", "csv", id_column="id")
    assert row.id == "x" * 257


def test_an_id_that_may_have_moved_is_left_out_or_told() -> None:
    """A comma in a title moves the cells behind it; those left of the image have not moved."""
    text = f"nr,url,title,id\n1,{U},Hello, world,7\n2,{U},Hello,8,,\n"
    reader = piped(text, "csv")
    assert list(reader) == [Row(1, U, None, 2), Row(2, U, "8", 3)]
    assert "; ids left out: 1" in reader.description
    assert [row.id for row in rows_of(text, "csv", id_column="nr")] == ["1", "2"]
    assert bad_of(rows_of(text, "csv", id_column="id")) == [
        (1, 2, "it has 5 fields, so its id may be another field")
    ]


def test_the_line_ends_of_an_old_mac_are_line_ends() -> None:
    """In the whole file, if the first line has one; a quoted cell keeps its own."""
    text = f'id,url,note\r1,{U},"a\rb"\r2,{U},x\r\n3,{U},y\n4,{U},z'
    assert rows_of(text, "csv") == [
        Row(1, U, "1", 2),
        Row(2, U, "2", 4),
        Row(3, U, "3", 5),
        Row(4, U, "4", 6),
    ]


def test_a_long_list_of_an_old_mac_loses_no_row() -> None:
    """It is one line of megabytes to programs that know the line feed alone."""
    many = 60_000
    text = "url\r" + "".join(f"https://e.com/{number}.png\r" for number in range(many))
    assert sources_of(rows_of(text, "csv")) == [f"https://e.com/{n}.png" for n in range(many)]


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


@pytest.mark.parametrize("note", ['"open', '"open, and more'])
def test_rows_do_not_vanish_behind_a_quote_of_any_table(note: str) -> None:
    """The quote closes in a later row, so the table is not broken; a cell of lines is no row."""
    urls = [f"https://e.com/{number}.png" for number in range(5)]
    notes = [note, "mid, and more", 'bye"', '"See:\nhttps://e.com\nor, a, b, c"', "ok"]
    table = "".join(f"{at},{urls[at]},{each}\n" for at, each in enumerate(notes))
    rows = rows_of(f"id,url,note\n{table}", "csv")
    assert sources_of(rows) == urls
    assert [row.line for row in rows] == [2, 3, 4, 5, 8]
    earlier = sources_of(rows_of(f"id,url,note\n{table}", "csv", earlier=True))
    assert earlier == [urls[0], *urls[3:]]  # the rows keep their numbers


def test_a_quoted_field_of_a_table_with_tabs_may_have_several_lines() -> None:
    """A spreadsheet quotes a cell with line ends and tabs; such a cell is no row."""
    note = "two\nlines, a\ttab, and https://e.com/x.png\tat\tthe end"
    rows = rows_of(f'url\tnote\nhttps://e.com/1.png\t"{note}"\nhttps://e.com/2.png\tb\n', "csv")
    assert sources_of(rows) == ["https://e.com/1.png", "https://e.com/2.png"]
