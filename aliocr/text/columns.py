"""Columns: the division of a page at its gaps into columns and blocks.

A *gutter* is a vertical gap between two columns. A *band* is a horizontal gap. A line height is the
median height of the pieces that are to be divided.

A gutter may be narrower than the letters, because engines draw boxes larger than the letters. And
some pieces may cross it: a headline, a caption, or a *pair*, which is two lines of neighbouring
columns that the engine took for one. So a gutter is not known by its width. It is known by the
columns beside it, which have many lines, and few pieces cross it.
"""

from __future__ import annotations

import math
import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, groupby, pairwise
from operator import attrgetter
from typing import Any, cast

import attrs

from aliocr.text.geometry import P, StraightBox, StraightBoxes, gaps, line_height, widest
from aliocr.text.letters import is_cjk, letter_width

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

PADDING = 0.3
"""Maximum width of the blank edge that an engine includes in a box at the left and at the right, in
heights of the box."""

GUTTERS_TRIED = 3
"""Number of gaps that are tried as gutters. The gaps that the fewest pieces cross are tried."""

HEADLINE = 1.5
"""Minimum height of a headline, in line heights. A piece of this height is not a pair."""

MIN_CUT = 1.3
"""What crosses a gutter divides the page if there is more white above and below it than between two
lines. This is the minimum ratio of the distance to the next line, above and below, to the usual
distance of two lines. Pairs have the usual distance."""

MAX_OFF = 2.0
"""Maximum distance between the gutter and the place where a pair is divided, in letter heights.
This is less than a long word."""

MIN_COLUMN_WIDTH = 7.0
"""Minimum width of a column, in line heights. Narrower pieces side by side are cells of a table,
which is read row by row. There is one exception: narrow pieces at the side of a text may be notes
or a menu."""

MIN_COLUMN_PIECES = 3
"""Minimum number of pieces in a column."""

MIN_COLUMN_BALANCE = 1 / 3
"""Minimum ratio of the number of pieces in the column with fewer pieces to the number of pieces
beside this column. The ratio is only a third, because the other side may consist of two columns."""

MAX_LEVEL = 0.75
"""Maximum share of the notes that are at the same height as a line of the text. About half of the
notes have the height of a line by chance. In a table, all cells have the height of a cell in the
other column."""

MAX_LEVEL_NOTES = 0.9
"""The same share if many lines of the text are not at the height of a note, as in a curriculum with
the same distance between lines as between the notes beside them."""

LEVEL = 0.15
"""Maximum vertical distance between the centres of a note and a line at the same height, in heights
of the note."""


def parts(group: StraightBoxes[P]) -> Sequence[StraightBoxes[P]]:
    """Divide a group at its gaps into parts that are read one after the other.

    Return a single part if the group is not divided. If a pair crosses a gutter, its two lines
    become pieces of their own.
    """
    line = line_height(group)
    across, _ = widest(gaps((each.x, each.x + each.w) for each in group))
    bands = gaps((each.y, each.y + each.h) for each in group)
    first = max(MIN_BAND * line, BAND_TO_GUTTER * across)
    if dividing := [place for wide, place in bands if wide >= first]:
        return _bands(group, dividing)
    for wide, place in bands[:1] + bands[-1:]:
        if wide >= MIN_BAND * line and min(map(len, divided := _bands(group, [place]))) == 1:
            return divided
    for gutter in _gutters(group):
        if columns := _columns(group, gutter, line):
            return columns
    # Divide at all bands of similar height together. If only the highest band divided the group,
    # its parts could still hold several rows of a table, and would be read column by column.
    least = max(MIN_BLOCK_GAP * line, ALIKE * widest(bands)[0])
    places = [place for wide, place in bands if wide >= least]
    return _bands(group, places) if places else (group,)


def _bands(group: StraightBoxes[P], places: Sequence[float]) -> Sequence[StraightBoxes[P]]:
    """Divide a group at these vertical positions, which are in order from top to bottom."""
    found: list[list[StraightBox[P]]] = [[] for _ in range(len(places) + 1)]
    for each in group:
        found[bisect_right(places, each.y)].append(each)
    return found


def _gutters(group: StraightBoxes[P]) -> Sequence[float]:
    """Return the horizontal positions that few pieces cross, and that many have at their side."""
    if len(group) < 2 * MIN_COLUMN_PIECES:
        return ()
    spans = [_letters_span(each) for each in group]
    starts, ends = sorted(start for start, _ in spans), sorted(end for _, end in spans)
    found = []
    for left, (end, next_end) in enumerate(pairwise(ends), 1):
        begun = bisect_left(starts, end)
        right = len(group) - begun
        if right < MIN_COLUMN_PIECES:
            break
        # A gap lies between the end of a piece and the start of another, and nothing ends in it.
        crossing, start = begun - left, starts[begun]
        if left >= MIN_COLUMN_PIECES and start <= next_end and crossing <= min(left, right):
            found.append((crossing, end - start, (end + start) / 2))
    return [place for _, _, place in sorted(found)[:GUTTERS_TRIED]]


