"""Vertical text: columns of Chinese or Japanese, of which the right one is read first."""

from __future__ import annotations

from collections.abc import Sequence

from aliocr.text.geometry import P, PlacedText, StraightBox, StraightBoxes
from aliocr.text.letters import is_cjk

MIN_TALL = 1.5
"""Minimum ratio of the height of a vertical piece to its width."""


def is_vertical(piece: PlacedText) -> bool:
    """Return whether a piece is Chinese or Japanese that is written from top to bottom."""
    if piece.h < MIN_TALL * piece.w or len(piece.text) < 2:
        return False
    return sum(map(is_cjk, piece.text)) > len(piece.text) / 2


def blocks(regions: Sequence[P]) -> Sequence[StraightBoxes[P]]:
    """Return the boxes of a page; of a page with mostly vertical text, its blocks from the top.

    The block of vertical text is turned by a quarter, so that its columns lie like lines: the right
    one at the top. What is horizontal above or below it is a block of its own.
    """
    boxes = [StraightBox(each, each.x, each.y, each.w, each.h) for each in regions]
    tall = [each for each in boxes if is_vertical(each.piece)]
    if sum(len(each.piece.text) for each in tall) <= sum(len(each.text) for each in regions) / 2:
        return [boxes]
    top, bottom = min(each.y for each in tall), max(each.y + each.h for each in tall)
    above: list[StraightBox[P]] = []
    turned: list[StraightBox[P]] = []
    below: list[StraightBox[P]] = []
    for each in boxes:
        if each.middle < top:
            above.append(each)
        elif each.middle > bottom:
            below.append(each)
        else:
            turned.append(StraightBox(each.piece, each.y, -each.x - each.w, each.h, each.w))
    return [block for block in (above, turned, below) if block]
