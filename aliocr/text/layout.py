"""Reading order: order the pieces of text on a page, and join these pieces to lines.

An engine finds pieces of text in any order. The way of a page: turn vertical text, straighten the
page if it is slightly turned, divide it at its gaps into columns and blocks, and read each block
row by row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Generic, Protocol, Self, TypeVar

from aliocr.text.columns import parts
from aliocr.text.geometry import PlacedText, StraightBox, StraightBoxes, turned
from aliocr.text.letters import is_cjk
from aliocr.text.skew import straightened
from aliocr.text.vertical import blocks, is_vertical

MIN_LONG = 2.5
"""The longer side of a long picture is more than so many times as long as the other side. The
frames of such a picture are strips. Source: documents, "interval"."""

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


class PageText(Protocol[P_co]):
    """A text and its pieces: a scan, or a frame of a scan."""

    @property
    def text(self) -> str:
        """The whole text in one string."""

    @property
    def regions(self) -> tuple[P_co, ...]:
        """The pieces in any order. May be empty although there is text."""


def lines_of(
    page: PageText[P],
    frames: Sequence[PageText[P]] = (),
    *,
    turn: int | None = None,
    size: tuple[int | None, int | None] = (None, None),
) -> tuple[Line[P], ...]:
    """Return the lines of a page in reading order.

    The documents do not say if the text of a picture includes the text of all its frames. So if the
    frames have more text than the page, or the same pieces, return the lines of the frames. A frame
    that has the same pieces at the same places as the frame before is skipped. If the frames are
    known to be strips of a long picture, only the picture counts: a line may run through them.

    Args:
        page: The picture as a whole.
        frames: The captured frames of the picture, in order.
        turn: Angle by which the picture must be turned clockwise to be upright, in degrees; None if
            it is upright. The regions of the lines stay those of the picture as it is.
        size: Width and height of the picture, in pixels; None if they are not known.
    """
    if _are_strips(frames, *size):
        return _lines(page, turn)
    said, in_frames = _pieces(page), [piece for frame in frames for piece in _pieces(frame)]
    if not frames or (_letters(in_frames) <= _letters(said) and said != in_frames):
        return _lines(page, turn)
    moving = [
        frame for index, frame in enumerate(frames) if not index or _moves(frames[index - 1], frame)
    ]
    return tuple(line for frame in moving for line in _lines(frame, turn))


def _lines(page: PageText[P], turn: int | None) -> tuple[Line[P], ...]:
    if page.regions:
        lines = (Line(text, tuple(row)) for text, row in _upright_rows(page.regions, turn))
        return tuple(line for line in lines if line.text)
    return (Line(page.text),) if page.text else ()


def _are_strips(frames: Sequence[PageText[P]], width: int | None, height: int | None) -> bool:
    """Return whether frames are strips of a picture, from its upper end or from its left end."""
    if not frames or not width or not height or max(width, height) <= MIN_LONG * min(width, height):
        return False
    places = [
        [each.y + each.h / 2 if height > width else each.x + each.w / 2 for each in frame.regions]
        for frame in frames
    ]
    return all(max(before) <= min(place) for before, place in pairwise(filter(None, places)))


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


def reading_order(regions: Iterable[P], turn: int | None = None) -> tuple[P, ...]:
    """Return the regions in reading order: columns from left to right, each column row by row.

    Columns of vertical Chinese or Japanese are read from right to left. A region that has a line of
    two neighbouring columns is returned as two regions.

    `python -m benchmarks.reading` measures pages of many kinds.

    Args:
        regions: Boxes of one picture, in pixels, in any order.
        turn: Angle by which the picture must be turned clockwise to be upright, as in `lines_of`.
    """
    return tuple(region for _, row in _upright_rows(tuple(regions), turn) for region in row)


def _upright_rows(regions: Sequence[P], turn: int | None) -> Iterator[tuple[str, Sequence[P]]]:
    """Yield the text of each row of the page as it is upright, and the row's regions as given."""
    if not turn:
        yield from ((joined_text(row), row) for row in _rows(regions))
        return
    upright = [turned(region, turn) for region in regions]
    given = {id(piece): region for piece, region in zip(upright, regions, strict=True)}
    for row in _rows(upright):
        # A pair was divided into two pieces, which were not given.
        yield joined_text(row), [given.get(id(each)) or turned(each, 360 - turn) for each in row]


def _rows(regions: Sequence[P]) -> Iterable[Sequence[P]]:
    """Yield the rows of the page in reading order, each row from left to right."""
    # A stack is used, because a page of a thousand lines may be divided line by line, which is too
    # deep for recursion.
    waiting: list[StraightBoxes[P]] = [straightened(block) for block in reversed(blocks(regions))]
    while waiting:
        group = waiting.pop()
        divided = parts(group) if len(group) > 1 else ()
        if len(divided) > 1:
            waiting.extend(reversed(divided))
            continue
        rows: list[list[StraightBox[P]]] = []
        for each in sorted(group, key=lambda each: each.middle):
            if rows and _continues(rows[-1], each):
                rows[-1].append(each)
            else:
                rows.append([each])
        for row in rows:
            yield [box.piece for box in sorted(row, key=lambda box: box.x)]


def _continues(row: Sequence[StraightBox[P]], box: StraightBox[P]) -> bool:
    """Return whether a box is in a row: beside its boxes, and level with the highest of them."""
    if not box.middle - row[0].middle < min(box.h, row[0].h) / 2:
        return False
    return all(
        min(each.x + each.w, box.x + box.w) - max(each.x, box.x) <= min(each.w, box.w) / 2
        for each in row
    )


def joined_text(regions: Iterable[PlacedText], turn: int | None = None) -> str:
    """Return the texts as one string, with a space between two texts.

    There is no space between two CJK characters (Chinese or Japanese), unless the gap between the
    regions is wider than a letter, as between two cells of a table.

    Args:
        regions: Regions in reading order; regions without text are skipped.
        turn: Angle by which the picture must be turned clockwise to be upright, as in `lines_of`.
    """
    pieces = [turned(region, turn or 0) for region in regions if region.text]
    joined = [piece.text for piece in pieces[:1]]
    for left, right in pairwise(pieces):
        if not (is_cjk(left.text[-1]) and is_cjk(right.text[0])) or _apart(left, right):
            joined.append(" ")
        joined.append(right.text)
    return "".join(joined)


def _apart(left: PlacedText, right: PlacedText) -> bool:
    """Return whether the gap between two regions of one line is wider than a letter."""
    letter = min(max(each.w, each.h) / len(each.text) for each in (left, right))
    if is_vertical(left) and is_vertical(right):
        return right.y - left.y - left.h > letter and abs(right.x - left.x) < left.w
    return right.x - left.x - left.w > letter and abs(right.y - left.y) < left.h
