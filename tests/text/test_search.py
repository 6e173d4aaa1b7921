"""Words are found where a person sees them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aliocr import Failure, Frame, Image, Match, OCRError, Outcome, Region, Scan, search
from aliocr.job.output.result import Read, Result, Unread

IMAGE = Image("https://example.com/a.png")


def _scan(*lines: str) -> Scan:
    """A scan of lines below each other, each in pieces that are set apart by a bar."""
    regions = tuple(
        Region(text, 200 * column, 30 * row, 10 * len(text), 20)
        for row, line in enumerate(lines)
        for column, text in enumerate(line.split("|"))
    )
    return Scan(IMAGE, " ".join(region.text for region in regions), regions)


def _found(scan: Scan, words: str) -> list[str]:
    return [match.text for match in search([scan], words)]


@pytest.mark.parametrize(
    ("line", "words", "found"),
    [
        ("Total 64.50", "total", "Total"),
        ("TOTAL 64.50", "total 64", "TOTAL 64"),
        ("Subtotal", "total", "total"),
        ("Straße", "STRASSE", "Straße"),
        ("ＴＯＴＡＬ　６４．５０", "total 64.50", "ＴＯＴＡＬ　６４．５０"),
        ("ﬁne", "fine", "ﬁne"),
        ("cafe\u0301", "café", "cafe\u0301"),
        ("ｶﾞﾗｽ", "ガラス", "ｶﾞﾗｽ"),
        ("a   b\tc", "a b c", "a   b\tc"),
        ("sum:|12", "sum: 12", "sum: 12"),
        ("小计 12", "小计12", "小计 12"),
        ("小计12", "小计 12", "小计12"),
        ("欢迎|使用", "欢 迎使用", "欢迎 使用"),
        ("co\u00adop", "coop", "co\u00adop"),
        ("in\u200bvoice", "invoice", "in\u200bvoice"),
    ],
)
def test_words_are_found_however_they_are_written(line: str, words: str, found: str) -> None:
    """Case, width, composed letters, blanks, soft hyphens: what looks the same is the same."""
    assert _found(_scan("before", line, "after"), words) == [found]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("to tal", "total"),
        ("total", "to tal"),
        ("café", "cafe"),
        ("かき", "がき"),
        ("12|34", "1234"),
    ],
)
def test_other_words_are_not(line: str, words: str) -> None:
    """A blank between letters is one, and so is an accent."""
    assert _found(_scan(line), words) == []


def test_each_place_is_a_match() -> None:
    """In the order of the lines, without overlaps, with what to mark."""
    scan = _scan("one two|one", "none", "aaaa")
    first, second, third = search([scan], "one")
    assert [(match.number, match.start, match.end) for match in (first, second, third)] == [
        (0, 0, 3),
        (0, 8, 11),
        (1, 1, 4),
    ]
    assert first.regions == (scan.regions[0],)
    assert second.regions == (scan.regions[1],)
    assert _found(scan, "two one") == ["two one"]
    (both,) = search([scan], "two one")
    assert both.regions == scan.regions[:2]
    assert both.outcome is scan
    assert _found(scan, "aa") == ["aa", "aa"]


def test_a_phrase_may_run_over_the_end_of_a_line() -> None:
    """As a paragraph does, in Latin and in Chinese."""
    scan = _scan("the quick brown", "fox jumps", "over")
    (match,) = search([scan], "Brown fox jumps over")
    assert match.text == "brown fox jumps over"
    assert [(line.text, start, end) for line, start, end in match.spans] == [
        ("the quick brown", 10, 15),
        ("fox jumps", 0, 9),
        ("over", 0, 4),
    ]
    assert match.regions == scan.regions
    assert _found(_scan("今天天", "气很好"), "天气") == ["天 气"]


def test_what_was_not_read_is_passed_over() -> None:
    """Failures, and rows of an output, may stand among the rest."""
    read = Read(row=2, source="a.png", text="Total", frames=(Frame("Total"), Frame("and total")))
    outcomes: list[Outcome] = [
        Failure(IMAGE, OCRError("total loss")),
        _scan("Total"),
        _scan("nothing"),
        _scan(),
    ]
    assert [match.outcome for match in search(outcomes, "total")] == [outcomes[1]]
    rows: list[Result] = [Unread(row=1, source="total.png", kind="BadRow", error="total"), read]
    assert [match.outcome for match in search(rows, "total")] == [read, read]


def test_outcomes_are_drawn_as_they_are_searched() -> None:
    """A file of a million rows is not held."""
    drawn = []

    def source() -> Iterator[Scan]:
        for number in range(5):
            drawn.append(number)
            yield _scan("total")

    matches = search(source(), "total")
    assert isinstance(next(matches), Match)
    assert drawn == [0]


@pytest.mark.parametrize("words", ["", "  ", "\u200b"])
def test_nothing_to_look_for_is_refused(words: str) -> None:
    """At once, and not when the first match is asked for."""
    with pytest.raises(ValueError, match="words must contain at least one visible"):
        search([], words)


@given(st.lists(st.text(max_size=8), max_size=5), st.text(min_size=1, max_size=5))
def test_what_is_found_is_there(lines: list[str], words: str) -> None:
    """Whatever the texts: places lie within their lines, and what was found is found again."""
    scan = _scan(*lines)
    try:
        matches = list(search([scan], words))
    except ValueError:
        return
    for match in matches:
        assert match.lines == scan.lines[match.number : match.number + len(match.lines)]
        for line, start, end in match.spans:
            assert 0 <= start <= end <= len(line.text)
        assert set(match.regions) <= set(scan.regions)
        assert list(search([_scan(match.text)], words))


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=8))
def test_a_text_is_found_in_itself(text: str) -> None:
    """Of any alphabet, and in capitals."""
    scan = Scan(IMAGE, text)
    try:
        matches = list(search([scan], text))
    except ValueError:
        return
    assert matches


def test_a_word_that_a_hyphen_divides_is_found() -> None:
    """With the hyphen, if it belongs to the word, and without; a dash is no hyphen."""
    scan = _scan("co-operative hyphen-", "ation, pages 1-", "2 and Co-", "operation -", "all")
    for words, found in {
        "hyphenation": ["hyphen- ation"],
        "co-operation": ["Co- operation"],
        "cooperation": ["Co- operation"],
        "hyphen- ation": ["hyphen- ation"],
        "co-operat": ["co-operat", "Co- operat"],
        "1-2": [],
        "12": [],
        "operationall": [],
        "ation": ["ation", "ation"],
    }.items():
        assert [match.text for match in search([scan], words)] == found, words
