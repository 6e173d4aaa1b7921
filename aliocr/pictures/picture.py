"""Bytes of a picture in, upright RGB frames with their place in the picture out; or the refusal."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager

import attrs

from aliocr.extras import needed
from aliocr.pictures.bounds import PictureError, PictureFile, check_frames, check_scans, check_size
from aliocr.pictures.frames import chosen_frames, strip_span, total_frames

with needed("pictures"):
    import numpy as np
    from PIL import Image, UnidentifiedImageError

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP")
"""Source: documents, "Limits on images"."""

CUT_REACH = 0.08
"""How far a cut of a long image may move to miss a line of text, as a share of a strip."""

INK = 0.3
"""Contrast of a column that holds ink, as a share of the whole line's."""

WHITE = (255, 255, 255, 255)

EXIF_ORIENTATION = 0x0112

TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes each orientation. Source: EXIF 2.32, tag Orientation."""


@attrs.frozen
class PictureFrame:
    """One chosen frame, ready for an engine.

    Args:
        index: Its number among all frames of the picture, from 0.
        picture: Its pixels, upright, in RGB.
        x: Its left edge in the whole picture, in pixels; above 0 only in a wide long image.
        y: Its upper edge in the whole picture, in pixels; above 0 only in a high long image.
    """

    index: int
    picture: Image.Image
    x: int
    y: int


def decode(
    data: bytes, *, interval: int | None = None, max_frames: int | None = None
) -> Generator[PictureFrame, None, None]:
    """The chosen frames of a picture, decoded one by one as they are asked for.

    A GIF's frames are its own; a long image is cut into strips. Of an animated PNG or WEBP there is
    the first frame only: the documents know no other animation than GIF's. Of a damaged GIF there
    are the frames before the damage.

    Each frame blocks for as long as decoding it takes (0.2 s for 24 megapixels): ask for it in a
    thread.

    Args:
        data: The file's bytes; may be empty, which is no picture.
        interval: One frame of every `interval`; None, with `max_frames`, for the first one only.
        max_frames: At most so many frames.

    Returns:
        At least one frame, in order.

    Raises:
        PictureError: 480 or 590, before the first frame, or of a GIF before a later one that is too
            large.
    """
    with _opened(data) as image:
        yield from _frames(image, interval, max_frames)


def whole_frames(
    data: bytes, *, interval: int | None = None, max_frames: int | None = None
) -> Generator[PictureFrame, None, None]:
    """What a person looks at: of a GIF that moves the chosen frames, else the picture uncut.

    The same pixels as `decode` gives, one frame at a time; see there for the arguments.

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
    """How many frames a picture has, before any are chosen.

    Args:
        total: At least 1.
        moves: They are a GIF's own; else the strips of a long image, if there are several.
        readable: All of them can be read: a long animation may have too many pixels for that.
    """

    total: int
    moves: bool
    readable: bool


def count_frames(data: bytes) -> FrameCount:
    """The frames of a picture.

    Blocks as `decode` does, though for less long: nothing is decoded.

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
"""What is raised at a picture that may be whole."""


@contextmanager
def _opened(data: bytes) -> Iterator[Image.Image]:
    """A picture that is not too large; whatever is wrong with it in the block has its code."""
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
    """Whether it is a GIF of more than one frame; counting a million of them takes 3 s."""
    try:
        return image.format == "GIF" and bool(getattr(image, "is_animated", False))
    except _NO_DAMAGE:
        raise
    except Exception:  # noqa: BLE001 (the second frame is damaged, in whatever way)
        return False


def _own_frames(image: Image.Image) -> int:
    """Frames of a GIF, up to the first one whose place in the file cannot be found; else 1."""
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
        yield _strip(whole, index, total)


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
    """The picture as a person would see it on a white page: upright, opaque, RGB."""
    if (turn := _turn(image)) is not None:
        image = image.transpose(turn)
    if image.mode.startswith("I"):
        # 16-bit grey: convert() would clip everything above 255 to white.
        grey = np.asarray(image) >> 8
        return Image.fromarray(grey.astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        # Dropping the alpha would leave black text on black.
        page = Image.new("RGBA", image.size, WHITE)
        image = Image.alpha_composite(page, image.convert("RGBA"))
    return image.convert("RGB")


def _turn(image: Image.Image) -> Image.Transpose | None:
    """What brings a photo upright, by its EXIF orientation; None if nothing need be done.

    Pillow's own function also writes the other tags anew, and fails at photos that are whole but
    for a broken tag.
    """
    try:
        orientation = image.getexif().get(EXIF_ORIENTATION)
    except Exception:  # noqa: BLE001 (a viewer shows such photos too, as they lie)
        return None
    return TURNS.get(orientation) if isinstance(orientation, int) else None


def _strip(whole: Image.Image, index: int, total: int) -> PictureFrame:
    """Strip `index` of a long image, between two cuts that miss the text if they can."""
    portrait = whole.height > whole.width
    span = strip_span(index, max(whole.size), total)
    start, stop = (_calm_cut(whole, edge, total) for edge in span)
    if portrait:
        return PictureFrame(index, whole.crop((0, start, whole.width, stop)), 0, start)
    return PictureFrame(index, whole.crop((start, 0, stop, whole.height)), start, 0)


def _calm_cut(whole: Image.Image, edge: int, total: int) -> int:
    """The flattest row (of a high picture) or column (of a wide one) near a nominal cut.

    Equal cuts went through 7 of 70 lines of a long chat, these through none.

    Args:
        whole: A long image.
        edge: The nominal cut; the picture's own ends stay where they are.
        total: Number of strips.

    Returns:
        The cut as a position on the long side, in pixels.
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
    """Columns without ink beside a line of text, between it and the picture's left and right edge.

    Args:
        picture: The strip that the line was found in.
        x: Left edge of the line's box in the strip, in pixels.
        y: Upper edge of it.
        w: Width of it.
        h: Height of it. Its outermost tenths are left out, where neighbours reach in.

    Returns:
        At least 0 each; within the box all of it if the line has no ink.
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
