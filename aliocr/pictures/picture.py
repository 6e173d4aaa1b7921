"""Decode a picture into upright RGB frames with their place in the picture, or refuse it."""

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
"""Source: documents, "Limits on images"."""

CUT_REACH = 0.08
"""Distance that a cut of a long image may move to miss a line of text, as a share of a strip."""

INK = 0.3
"""Contrast of a column with ink, as a share of the contrast of the whole line."""

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
"""The transposition that undoes each orientation. Source: EXIF 2.32, tag Orientation."""


@attrs.frozen
class PictureFrame:
    """One chosen frame, ready for an engine.

    Args:
        index: Number of the frame in the picture, from 0.
        picture: Pixels of the frame, upright, in RGB.
        x: Left edge in the whole picture, in pixels; above 0 only in a wide long image.
        y: Upper edge in the whole picture, in pixels; above 0 only in a high long image.
    """

    index: int
    picture: Image.Image
    x: int
    y: int


def decode(
    data: bytes, *, interval: int | None = None, max_frames: int | None = None
) -> Generator[PictureFrame, None, None]:
    """Yield the chosen frames of a picture, each decoded at the iterator's next step.

    A GIF has its own frames; a long image is cut into strips. An animated PNG or WEBP gives its
    first frame only: the documents know no animation but GIF. A damaged GIF gives the frames before
    the damage.

    Decoding blocks (0.2 s for 24 megapixels): take each frame in a thread.

    Args:
        data: The file's bytes.
        interval: One frame of every `interval`; None, with `max_frames`, for the first frame only.
        max_frames: Most frames.

    Raises:
        PictureError: 480 or 590, before the first frame, or before a later frame of a GIF that is
            too large.
    """
    with _opened(data) as image:
        yield from _frames(image, interval, max_frames)


def whole_frames(
    data: bytes, *, interval: int | None = None, max_frames: int | None = None
) -> Generator[PictureFrame, None, None]:
    """Yield the chosen frames of an animated GIF, or any other picture uncut.

    The pixels are the pixels of `decode`, and so are the arguments.

    Raises:
        PictureError: 480 or 590.
    """
    with _opened(data) as image:
        if (own := _own_frames(image)) > 1:
            chosen = chosen_frames(own, interval=interval, max_frames=max_frames)
            yield from _gif_frames(image, chosen)
        else:
            yield PictureFrame(0, _normalised(image), 0, 0)


@attrs.frozen
class FrameCount:
    """The number of frames of a picture, chosen or not.

    Args:
        total: At least 1.
        moves: True for the frames of a GIF; several frames are else strips of a long image.
        readable: True if all frames can be read: a long animation may have too many pixels.
    """

    total: int
    moves: bool
    readable: bool


def count_frames(data: bytes) -> FrameCount:
    """Count the frames of a picture; this blocks for less time than `decode`.

    Raises:
        PictureError: 480 or 590.
    """
    with _opened(data) as image:
        own = _own_frames(image)
        # Turning it upright would change nothing: the rule does not tell height from width.
        total = total_frames(*image.size, gif_frames=own)
        try:
            check_size(image, own)
            check_frames(total)
        except PictureError:
            return FrameCount(total, moves=own > 1, readable=False)
        return FrameCount(total, moves=own > 1, readable=True)


_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)
_NO_DAMAGE = (PictureError, MemoryError, *_BOMBS)
"""Errors that do not mean a damaged picture."""


@contextmanager
def _opened(data: bytes) -> Iterator[Image.Image]:
    """Open a picture within the limits; an error in the block becomes a `PictureError`."""
    if not data:
        raise PictureError(590, "an empty file")
    try:
        with Image.open(PictureFile(data), formats=FORMATS) as image:
            # Before anything is decoded: a file of 17 kB can declare 144 megapixels.
            check_size(image)
            check_scans(data)
            yield image
    except (PictureError, MemoryError):
        raise
    except _BOMBS as error:
        raise PictureError(480, "too many pixels") from error
    except UnidentifiedImageError as error:
        raise PictureError(590, "an unknown format") from error
    except Exception as error:
        # Damaged files make Pillow's decoders raise OSError, SyntaxError, ValueError, IndexError,
        # struct.error, …: whichever line met the damage.
        raise PictureError(590, "damaged or truncated") from error


