"""Reading order: order the pieces of text on a page, and join these pieces to lines.

An engine finds pieces of text in any order. This module straightens the page if it is slightly
turned, then divides the page at its gaps into columns and blocks. A block is read row by row.

A *gutter* is a vertical gap between two columns. A *band* is a horizontal gap. A line height is the
median height of the pieces that are to be divided.
"""

from __future__ import annotations

import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Generic, Protocol, Self, TypeVar

from aliocr.text.geometry import (
    PlacedText,
    StraightBox,
    StraightBoxes,
    gaps,
    line_height,
    straightened,
    widest,
)

MIN_GUTTER = 1.0
"""Minimum width of a gutter, in line heights."""

MIN_BLOCK_GAP = 0.8
"""Minimum height of a band between two blocks, in line heights."""

MIN_BAND = 2.0
"""Minimum height, in line heights, of a band that divides a page before gutters are tried. This is
more than a blank line between paragraphs. The band must also be about as high as the gutter is
wide, or separate a single piece, such as a headline or a page number."""

BAND_TO_GUTTER = 0.85
"""Minimum ratio of the height of such a band to the width of the gutter, unless the band cuts off a
single piece."""

ALIKE = 0.8
"""Minimum ratio of the height of a band to the height of the highest band. All bands with at least
this ratio divide a page together."""

MIN_COLUMN_WIDTH = 7.0
"""Minimum width of a column, in line heights. Narrower pieces side by side are cells of a table,
which is read row by row. There is one exception: narrow pieces at the side of running text may be
notes or a menu."""

MIN_TEXT_WIDTH = 15.0
"""Minimum width of running text, in line heights."""

FULL_LINE = 0.85
"""Minimum ratio of the width of a full line to the width of the longest line. Most lines of running
text are full, but most lines of a list are not."""

MIN_COLUMN_PIECES = 3
"""Minimum number of pieces in a column."""

MIN_COLUMN_BALANCE = 1 / 3
"""Minimum ratio of the number of pieces in the column with fewer pieces to the number of pieces in
the other column. The ratio is only a third, because the other side may consist of two columns."""

MAX_NOTES = 0.75
"""Maximum ratio of the number of notes to the number of lines in the running text, because there
are fewer notes than lines."""

MAX_LEVEL = 0.75
"""Maximum share of the notes that are at the same height as a line of the running text. About half
of the notes have the height of a line by chance. In a table, all cells have the height of a cell in
the other column."""

LEVEL = 0.15
"""Maximum vertical distance between the centres of a note and a line at the same height, in heights
of the note."""

P = TypeVar("P", bound=PlacedText)
P_co = TypeVar("P_co", bound=PlacedText, covariant=True)


class Line(str, Generic[P_co]):
    """A line of text, as a person reads: one region, or several regions side by side.

    A line is a string, so lines can be joined, compared, searched and printed as strings.

    Args:
        text: The text of the line.
        regions: The regions of the line, from left to right. Empty if the service gave a text
            without regions.
    """

    __slots__ = ("_regions",)

    _regions: tuple[P_co, ...]

    def __new__(cls, text: str, regions: tuple[P_co, ...] = ()) -> Self:
        """Make a string that knows its regions."""
        line = super().__new__(cls, text)
        line._regions = regions
        return line

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.text, self.regions)

    @property
    def text(self) -> str:
        """The text of the line, as a plain string."""
        return str(self)

    @property
    def regions(self) -> tuple[P_co, ...]:
        """The regions of the line, from left to right; empty if the text has no regions."""
        return self._regions

    @classmethod
    def of(cls, regions: Sequence[P_co]) -> Line[P_co]:
        """Return the line of these regions, which are side by side, from left to right."""
        return cls(joined_text(regions), tuple(regions))


class PageText(Protocol[P_co]):
    """A text and its pieces: a scan, or a frame of a scan."""

    @property
    def text(self) -> str:
        """The whole text in one string."""

    @property
    def regions(self) -> tuple[P_co, ...]:
        """The pieces in any order. May be empty although there is text."""


def lines_of(page: PageText[P], frames: Sequence[PageText[P]] = ()) -> tuple[Line[P], ...]:
    """Return the lines of a page in reading order.

    The documents do not say if the text of a picture includes the text of all its frames. So if the
    frames have more text than the page, or the same pieces, return the lines of the frames. A frame
    that has the same pieces at the same places as the frame before is skipped.

    Args:
        page: The picture as a whole.
        frames: The captured frames of the picture, in order.
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
    """Return whether a frame has other pieces than the frame before, or pieces at other places."""
    return _pieces(before) != _pieces(frame) or any(
        abs(old.x - new.x) >= new.h or abs(old.y - new.y) >= new.h
        # Not strict, because of two frames with the same text, one frame may have no regions.
        for old, new in zip(before.regions, frame.regions, strict=False)
    )


def reading_order(regions: Iterable[P]) -> tuple[P, ...]:
    """Return the regions in reading order: columns from left to right, each column row by row.

    On a page of two columns, seven of ten characters are at a wrong place in the order of an
    engine, and none in this order. `python -m benchmarks.reading` measures pages of many kinds.

    Args:
        regions: Boxes of one picture, in pixels, in any order.
    """
    return tuple(region for row in _rows(tuple(regions)) for region in row)


def _rows(regions: Sequence[P]) -> Iterable[Sequence[P]]:
    """Yield the rows of the page in reading order, each row from left to right.

    In a row, the centre of each region is less than half a box height below the centre of the
    highest region.
    """
    # A stack is used, because a page of a thousand lines may be divided line by line, which is too
    # deep for recursion.
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
    """Return the texts as one string, with a space between two texts.

    There is no space between two CJK characters (Chinese or Japanese).

    Args:
        regions: Regions in reading order; regions without text are skipped.
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
    """Divide a group at its widest gaps into parts that are read one after the other."""
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
        right = [each for each in group if not each.x < gutter]  # so that NaN is on the right
        if _are_columns(left, right, line):
            return left, right
    # Divide at all bands of similar height together. If only the highest band divided the group,
    # its parts could still hold several rows of a table, and would be read column by column.
    least = max(MIN_BLOCK_GAP * line, ALIKE * widest(bands)[0])
    return _bands(group, [place for wide, place in bands if wide >= least])


def _bands(group: StraightBoxes[P], places: Sequence[float]) -> Sequence[StraightBoxes[P]]:
    """Divide a group at these vertical positions, which are in order from top to bottom."""
    parts: list[list[StraightBox[P]]] = [[] for _ in range(len(places) + 1)]
    for each in group:
        parts[bisect_right(places, each.y)].append(each)
    return parts


def _are_columns(left: StraightBoxes[P], right: StraightBoxes[P], line: float) -> bool:
    """Return whether the two sides of a gutter are columns, which are read one after the other."""
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
    """Count the boxes of `some` that have a box of `others` beside them.

    Two boxes are beside each other if the vertical distance between their centres is at most `by`
    times the height of the box in `some`.
    """
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
    """Return whether a character is Han or kana, punctuation of these scripts, or full-width.

    Hangul is not included, because it is written with spaces. The function has ranges of
    code points, because `unicodedata` does not know the script of a character.
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