def _letters_span(box: StraightBox[P]) -> tuple[float, float]:
    """Return start and end of the letters in a box."""
    padding = min(PADDING * box.h, box.w / 4)
    return box.x + padding, box.x + box.w - padding


def _columns(group: StraightBoxes[P], gutter: float, line: float) -> Sequence[StraightBoxes[P]]:
    """Return the columns beside a gutter, and what divides them; empty if these are no columns."""
    left: list[StraightBox[P]] = []
    right: list[StraightBox[P]] = []
    crossing: list[StraightBox[P]] = []
    for each in sorted(group, key=_middle):
        start, end = _letters_span(each)
        side = left if end <= gutter else crossing if start < gutter else right
        side.append(each)  # NaN is on the right
    if not _are_columns(left, right, line):
        return ()
    pitch = statistics.median(
        low.middle - high.middle for side in (left, right) for high, low in pairwise(side)
    )
    cuts = []
    for run, distance in _runs(crossing, sorted((*left, *right), key=_middle)):
        if distance >= MIN_CUT * pitch or max(each.h for each in run) > HEADLINE * line:
            cuts.append(run)
        else:
            for each in run:
                for halves, side in zip(_halves(each, gutter), (left, right), strict=True):
                    side.extend(halves)
    found = []
    for run in cuts:
        for side in (left, right):
            found.append([each for each in side if not each.middle >= run[0].middle])
            side[:] = [each for each in side if each.middle >= run[0].middle]
        found.append(run)
    return [part for part in (*found, left, right) if part]


_middle = attrgetter("middle")


def _runs(
    crossing: StraightBoxes[P], others: StraightBoxes[P]
) -> Iterator[tuple[list[StraightBox[P]], float]]:
    """Yield the pieces that follow each other, and the distance to the nearer of the lines around.

    Both groups are in order from top to bottom. Distances are between centres.
    """
    middles = [each.middle for each in others]
    for place, pieces in groupby(crossing, key=lambda each: bisect_left(middles, each.middle)):
        run = list(pieces)
        above = run[0].middle - middles[place - 1] if place else math.inf
        below = middles[place] - run[-1].middle if place < len(others) else math.inf
        yield run, min(above, below)


def _halves(box: StraightBox[P], gutter: float) -> Sequence[StraightBoxes[P]]:
    """Divide a pair at the gutter, between two words or two Chinese characters.

    Return what is left of the gutter, and what is right of it. The box is on one side alone if an
    end of its text is nearer to the gutter than such a place, or if it is too short for a pair.
    """
    text = box.piece.text
    widths = list(accumulate(map(letter_width, text), initial=0.0))
    wanted = (gutter - box.x) / box.w * widths[-1]
    ends = (0, len(text))
    near = range(bisect_left(widths, wanted - MAX_OFF), bisect_right(widths, wanted + MAX_OFF))
    breaks = [at for at in near if at in ends or _is_break(text[at - 1 : at + 1])]
    places = ends if len(text) < 2 * MIN_COLUMN_WIDTH else breaks or ends
    at = min(places, key=lambda at: abs(widths[at] - wanted))
    if at in ends:
        return ([box], []) if at else ([], [box])
    return (
        [_part(box, text[:at].rstrip(), box.x, gutter)],
        [_part(box, text[at:].lstrip(), gutter, box.x + box.w)],
    )


def _is_break(letters: str) -> bool:
    return any(letter.isspace() or is_cjk(letter) for letter in letters)


def _part(box: StraightBox[P], text: str, start: float, end: float) -> StraightBox[P]:
    """Return the part of a box from `start` to `end`, and of its piece."""
    x = box.piece.x + start - box.x
    piece = attrs.evolve(cast("Any", box.piece), text=text, x=x, w=end - start)
    return StraightBox(piece, start, box.y, end - start, box.h)


def _are_columns(left: StraightBoxes[P], right: StraightBoxes[P], line: float) -> bool:
    """Return whether the two sides of a gutter are columns, which are read one after the other."""
    few, many = sorted((left, right), key=len)
    if len(few) < MIN_COLUMN_PIECES or _beside(few, many) < len(few) / 2:
        return False
    narrow, wide = sorted((left, right), key=_width)
    if _width(narrow) > MIN_COLUMN_WIDTH * line:
        return len(few) >= MIN_COLUMN_BALANCE * _beside(many, few)
    if _width(wide) <= MIN_COLUMN_WIDTH * line or _are_numbers(narrow):
        return False
    level, lines = (
        _beside(one, other, by=LEVEL) / len(one) for one, other in ((narrow, wide), (wide, narrow))
    )
    return level <= MAX_LEVEL or (level <= MAX_LEVEL_NOTES and lines <= MAX_LEVEL)


def _are_numbers(group: StraightBoxes[P]) -> bool:
    """Return whether most pieces are numbers, such as prices: at least half of each is digits."""
    texts = [each.piece.text for each in group]
    return sum(2 * sum(map(str.isdigit, text)) >= len(text) for text in texts) > len(group) / 2


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
