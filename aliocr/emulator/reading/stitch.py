"""Lines of text that the strips of a wide picture cut in two, joined again.

A wide long image is cut into frames side by side, and no cut misses every line. The documents do
not say what the service makes of that; each frame keeps its halves here, and the picture as a whole
has the lines that a person sees.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from itertools import pairwise

import attrs

from aliocr.emulator.engine import Recognized, rate
from aliocr.text.layout import is_cjk, joined_text, reading_order

REACH = 0.5
"""How far from the cut a half may end, in line heights: columns stand further apart than twice."""

WORD_GAP = 0.5
"""Blank between two words, at least, in mean widths of the line's letters. Of 225 cuts through
lines in four typefaces, two through a word had more, and four between words had less."""


@attrs.frozen
class Strip:
    """One frame of a wide picture, and what was found in it.

    Args:
        found: In pixels of the whole picture.
        left: Its left edge in the whole picture, in pixels.
        right: Its right edge likewise.
        blanks: For each of `found`, how many pixels of its rows hold no ink before its first letter
            and after its last one, counted from the strip's edges. Its box does not tell: engines
            draw it wider than the letters.
    """

    found: tuple[Recognized, ...]
    left: int
    right: int
    blanks: tuple[tuple[float, float], ...]


@attrs.frozen
class _JoinedLine:
    """A line as far as it is known, and the blank between its end and the cut after it."""

    found: Recognized
    blank: float


def stitch_lines(strips: Sequence[Strip]) -> tuple[Recognized, ...]:
    """What the picture says as a whole, in reading order.

    Args:
        strips: From left to right, at least one. Only those that touch are joined.
    """
    whole = [
        _JoinedLine(found, after)
        for found, (_, after) in zip(strips[0].found, strips[0].blanks, strict=True)
    ]
    ends = list(range(len(whole)))  # of the lines whose last piece is in the strip before
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
    """Both end at the cut, at the same height."""
    height = min(left.h, right.h)
    overlap = min(left.y + left.h, right.y + right.h) - max(left.y, right.y)
    gaps = (cut - (left.x + left.w), right.x - cut)
    return overlap > height / 2 and all(abs(gap) < REACH * height for gap in gaps)


def _joined(left: Recognized, right: Recognized, blank: float) -> Recognized:
    """Both halves in one box; a word that was cut is one again."""
    top = min(left.y, right.y)
    texts = (left.text.rstrip(), right.text.lstrip())
    letter = (left.w + right.w) / max(1, sum(_letters(text) for text in texts))
    word = blank < WORD_GAP * letter or any(map(_is_wide_mark, (texts[0][-1:], texts[1][:1])))
    return Recognized(
        text="".join(texts) if word else joined_text((left, right)),
        x=left.x,
        y=top,
        w=right.x + right.w - left.x,
        h=max(left.y + left.h, right.y + right.h) - top,
        confidence=(rate((left, right)) or 0.0) / 100,
    )


def _is_wide_mark(character: str) -> bool:
    """Full-width punctuation, which has its blank in itself."""
    return bool(character) and is_cjk(character) and unicodedata.category(character)[0] == "P"


def _letters(text: str) -> int:
    """Its length in letters; a Chinese character is as wide as two."""
    return sum(2 if is_cjk(character) else 1 for character in text)
