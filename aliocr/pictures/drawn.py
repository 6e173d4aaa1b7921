"""The drawing that `aliocr.draw` returns, and the place of each frame in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from PIL import Image


@attrs.frozen
class DrawnFrame:
    """A frame in a drawing.

    Args:
        index: Number of the frame in the picture, from 0.
        x: Left edge of the frame in the drawing, in pixels.
        y: Upper edge, in pixels.
        scale: Pixels of the drawing for one pixel of the frame.
    """

    index: int
    x: int
    y: int
    scale: float


@attrs.frozen
class Drawing:
    """A picture with numbered boxes around what was read, and the texts beside it.

    Args:
        picture: The whole drawing, in RGB; `picture.save("receipt.boxes.png")` writes it.
        frames: The place of the picture, or of each frame, in the drawing.
        texts: Pieces of text that were read.
        unwritten: Pieces that are not written whole, because no font has all their characters: □
            stands for a lacking character, and the number alone for a text that lacks all.
        remarks: Sentences about the drawing; empty if all is as expected.
    """

    picture: Image.Image = attrs.field(repr=False)
    frames: tuple[DrawnFrame, ...]
    texts: int
    unwritten: int
    remarks: tuple[str, ...]
