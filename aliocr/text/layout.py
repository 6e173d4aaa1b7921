"""Reading order: the lines, and the text, that pieces on a page make.

Engines find pieces; this module orders them and joins them to lines. A page is divided by white
space, first into columns, then into blocks; a block is read row by row. A page that is turned a
little is straightened first.
"""

from __future__ import annotations

import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Generic, Protocol, TypeVar

import attrs

from aliocr.text.geometry import (
    PlacedText,
    StraightBox,
    StraightBoxes,
    gaps,
    line_height,
    straightened,
    widest,
)

# Lengths in line heights: the median height of the pieces.
MIN_GUTTER = 1.0
MIN_BLOCK_GAP = 0.8
MIN_BAND = 2.0
"""More than a blank line between paragraphs. A band of white so high divides a page before its
columns do, if it is as wide as the gutter, or cuts off a single line: a headline or page number."""

BAND_TO_GUTTER = 0.85
"""A band of this part of the gutter's width divides the page before the gutter does."""

ALIKE = 0.8
"""Bands of this part of the widest band's width divide the page together with it."""

MIN_COLUMN_WIDTH = 7.0
"""Narrower pieces side by side are the cells of a table, which is read by rows, unless one side is
running text and the other is not: notes at its side, or a menu."""

MIN_TEXT_WIDTH = 15.0
FULL_LINE = 0.85
"""Of the longest line. Most lines of running text are so full; most lines of a list are not."""

MIN_COLUMN_PIECES = 3
MIN_COLUMN_BALANCE = 1 / 3
"""Pieces of the emptier column over pieces of the fuller; a third admits one column beside two."""

MAX_NOTES = 0.75
MAX_LEVEL = 0.75
"""Notes are fewer than the lines beside them, and about half are level with a line, by chance. The
cells of a table are all level."""

LEVEL = 0.15
"""The centres of two cells of a row differ by so many heights at most."""

P = TypeVar("P", bound=PlacedText)
P_co = TypeVar("P_co", bound=PlacedText, covariant=True)


@attrs.frozen
class Line(Generic[P_co]):
    """A line of text, as a person reads it: one region or several side by side.

    Args:
        text: Its text; `str(line)` is the same.
        regions: Its pieces, from the left; empty where the service gave a text without places.
    """

    text: str
    regions: tuple[P_co, ...] = ()

    def __str__(self) -> str:
        return self.text

    @classmethod
    def of(cls, regions: Sequence[P_co]) -> Line[P_co]:
        """Return the line that regions side by side make, from the left."""
        return cls(joined_text(regions), tuple(regions))


class PageText(Protocol[P_co]):
    """A text and its pieces: a scan, or one of its frames."""

    @property
    def text(self) -> str:
        """The whole text in one string."""

    @property
    def regions(self) -> tuple[P_co, ...]:
        """The pieces in any order; may be empty though there is text."""


def lines_of(page: PageText[P], frames: Sequence[PageText[P]] = ()) -> tuple[Line[P], ...]:
    """Return the lines of a page in reading order; of its frames, if they have more text.

    The documents do not say if the text of a picture includes the text of all its frames. A frame
    with the same pieces at the same places as the frame before is left out: the animation stands
    still.

    Args:
        page: The picture as a whole.
        frames: Its captured frames, in order.
    """
    said, in_frames = _pieces(page), [piece for frame in frames for piece in _pieces(frame)]
    if not frames or (_letters(in_frames) <= _letters(said) and said != in_frames):
        return _lines(page)
    moving = [
        frame for index, frame in enumerate(frames) if not index or _moves(frames[index - 1], frame)
    ]
    return tuple(line for frame in moving for line in _lines(frame))


def _lines(page: PageText[P]) -> tuple[Line[P], ...]:
    if page.regions:
        lines = (Line.of(row) for row in _rows(page.regions))
        return tuple(line for line in lines if line.text)
    return (Line(page.text),) if page.text else ()


def _pieces(page: PageText[P]) -> list[str]:
    return [region.text for region in page.regions] or [page.text]


def _letters(pieces: Iterable[str]) -> int:
    return sum(len(piece.replace(" ", "")) for piece in pieces)


def _moves(before: PageText[P], frame: PageText[P]) -> bool:
    """Return whether a frame has other pieces than the frame before, or has them elsewhere."""
    return _pieces(before) != _pieces(frame) or any(
        abs(old.x - new.x) >= new.h or abs(old.y - new.y) >= new.h
        # Of two frames that say the same, one may have its text without a place.
        for old, new in zip(before.regions, frame.regions, strict=False)
    )


def reading_order(regions: Iterable[P]) -> tuple[P, ...]:
    """Return the regions in the order a person reads them: columns left to right, then rows.

    On a page of two columns, seven in ten characters are misplaced in the order of an engine, and
    none in this one; `python -m benchmarks.reading` measures pages of many kinds.

    Args:
        regions: Boxes of one picture, in pixels, in any order.
    """
    return tuple(region for row in _rows(tuple(regions)) for region in row)


