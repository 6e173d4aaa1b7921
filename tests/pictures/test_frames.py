"""Which frames of a picture are read: promises on numbers alone."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aliocr.pictures.frames import chosen_frames, is_long, strip_span, total_frames

SIDES = st.integers(1, 30_000)
COUNTS = st.integers(1, 5_000)


@pytest.mark.parametrize(
    ("width", "height", "frames"),
    [
        (600, 4200, 7),
        (4200, 600, 7),
        (400, 1001, 3),  # just above 2.5 : 1
        (400, 1000, 1),  # 2.5 : 1 is not above it
        (160, 400, 1),  # 400 pixels are not above 400
        (160, 401, 3),
        (401, 100, 4),
        (100, 450, 5),  # a half rounds up
        (1000, 3500, 4),
        (1280, 800, 1),
        (1, 1, 1),
    ],
)
def test_a_long_image_has_as_many_frames_as_its_rounded_ratio(
    width: int, height: int, frames: int
) -> None:
    """A picture counts as long, and into how many frames, exactly as the documents write."""
    assert total_frames(width, height) == frames
    assert is_long(width, height) == (frames > 1)


def test_a_gif_that_moves_counts_its_own_frames() -> None:
    """A banner that moves is no long image; one that stands still is."""
    assert total_frames(1200, 100, gif_frames=8) == 8
    assert total_frames(1200, 100, gif_frames=1) == 12


@given(SIDES, SIDES)
def test_turning_a_picture_does_not_change_its_frames(width: int, height: int) -> None:
    """Portrait and landscape follow one rule."""
    assert total_frames(width, height) == total_frames(height, width)


@given(SIDES, SIDES)
def test_the_number_of_strips_is_the_ratio_rounded_half_up(width: int, height: int) -> None:
    """No rounding slips in through floating point."""
    if is_long(width, height):
        ratio = Fraction(max(width, height), min(width, height))
        assert total_frames(width, height) == math.floor(ratio + Fraction(1, 2))


@pytest.mark.parametrize(
    ("total", "interval", "max_frames", "chosen"),
    [
        (10, 2, 100, [0, 2, 4, 6, 8]),  # the documents' example of interval and maxFrames
        (10, 2, 3, [0, 4, 8]),  # 2 x 3 < 10: one of every ceil(10 / 3)
        (10, 1, 10, list(range(10))),
        (10, 3, 2, [0, 5]),
        (10, 20, 5, [0]),
        (4, 1, 1, [0]),
        (1, 1, 1, [0]),
    ],
)
def test_one_of_every_interval_is_read_up_to_max_frames(
    total: int, interval: int, max_frames: int, chosen: list[int]
) -> None:
    """By the documents' two parameters, the automatic widening included."""
    assert list(chosen_frames(total, interval=interval, max_frames=max_frames)) == chosen


def test_only_the_first_frame_is_read_unless_asked() -> None:
    """A long GIF costs one image, unless more frames are asked for."""
    assert list(chosen_frames(500, interval=None, max_frames=None)) == [0]


@given(COUNTS, COUNTS, COUNTS)
def test_no_choice_costs_more_than_max_frames(total: int, interval: int, max_frames: int) -> None:
    """The cap is a cap on the bill, and every chosen frame exists."""
    chosen = chosen_frames(total, interval=interval, max_frames=max_frames)
    assert 1 <= len(chosen) <= max_frames
    assert chosen[0] == 0
    assert chosen[-1] < total


@given(COUNTS, COUNTS, COUNTS)
def test_chosen_frames_reach_over_the_whole_picture(
    total: int, interval: int, max_frames: int
) -> None:
    """A small cap thins the frames out; it does not leave the end of the picture unread."""
    chosen = chosen_frames(total, interval=interval, max_frames=max_frames)
    assert total - chosen[-1] <= chosen.step
    assert chosen.step == max(interval, math.ceil(total / max_frames))


@given(st.integers(1, 30_000).flatmap(lambda side: st.tuples(st.just(side), st.integers(1, side))))
def test_strips_cover_a_picture_without_gap_or_overlap(side_and_total: tuple[int, int]) -> None:
    """Each pixel belongs to one strip, and no strip is more than a pixel longer than another."""
    side, total = side_and_total
    spans = [strip_span(index, side, total) for index in range(total)]
    assert (spans[0][0], spans[-1][1]) == (0, side)
    assert all(before[1] == after[0] for before, after in pairwise(spans))
    lengths = {stop - start for start, stop in spans}
    assert min(lengths) >= 1
    assert max(lengths) - min(lengths) <= 1


def test_a_strip_costs_the_same_however_many_there_are() -> None:
    """A hairline has as many strips as pixels: work for all of them at each would never end."""
    assert strip_span(10**11, 10**12, 10**12) == (10**11, 10**11 + 1)
