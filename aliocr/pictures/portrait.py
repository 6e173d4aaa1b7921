"""What was read, as pictures that a browser can show."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator

import attrs

from aliocr.extras import needed
from aliocr.pictures.picture import FrameCount, count_frames, whole_frames

with needed("pictures"):
    from PIL import Image, features

MAX_WEBP_SIDE_PIXELS = 16_383
"""Of a side of a WEBP. Source: RFC 9649, 2.6 and 2.7."""


@attrs.frozen
class Detail:
    """How finely pictures are shown.

    Args:
        pixels: Of one picture, at most. Not a bound on the long side, which would leave nothing to
            read of a chat 30 times as high as wide.
        pixels_in_all: Of all its frames.
        short_side: Of the shorter side, in pixels, at most; None for any.
        quality: Of the encoder, up to 100.
        small: As WEBP where that can be, which takes half the bytes and three times as long; else
            as JPEG, with every pixel's own colour, as letters have sharp edges.
    """

    pixels: int
    pixels_in_all: int
    short_side: int | None = None
    quality: int = 90
    small: bool = False


FINE = Detail(4_000_000, 24_000_000)
"""For one picture on a page: a square of 2,000 × 2,000, and some 10 MB of JPEG in all."""


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


def portraits(
    data: bytes, interval: int | None, max_frames: int | None, detail: Detail = FINE
) -> Portraits:
    """The same normalised pixels that an engine was given, so that its boxes fit.

    Blocks for as long as decoding and encoding take, some 0.1 s a frame: call it in a thread.

    Args:
        data: The file's bytes.
        interval: As of `aliocr.pictures.picture.decode`.
        max_frames: The same.
        detail: How fine; boxes stay in pixels of what was read.

    Raises:
        PictureError: 480 or 590.
    """
    count = count_frames(data)
    shown = tuple(pages(data, interval, max_frames, count, detail))
    return Portraits(shown, count.total, count.moves)


def pages(
    data: bytes,
    interval: int | None,
    max_frames: int | None,
    count: FrameCount,
    detail: Detail = FINE,
) -> Iterator[Portrait]:
    """The same page by page, each made when it is asked for: let others work in between.

    Args:
        data: As of `portraits`.
        interval: The same.
        max_frames: The same.
        count: Of the picture's frames.
        detail: As of `portraits`.

    Raises:
        PictureError: 480 or 590.
    """
    most = detail.pixels
    if count.moves:
        most = min(most, detail.pixels_in_all // min(max_frames or 1, count.total))
    for frame in whole_frames(data, interval=interval, max_frames=max_frames):
        yield Portrait(frame.index, *frame.picture.size, _uri(frame.picture, most, detail))


def _uri(picture: Image.Image, most: int, detail: Detail) -> str:
    """A picture of so many pixels, at most."""
    scale = (most / (picture.width * picture.height)) ** 0.5
    if detail.short_side is not None:
        scale = min(scale, detail.short_side / min(picture.size))
    if scale < 1:
        size = (max(1, int(picture.width * scale)), max(1, int(picture.height * scale)))
        picture = picture.resize(size, reducing_gap=2.0)
    buffer = io.BytesIO()
    if detail.small and max(picture.size) <= MAX_WEBP_SIDE_PIXELS and features.check("webp"):
        picture.save(buffer, "WEBP", quality=detail.quality, method=2)
        kind = "webp"
    else:
        picture.save(buffer, "JPEG", quality=detail.quality, subsampling=0)
        kind = "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"
