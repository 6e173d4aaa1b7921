"""Joins lines of text that were cut in two at the borders between the strips of a wide picture.

A wide long image is cut into frames side by side, and these cuts go through lines of text. The
documents do not say how the service treats such lines. In this module each frame keeps its half of
a line, and the whole picture gets the full line.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from itertools import pairwise

import attrs

from aliocr.emulator.engine import Recognized, rate
from aliocr.text.layout import joined_text, reading_order
from aliocr.text.letters import is_cjk

REACH = 0.5
"""Maximum distance between the end of a half line and the cut, in line heights. The gap between two
columns is more than twice this distance, so lines of two columns are not joined."""

WORD_GAP = 0.5
"""Minimum gap between two words, in mean letter widths of the line. If the gap at a cut is smaller,
the cut is within a word. Source: 225 cuts through lines in four typefaces. This value was wrong for
six cuts: two cuts within a word had larger gaps, and four cuts between words had smaller gaps."""


@attrs.frozen
class Strip:
    """One frame of a wide picture, with its lines of text.

    Args:
        found: Lines of text, in pixels of the whole picture.
        left: Left edge of the strip in the whole picture, in pixels.
        right: Right edge of the strip in the whole picture, in pixels.
        blanks: For each line, the number of empty pixels from the left edge of the strip to the
            first letter, and from the last letter to the right edge. The boxes do not show these
            numbers, because an engine makes boxes wider than the letters.
    """

    found: tuple[Recognized, ...]
    left: int
    right: int
    blanks: tuple[tuple[float, float], ...]


@attrs.frozen
class _JoinedLine:
    """A line, joined up to the current cut, and the number of empty pixels from it to this cut."""

    found: Recognized
    blank: float


def stitch_lines(strips: Sequence[Strip]) -> tuple[Recognized, ...]:
    """Return the lines of the whole picture, in reading order.

    The strips, at least one, are in order from left to right. Only lines of strips that touch each
    other are joined.
    """
    whole = [
        _JoinedLine(found, after)
        for found, (_, after) in zip(strips[0].found, strips[0].blanks, strict=True)
    ]
    ends = list(range(len(whole)))  # indices in `whole` of lines with a piece in the strip before
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
    """Return the line of two halves; a word that was cut becomes one word again."""
    top = min(left.y, right.y)
    texts = (left.text.rstrip(), right.text.lstrip())
    # A Chinese character is as wide as two letters.
    letters = sum(2 if is_cjk(character) else 1 for text in texts for character in text)
    letter = (left.w + right.w) / max(1, letters)
    # A full-width punctuation mark contains an empty part, so no space is added beside it.
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
