"""From pieces of text on a page to the order, the string and the rate of a reply.

Engines find lines; which to read first is decided here. A page is taken apart by white space:
columns first, then blocks, and what cannot be divided is read row by row. Skewed pages come out
wrong.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from aliocr.emulator.engine import Recognized

__all__ = ["Placed", "is_cjk", "joined_text", "rate", "reading_order"]

# Lengths in line heights: the median height of the pieces at hand.
MIN_GUTTER = 1.0
MIN_BLOCK_GAP = 0.8
MIN_COLUMN_WIDTH = 8.0
"""Narrower pieces side by side are the cells of a table, which is read by rows."""

MIN_COLUMN_PIECES = 3
MIN_COLUMN_BALANCE = 1 / 3
"""Pieces of the emptier column over those of the fuller; a third admits one column beside two."""


class Placed(Protocol):
    """A text in its box, in pixels from the upper left: a `Region` or a `Recognized`."""

    @property
    def text(self) -> str:
        """The text."""
        ...

    @property
    def x(self) -> float:
        """Left edge."""
        ...

    @property
    def y(self) -> float:
        """Upper edge."""
        ...

    @property
    def w(self) -> float:
        """Width."""
        ...

    @property
    def h(self) -> float:
        """Height."""
        ...


P = TypeVar("P", bound=Placed)


def reading_order(regions: Iterable[P]) -> tuple[P, ...]:
    """The same regions in the order a person reads them: columns left to right, then rows.

    On a page of two columns the order engines give costs 75 % of the characters, this one 0.1 %.

    Args:
        regions: Boxes of one picture, in pixels, in any order.
    """
    ordered: list[P] = []
    # A stack, not recursion: a page of a thousand lines may be taken apart line by line.
    waiting: list[Sequence[P]] = [tuple(regions)]
    while waiting:
        group = waiting.pop()
        parts = _columns(group) or _blocks(group)
        if parts:
            waiting.extend(reversed(parts))
        else:
            ordered.extend(_by_rows(group))
    return tuple(ordered)


def joined_text(regions: Iterable[Placed]) -> str:
    """The texts as one string: a space between two, none between two CJK characters.

    Args:
        regions: In reading order; those without text leave no trace.
    """
    texts = [region.text for region in regions if region.text]
    joined = texts[:1]
    for left, right in pairwise(texts):
        if not (is_cjk(left[-1]) and is_cjk(right[0])):
            joined.append(" ")
        joined.append(right)
    return "".join(joined)


def rate(regions: Iterable[Recognized]) -> float | None:
    """The confidence of all text, each region weighing as much as it has characters.

    Returns:
        Percent from 0 to 100, two decimals; None if there is no text.

    Source: documents, "rate".
    """
    weighed = [(len(region.text), region.confidence) for region in regions]
    characters = sum(weight for weight, _ in weighed)
    if not characters:
        return None
    return round(100 * sum(weight * sure for weight, sure in weighed) / characters, 2)


def _columns(group: Sequence[P]) -> tuple[Sequence[P], Sequence[P]] | None:
    """Left and right of the widest gutter, if what it parts looks like two columns of text."""
    if len(group) < 2 * MIN_COLUMN_PIECES:
        return None
    line = _line_height(group)
    cut = _widest_gap(((each.x, each.x + each.w) for each in group), at_least=MIN_GUTTER * line)
    if cut is None:
        return None
    left = [each for each in group if each.x < cut]
    right = [each for each in group if each.x >= cut]
    few, many = sorted((len(left), len(right)))
    if few < MIN_COLUMN_PIECES or few < MIN_COLUMN_BALANCE * many:
        return None
    if any(
        statistics.median(each.w for each in side) <= MIN_COLUMN_WIDTH * line
        for side in (left, right)
    ):
        return None
    return left, right


def _blocks(group: Sequence[P]) -> tuple[Sequence[P], Sequence[P]] | None:
    """Above and below the widest gap, if it is wide enough."""
    if len(group) < 2:
        return None
    least = MIN_BLOCK_GAP * _line_height(group)
    cut = _widest_gap(((each.y, each.y + each.h) for each in group), at_least=least)
    if cut is None:
        return None
    return [each for each in group if each.y < cut], [each for each in group if each.y >= cut]


def _by_rows(group: Sequence[P]) -> Iterable[P]:
    """Rows from above, each from the left; a row's centres differ by less than half a height."""
    rows: list[list[P]] = []
    for each in sorted(group, key=_centre):
        if rows and _centre(each) - _centre(rows[-1][0]) < min(each.h, rows[-1][0].h) / 2:
            rows[-1].append(each)
        else:
            rows.append([each])
    for row in rows:
        yield from sorted(row, key=lambda each: each.x)


def _widest_gap(spans: Iterable[tuple[float, float]], *, at_least: float) -> float | None:
    """Where the widest stretch that no span covers ends, or None if it is shorter than that."""
    ordered = sorted(spans)
    covered = ordered[0][1]
    widest, cut = 0.0, None
    for start, stop in ordered[1:]:
        if start - covered > widest:
            widest, cut = start - covered, start
        covered = max(covered, stop)
    return cut if widest >= at_least else None


def _line_height(group: Sequence[Placed]) -> float:
    return statistics.median(each.h for each in group)


def _centre(region: Placed) -> float:
    return region.y + region.h / 2


def is_cjk(character: str) -> bool:
    """Han, kana, their punctuation and full-width forms; not Hangul, which is written with spaces.

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
