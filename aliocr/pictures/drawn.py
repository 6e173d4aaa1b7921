"""The drawing that `aliocr.draw` returns, and the place of each frame in it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from PIL import Image


@attrs.frozen
class DrawnFrame:
    """The place of one frame in a drawing.

    Args:
        index: Number of the frame in the picture, from 0.
        x: Left edge of the frame in the drawing, in pixels.
        y: Upper edge of the frame in the drawing, in pixels.
        scale: Factor by which the frame is enlarged; 0.5 if it is drawn at half its size.
    """

    index: int
    x: int
    y: int
    scale: float


@attrs.frozen
class Drawing:
    """A picture with numbered boxes around the texts that were read, and a panel of these texts.

    `str(drawing)` is a line about it, with its remarks.

    Args:
        picture: The whole drawing, in RGB.
        frames: The place of each frame in the drawing. There are several places only if several
            frames of a GIF are drawn.
        texts: Number of texts that were read.
        unwritten: Number of texts that have at least one character that no font has. The panel
            shows □ for such a character. If no font has any letter or digit of the text, the number
            of the text is shown without the text.
        remarks: Sentences about problems of the drawing; empty if there is no problem.
    """

    picture: Image.Image = attrs.field(repr=False)
    frames: tuple[DrawnFrame, ...]
    texts: int
    unwritten: int
    remarks: tuple[str, ...]

    def __str__(self) -> str:
        texts = f"{self.texts} text{'' if self.texts == 1 else 's'}"
        size = f"{self.picture.width} × {self.picture.height} pixels"
        return "; ".join([f"a drawing of {texts}, {size}", *self.remarks])

    def save(self, path: str | Path) -> None:
        """Write the drawing to a file, in the format that the suffix of its name says.

        Raises:
            ValueError: The suffix is of no known format.
            OSError: The file cannot be written.
        """
        self.picture.save(path)
