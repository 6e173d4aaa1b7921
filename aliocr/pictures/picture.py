"""Decode a picture into upright RGB frames, or refuse the picture."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager

import attrs

from aliocr.extras import needed
from aliocr.pictures.frames import chosen_frames, strip_span, total_frames
from aliocr.pictures.size_limits import (
    PictureError,
    PictureFile,
    check_frames,
    check_scans,
    check_size,
)

with needed("pictures"):
    import numpy as np
    from PIL import Image, UnidentifiedImageError

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP")
"""Formats of pictures that are accepted. Source: documents, "Limits on images"."""

CUT_REACH = 0.08
"""Maximum distance by which a cut of a long image may move to avoid a line of text, as a share of
the length of a strip."""

LETTER_CONTRAST = 0.3
"""Minimum contrast of a pixel column that contains a part of a letter, as a share of the contrast
of the whole line."""

WHITE = (255, 255, 255, 255)

EXIF_ORIENTATION = 0x0112

UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""Transposition that makes a picture upright, by EXIF orientation. Source: EXIF 2.32, tag
Orientation."""


@attrs.frozen
class PictureFrame:
    """One chosen frame, ready for an OCR engine.

    Args:
        index: Number of the frame in the picture, from 0.
        picture: Pixels of the frame, upright, in RGB.
        x: Left edge in the whole picture, in pixels; above 0 only for a strip of a wide picture.
        y: Upper edge in the whole picture, in pixels; above 0 only for a strip of a high picture.
    """

    index: int
    picture: Image.Image
    x: int
    y: int


def decode(
    data: bytes, *, interval: int | None = None, max_frames: int | None = None
) -> Generator[PictureFrame, None, None]:
    """Yield the chosen frames of a picture. Each frame is decoded when the iterator is advanced.

    The frames of a GIF are its animation frames. A long image is cut into strips. An animated PNG
    or WEBP has only its first frame, because the documents mention no animation except GIF. A
    damaged GIF has only the frames before the damage.

    Advance the iterator in a thread, because decoding blocks (0.2 s for 24 megapixels).

    Args:
        data: The bytes of the file.
        interval: One of every `interval` frames is yielded. If `interval` or `max_frames` is None,
            only the first frame is yielded.
        max_frames: Maximum number of frames.

    Raises:
        PictureError: Code 480 or 590, before the first frame, or before a later frame of a GIF if
            this frame is too large.
    """
    with _opened(data) as image:
        yield from _frames(image, interval, max_frames)


def whole_frames(
    data: bytes, *, interval: int | None = None, max_frames: int | None = None
) -> Generator[PictureFrame, None, None]:
    """Yield the chosen frames of an animated GIF. Yield any other picture as one uncut frame.

    Arguments and pixels are the same as for `decode`.

    Raises:
        PictureError: Code 480 or 590.
    """
    with _opened(data) as image:
        if (own := _own_frames(image)) > 1:
            chosen = chosen_frames(own, interval=interval, max_frames=max_frames)
            yield from _gif_frames(image, chosen)
        else:
            yield PictureFrame(0, _normalised(image), 0, 0)


@attrs.frozen
class FrameCount:
    """The number of frames of a picture, including frames that are not chosen.

    Args:
        total: Number of frames, at least 1.
        moves: True if the frames are frames of a GIF; False for strips of a long image.
        readable: True if all frames together are within the limits. A long animation may have too
            many pixels.
    """

    total: int
    moves: bool
    readable: bool


def count_frames(data: bytes) -> FrameCount:
    """Count the frames of a picture. This blocks, but for less time than `decode`.

    Raises:
        PictureError: Code 480 or 590.
    """
    with _opened(data) as image:
        own = _own_frames(image)
        # The picture need not be upright, because swapping height and width gives the same number.
        total = total_frames(*image.size, gif_frames=own)
        try:
            check_size(image, own)
            check_frames(total)
        except PictureError:
            return FrameCount(total, moves=own > 1, readable=False)
        return FrameCount(total, moves=own > 1, readable=True)


_TOO_MANY_PIXELS = (Image.DecompressionBombError, Image.DecompressionBombWarning)
_NO_DAMAGE = (PictureError, MemoryError, *_TOO_MANY_PIXELS)
"""Errors while decoding that do not mean that the picture is damaged."""


@contextmanager
def _opened(data: bytes) -> Iterator[Image.Image]:
    """Open a picture and check the limits. Errors in the `with` block become `PictureError`."""
    if not data:
        raise PictureError(590, "an empty file")
    try:
        with Image.open(PictureFile(data), formats=FORMATS) as image:
            # Check the size before decoding, because a file of 17 kB can declare 144 megapixels.
            check_size(image)
            check_scans(data)
            yield image
    except (PictureError, MemoryError):
        raise
    except _TOO_MANY_PIXELS as error:
        raise PictureError(480, "too many pixels") from error
    except UnidentifiedImageError as error:
        raise PictureError(590, "an unknown format") from error
    except Exception as error:
        # For damaged files, Pillow's decoders raise many types of errors: OSError, SyntaxError,
        # ValueError, IndexError, struct.error, …
        raise PictureError(590, "damaged or truncated") from error


def _moves(image: Image.Image) -> bool:
    """Return True for a GIF of several frames.

    The frames are not counted, because counting a million frames takes 3 s.
    """
    try:
        return image.format == "GIF" and bool(getattr(image, "is_animated", False))
    except _NO_DAMAGE:
        raise
    except Exception:  # noqa: BLE001 (the second frame is damaged; see `_opened`)
        return False


