"""From pieces of text to a reply: promises on boxes and strings alone."""

from __future__ import annotations

import random

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aliocr.emulator.engine import Recognized, rate
from aliocr.models import Region
from aliocr.text.layout import joined_text, reading_order

LENGTHS = st.floats(0, 3_000, allow_nan=False)
PIECES = st.lists(
    st.builds(
        Recognized,
        text=st.text(max_size=12),
        x=LENGTHS,
        y=LENGTHS,
        w=LENGTHS,
        h=LENGTHS,
        confidence=st.floats(0, 1),
    ),
    max_size=30,
)


def line(text: str, x: float, y: float, w: float = 300, h: float = 20) -> Region:
    """A line of text in an ordinary box."""
    return Region(text, x, y, w, h)


def column(name: str, x: float, y: float, lines: int, w: float = 300) -> list[Region]:
    """Lines `name`1, `name`2, … below each other, 30 pixels apart."""
    return [line(f"{name}{row + 1}", x, y + 30 * row, w) for row in range(lines)]


def read(regions: list[Region]) -> list[str]:
    """The texts in reading order, whatever order the engine found them in."""
    shuffled = regions.copy()
    random.Random(7).shuffle(shuffled)
    return [region.text for region in reading_order(shuffled)]


def words(regions: list[Region]) -> list[str]:
    """The texts as they stand."""
    return [region.text for region in regions]


def test_two_columns_are_read_one_after_the_other() -> None:
    """A newspaper page does not come out as alternating halves of sentences."""
    page = column("a", 0, 0, 8) + column("b", 340, 5, 7)
    assert read(page) == words(page)


def test_three_columns_are_read_from_the_left() -> None:
    """Three columns are two gutters, the wider one taken first."""
    page = column("a", 0, 0, 6) + column("b", 340, 0, 6) + column("c", 690, 0, 6)
    assert read(page) == words(page)


def test_a_headline_over_columns_is_read_first() -> None:
    """What spans both columns divides the page above from below."""
    page = [
        line("headline", 0, 0, w=640, h=40),
        *column("a", 0, 80, 5),
        *column("b", 340, 80, 5),
        line("footer", 100, 300, w=400),
    ]
    assert read(page) == words(page)


def test_paragraph_gaps_that_line_up_do_not_break_columns() -> None:
    """Two columns with a blank line at the same height are still two columns."""
    page = [
        *column("a above", 0, 0, 4),
        *column("a below", 0, 160, 4),
        *column("b above", 360, 0, 4),
        *column("b below", 360, 160, 4),
    ]
    assert read(page) == words(page)


def test_a_table_is_read_row_by_row() -> None:
    """A receipt's prices stay beside their articles."""
    articles, prices = column("article", 0, 0, 6, w=150), column("price", 300, 3, 6, w=60)
    by_rows = [cell for row in zip(articles, prices, strict=True) for cell in row]
    assert read(articles + prices) == words(by_rows)


def test_prices_are_cells_though_they_are_not_level_with_their_dishes() -> None:
    """A column of numbers is not read on its own, as notes beside a text are."""
    menu = [
        piece
        for row in range(5)
        for piece in (
            line(f"dish {row}", 0, 90 * row, w=200),
            line(f"1{row}.50", 420, 90 * row + 5, w=50),
            line(f"with much of {row}", 0, 90 * row + 30, w=260),
        )
    ]
    assert read(menu) == words(menu)


def test_notes_beside_a_text_are_read_on_their_own() -> None:
    """A bar of short lines, whose heights are not those of the text."""
    bar = [line(f"note {row}", 0, 38 * row, w=90) for row in range(6)]
    text = column("text ", 200, 4, 8)
    assert read(bar + text) == words(bar + text)


def test_what_crosses_a_gutter_divides_the_page_or_is_divided() -> None:
    """A caption has white around it; two lines that an engine took for one have not."""
    upper = [*column("upper a", 0, 0, 4), *column("upper b", 310, 0, 4)]
    caption = line("a caption over both columns", 0, 135, w=500)
    lower = [*column("lower a", 0, 180, 6), *column("lower b", 310, 180, 6)]
    page = [*upper, caption, *lower]
    assert read(page) == words(page)
    left, right = "this is the left line", "and this is the right"
    pair = line(f"{left} {right}", 0, 180 + 2 * 30, w=610)
    merged = [piece for piece in page if piece.text not in {"lower a3", "lower b3"}]
    expected = [left if w == "lower a3" else right if w == "lower b3" else w for w in words(page)]
    assert read([*merged, pair]) == expected


