"""Letters: which are Chinese or Japanese, and how wide a letter usually is."""

from __future__ import annotations

NARROW, BROAD = frozenset("iljtfrI.,:;'!|()[]-/ "), frozenset("mwMW@%")


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


def letter_width(character: str) -> float:
    """Return the usual width of a character, as a share of the font size.

    This is a mean over common proportional fonts. It only has to be right for a line as a whole.
    """
    if is_cjk(character):
        return 1.0
    if character in NARROW:
        return 0.3
    return 0.8 if character in BROAD else 0.65 if character.isupper() else 0.5
