"""The lines of a scan, as a person reads them."""

from __future__ import annotations

from math import inf, nan

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aliocr import Frame, Image, Line, Region, Scan
from aliocr.job.output.result import Read
from aliocr.text.geometry import turned

IMAGE = Image("https://example.com/a.png")
LENGTHS = st.floats(-100, 3_000, allow_nan=False) | st.sampled_from([1e308, -1e308, inf, -inf, nan])
REGIONS = st.lists(
    st.builds(Region, text=st.text(max_size=6), x=LENGTHS, y=LENGTHS, w=LENGTHS, h=LENGTHS),
    max_size=40,
).map(tuple)


def _scan(*regions: Region, frames: tuple[Frame, ...] = (), text: str | None = None) -> Scan:
    joined = " ".join(region.text for region in regions)
    return Scan(IMAGE, joined if text is None else text, regions, frames)


def _at(text: str, x: float, y: float, w: float = 60) -> Region:
    return Region(text, x, y, w, 20)


def _frame(*regions: Region) -> Frame:
    return Frame(" ".join(region.text for region in regions), regions)


def _texts(scan: Scan | Frame) -> list[str]:
    return [str(line) for line in scan.lines]


def test_pieces_side_by_side_are_one_line() -> None:
    """A receipt's price stands behind its article, whichever came first, and both can be found."""
    price, article, total = _at("4.50", 300, 12), _at("Latte", 10, 10), _at("Total", 10, 40)
    lines = _scan(price, total, article).lines
    assert [line.text for line in lines] == ["Latte 4.50", "Total"]
    assert lines[0].regions == (article, price)
    assert str(lines[0]) == "Latte 4.50"


def test_a_table_is_read_by_rows() -> None:
    """Each row of cells is a line, from the left."""
    cells = [
        _at(f"{row}{column}", 100 * column, 40 * row) for column in range(3) for row in range(3)
    ]
    assert _texts(_scan(*cells)) == ["00 01 02", "10 11 12", "20 21 22"]


def test_columns_are_read_one_after_the_other() -> None:
    """No line of one runs on into the other."""
    page = [
        _at(f"{name}{row}", x, 30 * row, 300)
        for row in range(5)
        for name, x in (("a", 0), ("b", 360))
    ]
    assert _texts(_scan(*page)) == [f"{name}{row}" for name in "ab" for row in range(5)]


def test_a_price_is_not_taken_for_that_of_the_line_above_or_below() -> None:
    """A receipt 4.6° askew, whose rows would also fit at 7.7°, which is more than its boxes say."""
    rows = [
        (("Ham and cheese", 54, 162, 177, 42), ("129.89", 780, 112, 82, 34)),
        (("Rice", 56, 209, 60, 34), ("182.34", 782, 150, 84, 34)),
        (("Flat white", 59, 241, 131, 39), ("84.42", 796, 187, 73, 34)),
        (("Green tea", 62, 281, 120, 37), ("120.01", 788, 225, 84, 35)),
        (("Milk 3.5%", 64, 319, 122, 36), ("151.10", 791, 263, 84, 35)),
        (("Butter", 68, 360, 82, 34), ("196.18", 795, 301, 83, 34)),
        (("Rice", 70, 398, 61, 34), ("176.96", 798, 339, 83, 34)),
        (("Butter", 74, 435, 82, 35), ("160.44", 801, 377, 83, 34)),
        (("Butter", 77, 473, 83, 35), ("141.48", 802, 415, 85, 34)),
        (("Bread rolls x6", 81, 503, 178, 42), ("23.49", 818, 453, 71, 33)),
    ]
    regions = [Region("Corner Cafe", 350, 85, 208, 51)]
    regions += [Region(*piece) for row in rows for piece in row]
    lines = Scan(Image("https://example.com/a.png"), "", tuple(regions)).lines
    printed = [f"{dish[0]} {price[0]}" for dish, price in rows]
    assert sorted(map(str, lines)) == sorted(["Corner Cafe", *printed])


def test_chinese_pieces_join_without_blanks() -> None:
    """As it is written."""
    assert _texts(_scan(_at("欢迎", 0, 0), _at("使用", 70, 2), _at("OCR", 140, 1))) == [
        "欢迎使用 OCR"
    ]


def test_frames_are_read_in_turn() -> None:
    """Where the whole picture says less than its frames; a frame has lines of its own, too."""
    first, second = _frame(_at("one", 0, 30), _at("zero", 0, 0)), _frame(_at("two", 0, 0))
    scan = _scan(_at("zero", 0, 0), _at("one", 0, 30), frames=(first, second))
    assert _texts(scan) == ["zero", "one", "two"]
    assert _texts(first) == ["zero", "one"]


