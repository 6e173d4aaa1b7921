"""Lists that are something else than their names say."""

from __future__ import annotations

import io
import itertools
import json
import re
from pathlib import Path

import pytest

from aliocr.job.errors import InputError
from aliocr.job.input.lines import OTHER_FILES
from aliocr.job.input.opening import opened
from tests.support.listing import rows_in, rows_of, sources_of

LISTS = Path(__file__).parent / "lists"
URLS = [f"https://e.com/{number}.png" for number in range(3)]

SUFFIXES = {"text": ".txt", "csv": ".csv", "jsonl": ".jsonl"}

HTML = "is HTML or XML, not a list; write the URLs of its pictures"
ARRAY = r"is one JSON array.*jq -c '\.\[\]'"
NO_HEADER = "begin it with a line of column names, such as url,id, and give the format csv"

CASES: list[tuple[str, str, dict[str, str]]] = [
    ("a page", "<!DOCTYPE html>\n<html><img src='a.png'>", dict.fromkeys(SUFFIXES, HTML)),
    ("an old page", "\n\n<html><img src='a.png'>", dict.fromkeys(SUFFIXES, HTML)),
    ("a sitemap", '<?xml version="1.0"?>\n<urlset>', dict.fromkeys(SUFFIXES, HTML)),
    (
        "an array of many lines",
        json.dumps([{"url": url} for url in URLS], indent=2),
        dict.fromkeys(SUFFIXES, ARRAY),
    ),
    ("an array", json.dumps(URLS), dict.fromkeys(SUFFIXES, ARRAY)),
    ("a list of Python", str(URLS), dict.fromkeys(SUFFIXES, ARRAY)),
    (
        "JSON lines",
        "".join(f'{{"url": "{url}"}}\n' for url in URLS),
        dict.fromkeys(("text", "csv"), "has JSON in its first line.*give the format jsonl"),
    ),
    (
        "a document",
        json.dumps({"url": URLS[0]}, indent=2),
        {
            "text": "has JSON in its first line",
            "csv": "has JSON in its first line",
            "jsonl": "is one JSON document",
        },
    ),
    (
        "CSV",
        "id,url\n" + "".join(f"{at},{url}\n" for at, url in enumerate(URLS)),
        {
            "text": "begins with names of columns, id,url; give the format csv",
            "jsonl": "is not JSON but begins with id,url; give its format, such as csv",
        },
    ),
    (
        "a column",
        "Image URL\n" + "\n".join(URLS),
        {
            "text": "begins with names of columns, Image URL; give the format csv",
            "jsonl": "is not JSON but begins with Image URL",
        },
    ),
    (
        "names that are not usual",
        "no\tthumbnail\n1\thttps://e.com/1.png\n",
        {"text": f"does not begin with a URL but with no\tthumbnail; if it is CSV, {NO_HEADER}"},
    ),
    ("no names", f"1,{URLS[0]}\n", {"text": f"begin with a URL but with 1,.*; .*{NO_HEADER}"}),
    ("two URLs", f"{URLS[0]},{URLS[1]}\n", {"text": f"more than a URL in its .*{NO_HEADER}"}),
    ("URLs and words", f"{URLS[0]},a cat\n", {"text": f"more than a URL in its .*{NO_HEADER}"}),
    ("URLs and labels", f"{URLS[0]} 7\n", {"text": f"more than a URL in its .*{NO_HEADER}"}),
    ("numbers behind a sign", f"{URLS[0]};7\n", {"text": f"more than a URL in .*{NO_HEADER}"}),
    ("words behind a bar", f"{URLS[0]}|cat\n", {"text": f"more than a URL in its .*{NO_HEADER}"}),
    ("words behind tabs", f"{URLS[0]}\tcat\n", {"text": f"more than a URL in its .*{NO_HEADER}"}),
    ("commas at ends", ",\n".join(URLS), {"text": "more than a URL in its first line"}),
    ("URLs in brackets", f"<{URLS[0]}>\n", {"text": "has signs around its URLs, as in <https"}),
    ("URLs in quotes", f'"{URLS[0]}"\n', {"text": 'has signs around its URLs, as in "https'}),
    ("Markdown", f"\n- {URLS[0]}\n", {"text": "is Markdown, as in - https"}),
    ("links", f"* [x]({URLS[0]})\n", {"text": r"is Markdown, as in \* \[x\]"}),
    (
        "URLs",
        "\n".join(URLS),
        {
            "csv": "has no header but begins with https.*give the format text",
            "jsonl": "is not JSON but begins with https.*give the format text",
        },
    ),
]