def _rows(regions: Sequence[P]) -> Iterable[Sequence[P]]:
    """Give the regions row by row, each row from the left.

    The centres of a row are less than half a height apart.
    """
    # A stack, not recursion: a page of a thousand lines may be divided line by line.
    waiting: list[Sequence[StraightBox[P]]] = [straightened(regions)]
    while waiting:
        group = waiting.pop()
        parts = _parts(group) if len(group) > 1 else ()
        if len(parts) > 1:
            waiting.extend(reversed(parts))
            continue
        rows: list[list[StraightBox[P]]] = []
        for each in sorted(group, key=lambda each: each.middle):
            if rows and each.middle - rows[-1][0].middle < min(each.h, rows[-1][0].h) / 2:
                rows[-1].append(each)
            else:
                rows.append([each])
        for row in rows:
            yield [box.piece for box in sorted(row, key=lambda box: box.x)]


def joined_text(regions: Iterable[PlacedText]) -> str:
    """Return the texts as one string, with spaces between, but not between two CJK characters.

    Args:
        regions: In reading order; regions without text are left out.
    """
    texts = [region.text for region in regions if region.text]
    joined = texts[:1]
    for left, right in pairwise(texts):
        if not (is_cjk(left[-1]) and is_cjk(right[0])):
            joined.append(" ")
        joined.append(right)
    return "".join(joined)


# --- dividing a page ------------------------------------------------------------------------------


def _parts(group: StraightBoxes[P]) -> Sequence[StraightBoxes[P]]:
    """Divide a group by its widest white into parts that are read one after the other."""
    line = line_height(group)
    across, gutter = widest(gaps((each.x, each.x + each.w) for each in group))
    bands = gaps((each.y, each.y + each.h) for each in group)
    first = max(MIN_BAND * line, BAND_TO_GUTTER * across)
    if dividing := [place for wide, place in bands if wide >= first]:
        return _bands(group, dividing)
    for wide, place in bands[:1] + bands[-1:]:
        parts = _bands(group, [place])
        if wide >= MIN_BAND * line and min(map(len, parts)) == 1:
            return parts
    if across >= MIN_GUTTER * line:
        left = [each for each in group if each.x < gutter]
        right = [each for each in group if not each.x < gutter]  # NaN is on no side of it
        if _are_columns(left, right, line):
            return left, right
    # All bands alike at once: a table divided row by row could end as a few tall columns.
    least = max(MIN_BLOCK_GAP * line, ALIKE * widest(bands)[0])
    return _bands(group, [place for wide, place in bands if wide >= least])


def _bands(group: StraightBoxes[P], places: Sequence[float]) -> Sequence[StraightBoxes[P]]:
    """Divide a group at these heights, which are in order."""
    parts: list[list[StraightBox[P]]] = [[] for _ in range(len(places) + 1)]
    for each in group:
        parts[bisect_right(places, each.y)].append(each)
    return parts


def _are_columns(left: StraightBoxes[P], right: StraightBoxes[P], line: float) -> bool:
    """Return whether two sides are columns: read one after the other, not row by row."""
    few, many = sorted((left, right), key=len)
    if len(few) < MIN_COLUMN_PIECES or _beside(few, many) < len(few) / 2:
        return False
    narrow, wide = sorted((left, right), key=_width)
    if _width(narrow) > MIN_COLUMN_WIDTH * line:
        return len(few) >= MIN_COLUMN_BALANCE * len(many)
    full = FULL_LINE * max(each.w for each in wide)
    return (
        _width(wide) >= MIN_TEXT_WIDTH * line
        and sum(each.w >= full for each in wide) >= len(wide) / 2
        and len(narrow) <= MAX_NOTES * len(wide)
        and _beside(narrow, wide, by=LEVEL) <= MAX_LEVEL * len(narrow)
    )


def _beside(some: StraightBoxes[P], others: StraightBoxes[P], *, by: float = 1.0) -> int:
    """Count those with another beside them: centres at most `by` of their own height apart."""
    centres = sorted(each.middle for each in others)
    found = 0
    for each in some:
        place = bisect_left(centres, each.middle - by * each.h)
        found += place < len(centres) and centres[place] <= each.middle + by * each.h
    return found


def _width(group: StraightBoxes[P]) -> float:
    return statistics.median(each.w for each in group)


# --- letters --------------------------------------------------------------------------------------


def is_cjk(character: str) -> bool:
    """Return whether a character is Han, kana, their punctuation or full-width; Hangul has spaces.

    Ranges, since `unicodedata` has no property for a script.
    """
    code = ord(character)
    return (
        0x2E80 <= code <= 0x312F  # radicals, punctuation, kana, Bopomofo
        or 0x31A0 <= code <= 0x9FFF  # strokes, full-width signs, all common Han
        or 0xF900 <= code <= 0xFAFF  # compatibility forms of Han
        or 0xFE30 <= code <= 0xFE4F  # vertical punctuation
        or 0xFF00 <= code <= 0xFF60  # full-width Latin and punctuation
        or 0xFF65 <= code <= 0xFF9F  # half-width kana
        or 0xFFE0 <= code <= 0xFFE6  # full-width currency signs
        or 0x20000 <= code <= 0x3FFFF  # rare Han
    )