def _moves(image: Image.Image) -> bool:
    """Return True for a GIF of several frames, without counting: a million frames take 3 s."""
    try:
        return image.format == "GIF" and bool(getattr(image, "is_animated", False))
    except _NO_DAMAGE:
        raise
    except Exception:  # noqa: BLE001 (the second frame is damaged, in whatever way)
        return False


def _own_frames(image: Image.Image) -> int:
    """Return the frames of a GIF up to the first that is not found in the file; else 1."""
    if not _moves(image):
        return 1
    try:
        frames: int = getattr(image, "n_frames", 1)
    except _NO_DAMAGE:
        raise
    except Exception:  # noqa: BLE001 (as above)
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
        # Between two cuts that miss the text if possible.
        span = strip_span(index, max(whole.size), total)
        start, stop = (_calm_cut(whole, edge, total) for edge in span)
        if whole.height > whole.width:
            yield PictureFrame(index, whole.crop((0, start, whole.width, stop)), 0, start)
        else:
            yield PictureFrame(index, whole.crop((start, 0, stop, whole.height)), start, 0)


def _gif_frames(image: Image.Image, chosen: range) -> Iterator[PictureFrame]:
    count = chosen[-1] + 1
    check_size(image, count)
    # One by one, though seek() could jump: a frame may enlarge the canvas, and is checked before
    # the next builds on it.
    for index in range(count):
        try:
            image.seek(index)
            check_size(image, count)
            image.load()  # or the damage in a frame that was not chosen would be met at the next
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
    """Return the picture upright, on white, in RGB."""
    # Pillow's own function also rewrites the other tags, and fails at a photo with a broken tag.
    try:
        orientation = image.getexif().get(EXIF_ORIENTATION)
    except Exception:  # noqa: BLE001 (a viewer shows such photos too, as they lie)
        orientation = None
    if isinstance(orientation, int) and orientation in UPRIGHT:
        image = image.transpose(UPRIGHT[orientation])
    if image.mode.startswith("I"):
        # 16-bit grey: convert() would clip everything above 255 to white.
        grey = np.asarray(image) >> 8
        return Image.fromarray(grey.astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        # Dropping the alpha would leave black text on black.
        page = Image.new("RGBA", image.size, WHITE)
        image = Image.alpha_composite(page, image.convert("RGBA"))
    return image.convert("RGB")


def _calm_cut(whole: Image.Image, edge: int, total: int) -> int:
    """Return the flattest row (of a high picture) or column (of a wide one) near a nominal cut.

    Equal cuts went through 7 of 70 lines of a long chat, these cuts through none. The picture's own
    ends stay where they are.
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
    # A band, not a single row: the cut keeps away from the letters on either side of it.
    band = max(1, reach // 4)
    calm = np.convolve(activity, np.ones(band, np.int32), "valid")
    flattest = np.flatnonzero(calm == calm.min()) + band // 2 - reach
    return edge + int(min(flattest, key=abs))


def blank_sides(picture: Image.Image, x: float, y: float, w: float, h: float) -> tuple[int, int]:
    """Return the columns without ink left and right of a line of text, up to the picture's edges.

    The box of the line is in pixels. Its outermost tenths are left out, where neighbours reach in;
    the whole box counts if the line has no ink.
    """
    left, right = max(0, int(x)), min(picture.width, int(x + w) + 1)
    box = (left, int(y + 0.1 * h), right, max(int(y + 0.1 * h), int(y + 0.9 * h)) + 1)
    if left >= right:
        return left, picture.width - right
    lines = np.asarray(picture.crop(box).convert("L"), np.int32)
    contrast = np.ptp(lines, axis=0)
    ink = np.flatnonzero(contrast > INK * np.ptp(lines))
    if not len(ink):
        return right, picture.width - left
    return left + int(ink[0]), picture.width - left - int(ink[-1]) - 1
