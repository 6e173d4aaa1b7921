"""Texts of all pictures: plain, and in Markdown that shows them as they are."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aliocr import Region
from aliocr.export.formats import format_of
from aliocr.export.originals import PictureFiles
from aliocr.export.tally import ExportTally
from aliocr.export.text import escaped
from aliocr.export.wording import legible
from aliocr.job.output.result import Result
from tests.support.rows_read import failed, said

MARKUP = [
    *("# 1", "## a #", "* x", "- x", "+ x", "1. x", "12) x", "> x", "---", "===", "***", ": x"),
    *("<b>bold</b>", "<!-- x -->", "&amp; &#65;", "`code`", "``` x", "~~~", "    x", "\tx"),
    *("| a | b |", "|---|---|", "--- | ---", "[a](b)", "![a](b)", "[a]: b", "<https://a.b>"),
    *("*a* _b_ **c** __d__ ~~e~~", "a\\", "a\\*b", "a_b_c", "$5 and $6", "x  ", "2024. x", "a|b"),
]


def _exported(name: str, rows: Iterable[Result], folder: Path) -> tuple[str, ExportTally]:
    target, tally = folder / name, ExportTally()
    format_of(name).writer(rows, target, PictureFiles(folder), tally)
    return target.read_bytes().decode(), tally


def test_a_text_has_a_page_for_each_picture(tmp_path: Path) -> None:
    """Its name, its source without a query, its lines in reading order; then a form feed."""
    two = (
        Region("right", 100, 1, 40, 20),
        Region("left", 1, 1, 40, 20),
        Region("below", 1, 40, 40, 20),
    )
    rows = [
        said("", source="https://me:geheim@example.com/shop/a%20b.png?…", regions=two),
        failed(2),
        said("one\x07 line\nand another", 3, id="inv-7", regions=()),
        said("", 4, source="c.png", regions=()),
    ]
    text, tally = _exported("pages.txt", rows, tmp_path)
    assert text.split("\f") == [
        "a b.png\nhttps://…@example.com/shop/a%20b.png?…\n\nleft right\nbelow\n",
        "inv-7\n/nowhere/3.png\n\none line\nand another\n",
        "c.png\n\n",
        "",
    ]
    assert (tally.written, tally.unread) == (3, 1)


def _shown(markdown: str) -> list[tuple[str, str]]:
    """What a parser makes of Markdown: each block with its kind, as plain text."""
    parser = pytest.importorskip("markdown_it").MarkdownIt("gfm-like", {"linkify": False})
    blocks, kind = [], ""
    for token in parser.parse(markdown):
        if token.type.endswith("_open"):
            kind = token.tag
        elif token.type == "inline":
            parts = {child.type for child in token.children}
            assert parts <= {"text", "softbreak", "hardbreak", "text_special"}, parts
            words = "".join(
                child.content if child.type.startswith("text") else "\n" for child in token.children
            )
            assert "softbreak" not in parts
            blocks.append((kind, words))
        else:
            assert token.type.endswith("_close"), token.type
    return blocks


@pytest.mark.parametrize("text", MARKUP)
def test_markup_in_a_picture_is_shown_as_it_is(text: str, tmp_path: Path) -> None:
    """Whatever stands before and behind it; also in an id."""
    lines = ["before", text, text, "behind"]
    rows = [said("\n".join(lines), source="a.png", regions=(), id=text)]
    markdown, _ = _exported("pages.md", rows, tmp_path)
    plain = text.replace("\t", " ").strip()
    body = f"before\n{plain}\n{plain}\nbehind"
    assert _shown(markdown) == [("h1", "pages"), ("h2", plain), ("p", "a.png"), ("p", body)]


@given(st.lists(st.text(max_size=12) | st.sampled_from(MARKUP), min_size=1, max_size=4))
def test_any_text_is_shown_as_it_is(lines: list[str]) -> None:
    """Line by line."""
    plain = [shown for line in lines if (shown := legible(line).strip())]
    blocks = _shown("  \n".join(map(escaped, plain)))
    assert blocks == ([("p", "\n".join(plain))] if plain else [])


def test_no_letter_is_escaped_in_vain() -> None:
    """The source stays legible: prices, dates, Chinese."""
    for text in ("Total 64.50", "2024-12-13 10:28:45", "发票（合计）", "a, b; c: d (e)"):
        assert escaped(text) == text
    assert html.unescape(re.sub(r"\\(.)", r"\1", escaped("1. <b> *a*"))) == "1. <b> *a*"
