"""Encode the frames that were read as pictures for a browser."""

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
"""Pixels of one side of a WEBP. Source: RFC 9649, 2.6 and 2.7."""


@attrs.frozen
class Detail:
    """The resolution and the encoding of the pictures.

    Args:
        pixels: Most pixels of one picture. Not a limit of the long side, which would make a chat 30
            times as high as wide unreadable.
        pixels_in_all: Most pixels of all frames of a picture.
        short_side: Most pixels of the shorter side; None for any number.
        quality: Quality of the encoder, up to 100.
        small: Encode as WEBP where possible, which takes half the bytes and three times as long;
            else as JPEG without chroma subsampling, because letters have sharp edges.
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

    Width and height are the frame's, in pixels; the picture in the `data:` URI may be smaller.
    """

    index: int
    width: int
    height: int
    uri: str = attrs.field(repr=False)


@attrs.frozen
class Portraits:
    """The encoded frames of a picture that was read.

    Args:
        pages: One for each chosen frame of an animated GIF, else one.
        total: Number of frames, chosen or not: frames of a GIF, or strips of a long image.
        moves: True for the frames of a GIF.
    """

    pages: tuple[Portrait, ...]
    total: int
    moves: bool


def portraits(
    data: bytes, interval: int | None, max_frames: int | None, detail: Detail = FINE
) -> Portraits:
    """Encode the same normalised pixels that the engine gets, so that its boxes fit.

    Decoding and encoding block, for some 0.1 s a frame: call it in a thread.

    Boxes stay in pixels of the frame that was read. `aliocr.pictures.picture.decode` explains the
    choice of frames.

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
    """Encode a picture page by page, each at the iterator's next step; see `portraits`."""
    most = detail.pixels
    if count.moves:
        most = min(most, detail.pixels_in_all // min(max_frames or 1, count.total))
    for frame in whole_frames(data, interval=interval, max_frames=max_frames):
        yield Portrait(frame.index, *frame.picture.size, _uri(frame.picture, most, detail))


def _uri(picture: Image.Image, most: int, detail: Detail) -> str:
    """Encode a picture in at most `most` pixels."""
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
