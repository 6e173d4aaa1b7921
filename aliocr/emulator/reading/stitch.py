"""Joins lines of text that were cut in two at the borders of a wide picture's strips.

A wide long image is cut into frames side by side, through lines of text. The documents do not say
how the service treats these lines. Here each frame keeps its half, and the whole picture has the
full lines.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from itertools import pairwise

import attrs

from aliocr.emulator.engine import Recognized, rate
from aliocr.text.layout import is_cjk, joined_text, reading_order

REACH = 0.5
"""Distance of a half line from the cut, at most, in line heights. Columns are further apart than
twice this distance."""

WORD_GAP = 0.5
"""Blank between two words, at least, in mean widths of the line's letters. Measured on 225 cuts
through lines in four typefaces: two cuts in a word had more, four between words had less."""


@attrs.frozen
class Strip:
    """One frame of a wide picture, with its lines of text.

    Args:
        found: Lines, in pixels of the whole picture.
        left: Left edge of the strip in the whole picture, in pixels.
        right: Right edge of the strip, likewise.
        blanks: For each line, pixels without ink from the strip's left edge to the first letter,
            and from the last letter to the right edge. Boxes do not tell, as engines draw them
            wider than the letters.
    """

    found: tuple[Recognized, ...]
    left: int
    right: int
    blanks: tuple[tuple[float, float], ...]


@attrs.frozen
class _JoinedLine:
    """A line joined so far, and the blank between its end and the next cut."""

    found: Recognized
    blank: float


def stitch_lines(strips: Sequence[Strip]) -> tuple[Recognized, ...]:
    """Return the lines of the whole picture, in reading order.

    There is at least one strip, and they come from left to right. Only lines of touching strips are
    joined.
    """
    whole = [
        _JoinedLine(found, after)
        for found, (_, after) in zip(strips[0].found, strips[0].blanks, strict=True)
    ]
    ends = list(range(len(whole)))  # indices of lines that reach into the strip before
    for before, strip in pairwise(strips):
        cut = strip.left
        open_ends, ends = ends if before.right == cut else [], []
        for right, (blank, after) in zip(strip.found, strip.blanks, strict=True):
            at = next((at for at in open_ends if _meet(whole[at].found, right, cut)), None)
            if at is None:
                ends.append(len(whole))
                whole.append(_JoinedLine(right, after))
            else:
                open_ends.remove(at)
                ends.append(at)
                joined = _joined(whole[at].found, right, whole[at].blank + blank)
                whole[at] = _JoinedLine(joined, after)
    return reading_order(piece.found for piece in whole)


def _meet(left: Recognized, right: Recognized, cut: int) -> bool:
    """Return True if both halves end at the cut, at the same height."""
    height = min(left.h, right.h)
    overlap = min(left.y + left.h, right.y + right.h) - max(left.y, right.y)
    gaps = (cut - (left.x + left.w), right.x - cut)
    return overlap > height / 2 and all(abs(gap) < REACH * height for gap in gaps)


def _joined(left: Recognized, right: Recognized, blank: float) -> Recognized:
    """Join two halves into one line; a cut word becomes one word again."""
    top = min(left.y, right.y)
    texts = (left.text.rstrip(), right.text.lstrip())
    # A Chinese character is as wide as two letters.
    letters = sum(2 if is_cjk(character) else 1 for text in texts for character in text)
    letter = (left.w + right.w) / max(1, letters)
    # Full-width punctuation contains its own blank.
    wide_mark = any(
        is_cjk(edge) and unicodedata.category(edge).startswith("P")
        for edge in texts[0][-1:] + texts[1][:1]
    )
    word = wide_mark or blank < WORD_GAP * letter
    return Recognized(
        text="".join(texts) if word else joined_text((left, right)),
        x=left.x,
        y=top,
        w=right.x + right.w - left.x,
        h=max(left.y + left.h, right.y + right.h) - top,
        confidence=(rate((left, right)) or 0.0) / 100,
    )
