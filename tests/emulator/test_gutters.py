"""Lines of two columns that a detector took for one."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.support.truth import SAMPLES

pytest.importorskip("rapidocr")
pytest.importorskip("onnxruntime")

import numpy as np
from PIL import Image

from aliocr.emulator.engine import RapidOCREngine
from aliocr.emulator.gutters import Boxes, Pixels, at_gutters
from aliocr.text.layout import reading_order

LINE, PITCH = 20, 28


def page(blanks: list[list[tuple[int, int]]]) -> tuple[Pixels, Boxes]:
    """A line of strokes for each list, 400 pixels wide, with these blanks in it; and its box."""
    picture = np.full((60 + PITCH * len(blanks), 480, 3), 250, np.uint8)
    boxes = []
    for row, own in enumerate(blanks):
        top = 30 + PITCH * row
        picture[top + 4 : top + 16, 40:440:4] = 20
        for start, end in own:
            picture[top : top + LINE, start:end] = 250
        boxes.append([(36, top), (444, top), (444, top + LINE), (36, top + LINE)])
    return picture, np.array(boxes, np.float32)


def spans(picture: Pixels, boxes: Boxes) -> list[list[tuple[int, int]]]:
    """Start and end of the parts of each box."""
    return [
        [(round(float(part[0][0])), round(float(part[1][0]))) for part in parts]
        for parts in at_gutters(picture, boxes)
    ]


def test_a_blank_at_one_place_in_many_lines_divides_them() -> None:
    """Each part ends a little within the gutter, and the parts do not touch."""
    for parts in spans(*page([[(230, 246)]] * 6)):
        (left, end), (start, right) = parts
        assert (left, right) == (36, 444)
        assert 230 < end < start < 246


def test_three_columns_are_three_parts() -> None:
    """In the order of the line."""
    for parts in spans(*page([[(150, 166), (300, 316)]] * 5)):
        assert len(parts) == 3
        assert all(one[1] < other[0] for one, other in pairwise(parts))


def test_lines_that_end_and_begin_at_a_blank_show_a_gutter() -> None:
    """The detector took only one line of eight for one with the line beside it."""
    picture, boxes = page([[(230, 246)]] * 8)
    (left, right) = at_gutters(picture, boxes)[3]
    halves = [
        part for at, parts in enumerate(at_gutters(picture, boxes)) if at != 3 for part in parts
    ]
    (*others, divided) = at_gutters(picture, np.array([*halves, boxes[3]], np.float32))
    assert [part.tolist() for part in divided] == [left.tolist(), right.tolist()]
    assert all(len(parts) == 1 for parts in others)
    ends_alone = at_gutters(picture, np.array([*halves[::2], boxes[3]], np.float32))
    assert len(ends_alone[-1]) == 1


@pytest.mark.parametrize(
    "blanks",
    [
        [[(60 + 37 * row, 76 + 37 * row)] for row in range(8)],  # between words
        [[(230, 246)]] * 2,  # two lines show no gutter
        [[(230, 236)]] * 6,  # as narrow as between letters
        [[]] * 6,
    ],
)
def test_blanks_between_words_divide_nothing(blanks: list[list[tuple[int, int]]]) -> None:
    """A box that is not divided is the same box."""
    picture, boxes = page(blanks)
    for box, parts in zip(boxes, at_gutters(picture, boxes), strict=True):
        assert len(parts) == 1
        assert parts[0] is box or (parts[0] == box).all()


def test_a_part_of_a_slanted_box_is_as_slanted() -> None:
    """Its corners are on the edges of the whole box."""
    picture, boxes = page([[(230, 246)]] * 6)
    boxes[:, 1:3, 1] += 4
    for box, (left, _) in zip(boxes, at_gutters(picture, boxes), strict=True):
        rise = (left[1][0] - 36) / (444 - 36) * 4
        assert left[1][1] == pytest.approx(box[0][1] + rise)
        assert left[2][1] == pytest.approx(box[3][1] + rise)


@pytest.mark.engine
def test_a_newspaper_with_narrow_gutters_is_read_column_by_column() -> None:
    """Its three columns are so near to each other that the detector sees whole lines."""
    picture = Image.open(SAMPLES.parent / "text" / "order" / "news.png").convert("RGB")
    found = reading_order(RapidOCREngine().recognize(picture))
    texts = [piece.text for piece in found]
    assert texts[:2] == [
        "Town hall opens library on Sunday",
        "reading error larger improves values",
    ]
    assert "values columns then method values" in texts
    assert "error results noise columns when larger" in texts
    sides = [round(piece.x / 380) for piece in found[1:]]
    assert sides == sorted(sides)
    assert set(sides) == {0, 1, 2}