def test_lines_that_reach_into_a_gutter_are_not_divided() -> None:
    """Their first and last words are not of the other column, though the boxes are too long."""
    left = [*column("of the left side ", 0, 0, 5), line("of those one is longer", 0, 150, w=318)]
    right = [
        *column("of the right one ", 310, 0, 6),
        line("besides his left he reaches", 290, 180, w=320),
    ]
    assert read([*left, *right]) == words([*left, *right])


def test_a_line_in_pieces_is_read_from_the_left() -> None:
    """Boxes of one line differ a little in height; they are one row all the same."""
    row = [line("one", 10, 100, w=40), line("two", 60, 104, w=40), line("three", 110, 97, w=60)]
    assert read([*row, line("next", 10, 130, w=40)]) == ["one", "two", "three", "next"]


@given(PIECES)
def test_ordering_loses_and_invents_nothing(pieces: list[Recognized]) -> None:
    """Every piece comes out once, whatever the page looks like."""
    assert sorted(map(id, reading_order(pieces))) == sorted(map(id, pieces))


@given(PIECES, st.integers(-500, 500), st.integers(-500, 500))
def test_the_order_does_not_depend_on_where_the_page_lies(
    pieces: list[Recognized], right: int, down: int
) -> None:
    """A strip of a long image is read like the same strip alone."""
    whole = [
        attrs.evolve(p, x=round(p.x), y=round(p.y), w=round(p.w), h=round(p.h)) for p in pieces
    ]
    moved = [attrs.evolve(p, x=p.x + right, y=p.y + down) for p in whole]
    assert [p.text for p in reading_order(whole)] == [p.text for p in reading_order(moved)]


def test_a_page_of_a_thousand_lines_is_put_in_order() -> None:
    """Long pages meet no limit of recursion."""
    gaps = [line(f"{row}", 0, 20 * row + row * row) for row in range(1_000)]
    assert read(gaps) == [str(row) for row in range(1_000)]


@pytest.mark.parametrize(
    ("texts", "joined"),
    [
        (["hello", "this is a test text."], "hello this is a test text."),
        (["欢迎使用", "内容安全"], "欢迎使用内容安全"),
        (["地址：", "杭州市"], "地址：杭州市"),
        (["咖啡 Latte", "x1", "小计"], "咖啡 Latte x1 小计"),
        (["カタカナ", "ひらがな"], "カタカナひらがな"),
        (["안녕", "하세요"], "안녕 하세요"),
        (["", "alone", ""], "alone"),
        ([], ""),
    ],
)
def test_texts_are_joined_by_spaces_but_not_within_chinese(texts: list[str], joined: str) -> None:
    """The one string of a reply reads as people write: no blanks inside Chinese or Japanese."""
    assert joined_text([line(text, 0, 0) for text in texts]) == joined


@given(PIECES)
def test_the_joined_text_holds_every_character_in_order(pieces: list[Recognized]) -> None:
    """Joining adds single spaces and takes nothing away."""
    everything = "".join(piece.text for piece in pieces)
    assert joined_text(pieces).replace(" ", "") == everything.replace(" ", "")


def test_long_texts_weigh_more_in_the_rate() -> None:
    """One doubtful speck does not spoil the figure of a clear page."""
    clear = Recognized("nine char", 0, 0, 1, 1, 1.0)
    speck = Recognized("?", 0, 0, 1, 1, 0.5)
    assert rate([clear, speck]) == 95.0
    assert rate([clear]) == 100.0


def test_a_picture_without_text_has_no_rate() -> None:
    """No text is no number, rather than zero."""
    assert rate([]) is None


@given(PIECES)
def test_a_rate_is_a_percentage_with_two_decimals(pieces: list[Recognized]) -> None:
    """Between 0 and 100, whatever the engine is made of."""
    percent = rate(pieces)
    if percent is None:
        assert not any(piece.text for piece in pieces)
    else:
        assert 0 <= percent <= 100
        assert percent == round(percent, 2)
