"""What was read, as pictures that a browser can show: needs the `emulator` extra."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

import attrs

from aliocr.pictures.picture import count_frames, whole_frames

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["Portrait", "Portraits", "portraits"]

MAX_SHOWN_PIXELS = 4_000_000
"""Of one picture: a square of 2,000 × 2,000. Not a bound on the long side, which would leave
nothing to read of a chat 30 times as high as wide."""

MAX_SHOWN_PIXELS_IN_ALL = 24_000_000
"""Of all frames: some 10 MB of JPEG."""

QUALITY = 90
"""Of the JPEG; with every pixel's own colour, as letters have sharp edges."""


@attrs.frozen
class Portrait:
    """One picture to show.

    Args:
        index: Its number among all frames of the picture, from 0.
        width: Of what was read, in pixels; what is shown may be smaller.
        height: The same of the height.
        uri: What is shown, as a `data:` URI.
    """

    index: int
    width: int
    height: int
    uri: str = attrs.field(repr=False)


@attrs.frozen
class Portraits:
    """All that is to be seen of a picture that was read.

    Args:
        pages: One for each chosen frame of a GIF that moves, else one.
        total: How many frames there are, chosen or not: those of a GIF, or strips of a long image.
        moves: They are a GIF's own.
    """

    pages: tuple[Portrait, ...]
    total: int
    moves: bool


def portraits(data: bytes, interval: int | None, max_frames: int | None) -> Portraits:
    """The same normalised pixels that an engine was given, so that its boxes fit.

    Blocks for as long as decoding and encoding take, some 0.1 s a frame: call it in a thread.

    Args:
        data: The file's bytes.
        interval: As of `aliocr.pictures.picture.decode`.
        max_frames: The same.

    Raises:
        PictureError: 480 or 590.
    """
    count = count_frames(data)
    most = MAX_SHOWN_PIXELS
    if count.moves:
        most = min(most, MAX_SHOWN_PIXELS_IN_ALL // min(max_frames or 1, count.total))
    pages = tuple(
        Portrait(frame.index, *frame.picture.size, _uri(frame.picture, most))
        for frame in whole_frames(data, interval=interval, max_frames=max_frames)
    )
    return Portraits(pages, count.total, count.moves)


def _uri(picture: Image.Image, most: int) -> str:
    """A JPEG of so many pixels, at most."""
    scale = (most / (picture.width * picture.height)) ** 0.5
    if scale < 1:
        size = (max(1, int(picture.width * scale)), max(1, int(picture.height * scale)))
        picture = picture.resize(size, reducing_gap=2.0)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=QUALITY, subsampling=0)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
