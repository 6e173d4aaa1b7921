"""Decides whether a picture lies on its side or upside down, from a few of its lines.

The detector finds lines that lie in any way. The recognizer reads those that are upright, and those
that run downwards, whether as a page that lies on its side or as vertical Chinese.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from aliocr.emulator.gutters import Pixels
from aliocr.emulator.lines import SeenLine, sure
from aliocr.text.letters import is_cjk

DOUBT = 0.9
"""Other turns are tried if the mean confidence of the lines is less than this. On 160 drawn pages
in eight languages it was 0.91 or more if they were upright, and 0.69 or less upside down."""

TRUST = 0.92
"""Minimum mean confidence of lines in another turn. Upside-down Hebrew is read as Latin letters
with up to 0.91."""

STANDING = 0.6
"""Minimum mean confidence of the letters of a vertical line that are upright one by one."""

TRIED = 6
"""Number of lines that are tried, the longest ones; the recognizer reads so many at once."""

SHORT = 2
"""A short word is less than this number of times as wide as high."""

ROTATIONS = {
    90: Image.Transpose.ROTATE_270,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_90,
}
"""For each turn clockwise in degrees, Pillow's rotation, which is anticlockwise."""

Read = Callable[[Sequence[Pixels]], Sequence[SeenLine]]


def likely_turn(lines: Sequence[SeenLine], read: Read) -> int:
    """Return the angle by which a picture must be turned clockwise: 0, 90, 180 or 270 degrees.

    Args:
        lines: The lines of the picture as it is.
        read: Reads lines that were cut out.
    """
    tall = [line for line in lines if line.tall and line.letters >= 2]
    lying = 2 * sum(line.letters for line in tall) > sum(line.letters for line in lines)
    tried = sorted(tall if lying else lines, key=lambda line: -line.letters)[:TRIED]
    if not tried:
        return 0

    if lying:
        # A tall line was read after a turn to the left.
        if sure(tried) >= TRUST:
            return 0 if _is_vertical(tried, read) else 270
        around = _rotated(tried, 2, read)
        return (180 if _is_vertical(around, read) else 90) if sure(around) >= TRUST else 0
    if sure(lines) >= DOUBT:
        return 0
    # A short word that lies on its side may not be tall enough to be turned.
    short = all(line.pixels.shape[1] < SHORT * line.pixels.shape[0] for line in tried)
    surest, turn = max(
        (sure(_rotated(tried, -turn // 90, read)), turn)
        for turn in ((180, 90, 270) if short else (180,))
    )
    return turn if surest >= TRUST else 0


def _rotated(lines: Sequence[SeenLine], quarters: int, read: Read) -> Sequence[SeenLine]:
    """Read lines after quarter turns anticlockwise."""
    return read([np.ascontiguousarray(np.rot90(line.pixels, quarters)) for line in lines])


def _is_vertical(lines: Sequence[SeenLine], read: Read) -> bool:
    """Return whether lines run downwards with upright letters, as Chinese and Japanese may."""
    texts = "".join(line.text for line in lines)
    if 2 * sum(map(is_cjk, texts)) <= len(texts):
        return False
    return sure(read([_side_by_side(line) for line in lines])) >= STANDING


def _side_by_side(line: SeenLine) -> Pixels:
    """Return the letters of a vertical line, which was turned to the left, from left to right."""
    letters = np.array_split(line.pixels, len(line.text), axis=1)
    height = max(letter.shape[1] for letter in letters)
    return np.concatenate(
        [
            np.pad(np.rot90(letter, -1), ((0, height - letter.shape[1]), (0, 0), (0, 0)), "edge")
            for letter in letters
        ],
        axis=1,
    )