@pytest.mark.parametrize(
    ("data", "format_", "said"),
    [
        pytest.param(data, format_, said, id=f"{name} as {format_}")
        for name, data, refused in CASES
        for format_, said in refused.items()
    ],
)
def test_a_list_that_is_something_else_is_refused(
    data: str, format_: str, said: str, tmp_path: Path
) -> None:
    """It is told what it is and what to do, with a byte order mark or without."""
    path = tmp_path / f"list{SUFFIXES[format_]}"
    for mark in ("", "\ufeff"):
        path.write_text(mark + data, encoding="utf-8")
        with pytest.raises(InputError, match=said) as refused:
            opened(path)
        assert str(refused.value).startswith(str(path))
    if format_ == "text":
        with pytest.raises(InputError, match=said):
            opened(io.BytesIO(data.encode()))


@pytest.mark.parametrize("name", ["t_csv_in_txt.txt", "t_json_in_txt.txt", "t_html.txt"])
def test_any_other_suffix_is_a_text(name: str, tmp_path: Path) -> None:
    """It would fail row by row, or send lines that are no URLs."""
    for suffix in (".txt", "", ".list"):
        path = tmp_path / f"list{suffix}"
        path.write_bytes((LISTS / name).read_bytes())
        with pytest.raises(InputError, match=r"give the format|is HTML"):
            opened(path)


@pytest.mark.parametrize(
    "url",
    [
        "https://e.com/a.jpg?x-oss-process=image/resize,w_100,h_100",
        "https://e.com/a,b;c|d.png",
        "https://e.com/{a}/<b>.png",
        "https://e.com/a b.png",
        "https://e.com/a.png of b.png",
        "https://e.com/photo.jpg;maxHeight=640;maxWidth=550",
        "https://web.archive.org/web/2026/https://e.com/a.png",
        "https://e.com/proxy?url=https://e.com/a.png",
        "HTTP://E.COM/A.PNG",
    ],
)
def test_a_url_with_signs_of_its_own_is_no_table(url: str, tmp_path: Path) -> None:
    """URLs that resize their pictures have commas, and some have semicolons, braces or blanks."""
    path = tmp_path / "list.txt"
    path.write_text(f"{url}\n{url}\n")
    assert sources_of(rows_in(path)) == [url, url]


@pytest.mark.parametrize("name", ["page 1, left {a}.png", "image", "- a.png", "1. <b>.png"])
def test_a_path_that_looks_like_something_else_is_a_path(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first line is the name of a file that is there."""
    (tmp_path / name).touch()
    (tmp_path / "list.txt").write_text(f"{name}\n")
    monkeypatch.chdir(tmp_path)
    assert sources_of(rows_in(tmp_path / "list.txt")) == [name]


def test_a_format_that_is_named_is_believed() -> None:
    """Each row is then judged alone; only bytes that are no text are refused."""
    for _, data, refused in CASES:
        if "text" in refused:
            assert len(rows_of(data, "text")) == sum(map(bool, map(str.strip, data.splitlines())))


def test_a_job_under_way_is_not_looked_at_again(tmp_path: Path) -> None:
    """An earlier version began it with this list."""
    path = tmp_path / "list.txt"
    path.write_text(f"{URLS[0]},a cat\n")
    assert sources_of(rows_in(path, begun=True)) == [f"{URLS[0]},a cat"]


def test_the_message_has_no_key(tmp_path: Path) -> None:
    """A signed URL may be anywhere in the first line."""
    signed = "https://user:secret@e.com/1.png?Signature=secret"
    lines = (f'{{"url": "{signed}"}}', f"<{signed}>", f"{signed},{signed}", f"1,{signed}", signed)
    for line, suffix in itertools.product(lines, (*SUFFIXES.values(), ".parquet")):
        path = tmp_path / f"list{suffix}"
        path.write_text(line)
        said = ""
        try:
            opened(path).close()
        except InputError as error:
            said = str(error)
        assert "secret" not in said, line


@pytest.mark.parametrize("beginning", [*OTHER_FILES, b"\0\0", b"h\0t\0"])
@pytest.mark.parametrize("suffix", [*SUFFIXES.values(), ".parquet"])
def test_a_file_that_is_no_text_is_told_by_its_first_bytes(
    beginning: bytes, suffix: str, tmp_path: Path
) -> None:
    """Whatever its name says: a workbook, a picture, an archive, a PDF, another encoding."""
    if suffix == ".parquet" and beginning not in set(OTHER_FILES) - {b"PAR1"}:
        pytest.skip("the reader of Parquet says so")
    path = tmp_path / f"list{suffix}"
    path.write_bytes(beginning + b" and so on")
    said = re.escape(OTHER_FILES[beginning]) if beginning in OTHER_FILES else "NUL bytes"
    with pytest.raises(InputError, match=said):
        opened(path)


def test_a_page_is_no_parquet(tmp_path: Path) -> None:
    """A download that was refused is saved under the name of the file."""
    path = tmp_path / "list.parquet"
    path.write_text("<!DOCTYPE html>\n<html>403</html>")
    with pytest.raises(InputError, match="is not Parquet but HTML or XML"):
        opened(path)