def test_a_whole_that_says_as_much_is_read_instead_of_its_frames() -> None:
    """A long picture whose strips are its frames is not read twice."""
    pieces = [_at("one", 0, 0), _at("two", 0, 30), _at("three", 0, 60)]
    frames = (_frame(*pieces[:2]), _frame(*pieces[2:]))
    lines = _scan(*pieces, frames=frames).lines
    assert [line.regions for line in lines] == [(piece,) for piece in pieces]


@pytest.mark.parametrize("moved", [0.0, 3.0])
def test_an_animation_that_stands_still_is_read_once(moved: float) -> None:
    """The same words where they were, give or take what an engine sees in noise."""
    region = _at("SALE", 10, 10)
    frames = tuple(_frame(attrs.evolve(region, x=10 + moved * number)) for number in range(3))
    assert _texts(_scan(_at("SALE", 10, 10), frames=frames)) == ["SALE"]


def test_what_moves_or_changes_is_read_again() -> None:
    """Rolling credits say the same at another place, a slide show says something else there."""
    rolling = (_frame(_at("credits", 0, 100)), _frame(_at("credits", 0, 40)))
    assert _texts(_scan(frames=rolling, text="")) == ["credits", "credits"]
    slides = (_frame(_at("one", 0, 0)), _frame(_at("two", 0, 0)), _frame(_at("one", 0, 0)))
    assert _texts(_scan(frames=slides, text="")) == ["one", "two", "one"]


def test_a_text_without_places_is_one_line() -> None:
    """The service may leave them out, of a picture or of its frames."""
    assert _scan(text="hello there").lines == (Line("hello there"),)
    assert Frame("hello").lines == (Line("hello"),)
    frames = (Frame("one"), Frame("two"), Frame("two"))
    assert _scan(text="one", frames=frames).lines == (Line("one"), Line("two"))
    half_placed = (_frame(_at("two", 0, 0)), Frame("two"))
    assert _texts(_scan(text="", frames=half_placed)) == ["two"]


def test_a_picture_without_text_has_no_lines() -> None:
    """Nor has one whose pieces say nothing."""
    assert _scan(text="").lines == ()
    assert Frame("").lines == ()
    assert _scan(_at("", 0, 0), frames=(_frame(), _frame())).lines == ()


def test_a_piece_without_a_place_is_not_lost() -> None:
    """Neither by columns, beside which it is not, nor by bands."""
    columns = [_at(f"{x}", x, y, 200.0) for x in (0, 300) for y in range(0, 100, 20)]
    nowhere = _at("nowhere", nan, 40)
    assert "nowhere" in " ".join(_texts(_scan(*columns, nowhere)))


@given(REGIONS)
def test_every_region_is_in_exactly_one_line(regions: tuple[Region, ...]) -> None:
    """Whatever the boxes; those without text are in none of their own."""
    lines = _scan(*regions).lines
    found = [id(region) for line in lines for region in line.regions]
    assert len(set(found)) == len(found)
    assert {id(region) for region in regions if region.text} <= set(found)
    assert set(found) <= {id(region) for region in regions}
    assert all(line.text for line in lines)
    letters = sorted("".join(region.text for region in regions).replace(" ", ""))
    assert sorted("".join(line.text for line in lines).replace(" ", "")) == letters


@given(REGIONS, REGIONS)
def test_a_row_of_an_output_has_the_same_lines(
    regions: tuple[Region, ...], other: tuple[Region, ...]
) -> None:
    """As the scan that it came from."""
    frames = (_frame(*regions), _frame(*other))
    read = Read(row=1, source="a", text="", regions=regions, frames=frames)
    assert read.lines == _scan(*regions, frames=frames, text="").lines


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_a_turned_picture_is_read_as_if_it_were_upright(turn: int) -> None:
    """Its lines have the regions of the picture that was given, in columns and pairs, too."""
    page = [
        _at(f"{name}{row} of the text", x, 30 * row, 300)
        for row in range(6)
        for name, x in (("a", 0), ("b", 360))
    ]
    page[4:6] = [_at("a2 of the text b2 of the text", 0, 60, 660)]
    as_given = [turned(each, (360 - turn) % 360) for each in page]
    for read in (
        attrs.evolve(_scan(*as_given), turn=turn),
        Read(row=1, source="a", text="a", regions=tuple(as_given), turn=turn),
    ):
        assert [line.text for line in read.lines] == [line.text for line in _scan(*page).lines]
        assert len(read.lines) == 12
        for line, upright in zip(read.lines, _scan(*page).lines, strict=True):
            assert [turned(each, turn) for each in line.regions] == list(upright.regions)
    ways = [Scan(IMAGE, "", frames=(_frame(*as_given), _frame(as_given[0])), turn=turn)]
    assert [line.text for way in ways for line in way.lines][:12] == _texts(_scan(*page))
