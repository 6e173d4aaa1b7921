"""What a drawing is: the picture with its boxes, and where its frames stand in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from PIL import Image


@attrs.frozen
class DrawnFrame:
    """A frame in a drawing.

    Args:
        index: Its number among all frames of the picture, from 0.
        x: Its left edge in the drawing, in pixels.
        y: Its upper edge likewise.
        scale: How many pixels of the drawing are one of the frame.
    """

    index: int
    x: int
    y: int
    scale: float


@attrs.frozen
class Drawing:
    """A picture with numbered boxes around what was read, and the texts beside it.

    Args:
        picture: All of it, in RGB; `picture.save("receipt.boxes.png")` writes it.
        frames: Where the picture, or each of its frames, stands in it.
        texts: Pieces of text that were read.
        unwritten: How many of them are not written whole, as no font has all their characters: a
            box stands for each that is lacking, and a number alone for a text that lacks all.
        remarks: What is to be said about it, in sentences; empty if all is as one expects.
    """

    picture: Image.Image = attrs.field(repr=False)
    frames: tuple[DrawnFrame, ...]
    texts: int
    unwritten: int
    remarks: tuple[str, ...]