def _own_frames(image: Image.Image) -> int:
    """Return the number of frames of a GIF up to the first damage; 1 for any other picture."""
    if not _moves(image):
        return 1
    try:
        frames: int = getattr(image, "n_frames", 1)
    except _NO_DAMAGE:
        raise
    except Exception:  # noqa: BLE001 (a later frame is damaged; see `_opened`)
        frames = image.tell() + 1
        image.seek(0)
    return frames


def _frames(
    image: Image.Image, interval: int | None, max_frames: int | None
) -> Iterator[PictureFrame]:
    if _moves(image):
        own = 1 if interval is None else _own_frames(image)
        chosen = chosen_frames(own, interval=interval, max_frames=max_frames)
        yield from _gif_frames(image, chosen)
        return
    whole = _normalised(image)
    total = total_frames(*whole.size)
    if total == 1:
        yield PictureFrame(0, whole, 0, 0)
        return
    chosen = chosen_frames(total, interval=interval, max_frames=max_frames)
    check_frames(len(chosen))
    for index in chosen:
        # Move both cuts to places between lines of text if possible.
        span = strip_span(index, max(whole.size), total)
        start, stop = (_calm_cut(whole, edge, total) for edge in span)
        if whole.height > whole.width:
            yield PictureFrame(index, whole.crop((0, start, whole.width, stop)), 0, start)
        else:
            yield PictureFrame(index, whole.crop((start, 0, stop, whole.height)), start, 0)


def _gif_frames(image: Image.Image, chosen: range) -> Iterator[PictureFrame]:
    count = chosen[-1] + 1
    check_size(image, count)
    # Decode the frames one by one, although seek() could skip frames. A frame may enlarge the
    # canvas, so its size must be checked before the next frame is decoded on top of it.
    for index in range(count):
        try:
            image.seek(index)
            check_size(image, count)
            image.load()  # to find damage in this frame here, and not while the next one is decoded
            frame = PictureFrame(index, _normalised(image), 0, 0) if index in chosen else None
        except _NO_DAMAGE:
            raise
        except Exception:
            if not index:
                raise
            return
        if frame is not None:
            yield frame


def _normalised(image: Image.Image) -> Image.Image:
    """Return the picture upright, in RGB, with a white background instead of transparency."""
    # Do not use Pillow's exif_transpose(). It also rewrites the other tags, and fails for a photo
    # with a broken tag.
    try:
        orientation = image.getexif().get(EXIF_ORIENTATION)
    except Exception:  # noqa: BLE001 (viewers show such a photo without rotation)
        orientation = None
    if isinstance(orientation, int) and orientation in UPRIGHT:
        image = image.transpose(UPRIGHT[orientation])
    if image.mode.startswith("I"):
        # Scale 16-bit grey down, because convert() would turn all values above 255 into white.
        grey = np.asarray(image) >> 8
        return Image.fromarray(grey.astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        # Paste the picture on white, because without its alpha channel, black text on transparent
        # ground would become black text on black.
        page = Image.new("RGBA", image.size, WHITE)
        image = Image.alpha_composite(page, image.convert("RGBA"))
    return image.convert("RGB")


def _calm_cut(whole: Image.Image, edge: int, total: int) -> int:
    """Return a place for a cut near `edge` that avoids text, if possible.

    This is the row (or the column, if the picture is wide) with the least changes between pixels.
    In a long chat, equal cuts went through 7 of 70 lines of text, and these cuts through none. The
    ends of the picture are not moved.
    """
    side = max(whole.size)
    reach = int(CUT_REACH * side / total)
    if edge in (0, side) or not reach:
        return edge
    if whole.height > whole.width:
        window = whole.crop((0, edge - reach, whole.width, edge + reach))
        lines = np.asarray(window.convert("L"), np.int32)
    else:
        window = whole.crop((edge - reach, 0, edge + reach, whole.height))
        lines = np.asarray(window.convert("L"), np.int32).T
    activity = np.abs(np.diff(lines, axis=1)).sum(axis=1)
    # Look for a flat band instead of a single row, to keep a distance from letters on both sides.
    band = max(1, reach // 4)
    calm = np.convolve(activity, np.ones(band, np.int32), "valid")
    flattest = np.flatnonzero(calm == calm.min()) + band // 2 - reach
    return edge + int(min(flattest, key=abs))


def blank_sides(picture: Image.Image, x: float, y: float, w: float, h: float) -> tuple[int, int]:
    """Return the number of blank pixel columns left and right of the letters of a line of text.

    The columns are counted from the edges of the picture. The box of the line is given in pixels.
    Its upper and lower tenth are ignored, because letters of neighbouring lines reach into them. If
    the box has no letters, the whole box counts as blank.
    """
    left, right = max(0, int(x)), min(picture.width, int(x + w) + 1)
    box = (left, int(y + 0.1 * h), right, max(int(y + 0.1 * h), int(y + 0.9 * h)) + 1)
    if left >= right:
        return left, picture.width - right
    lines = np.asarray(picture.crop(box).convert("L"), np.int32)
    contrast = np.ptp(lines, axis=0)
    letters = np.flatnonzero(contrast > LETTER_CONTRAST * np.ptp(lines))
    if not len(letters):
        return right, picture.width - left
    return left + int(letters[0]), picture.width - left - int(letters[-1]) - 1
