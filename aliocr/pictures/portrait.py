"""Turn the frames that were read into WEBP or JPEG pictures for a browser."""

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
"""Maximum length of a side of a WEBP, in pixels. Source: RFC 9649, 2.6 and 2.7."""


@attrs.frozen
class Detail:
    """Resolution and encoding of the pictures for a browser.

    Args:
        pixels: Maximum number of pixels of one picture. The longer side has no limit of its own,
            because such a limit would make a chat that is 30 times as high as wide unreadable.
        pixels_in_all: Maximum number of pixels of all frames of a GIF together.
        short_side: Maximum length of the shorter side, in pixels; None for no limit.
        quality: Quality setting of the encoder, up to 100.
        small: True for WEBP if possible; False for JPEG. A WEBP has half the bytes of a JPEG, but
            encoding takes three times as long. The JPEG has no chroma subsampling, because letters
            have sharp edges.
    """

    pixels: int
    pixels_in_all: int
    short_side: int | None = None
    quality: int = 90
    small: bool = False


FINE = Detail(4_000_000, 24_000_000)
"""The detail for a page that shows one picture. A square picture has up to 2,000 × 2,000 pixels.
All frames of a GIF together have up to about 10 MB as JPEG."""


@attrs.frozen
class Portrait:
    """One picture for a browser, as a `data:` URI.

    `width` and `height` are the size of the frame that was read, in pixels. The picture in the URI
    may be smaller.
    """

    index: int
    width: int
    height: int
    uri: str = attrs.field(repr=False)


@attrs.frozen
class Portraits:
    """The encoded frames of a picture that was read.

    Args:
        pages: One portrait per chosen frame of an animated GIF; one for any other picture.
        total: Number of all frames of a GIF, or of all strips of a long image, even if they are not
            chosen.
        moves: True if the frames are frames of a GIF.
    """

    pages: tuple[Portrait, ...]
    total: int
    moves: bool


def portraits(
    data: bytes, interval: int | None, max_frames: int | None, detail: Detail = FINE
) -> Portraits:
    """Encode the same pixels that the OCR engine gets, so that the boxes of the engine fit them.

    In async code, call this function in a thread, because it blocks (about 0.1 s per frame).

    The boxes of the engine are in pixels of the frame that was read. The same frames are
    chosen as in `aliocr.pictures.picture.whole_frames`.

    Raises:
        PictureError: Code 480 or 590.
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
    """Yield the portraits of a picture. A frame is encoded when the iterator is advanced."""
    most = detail.pixels
    if count.moves:
        most = min(most, detail.pixels_in_all // min(max_frames or 1, count.total))
    for frame in whole_frames(data, interval=interval, max_frames=max_frames):
        yield Portrait(frame.index, frame.width, frame.height, _uri(frame.picture, most, detail))


def _uri(picture: Image.Image, most: int, detail: Detail) -> str:
    """Return the picture as a `data:` URI, scaled down to at most `most` pixels."""
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
