"""Decode a picture into upright RGB frames, or refuse the picture."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import attrs

from aliocr.extras import needed
from aliocr.pictures.frames import chosen_frames, strip_span, total_frames
from aliocr.pictures.opening import NO_DAMAGE, OpenPicture, opened
from aliocr.pictures.size_limits import PictureError, check_frames, check_size
from aliocr.pictures.upright import SWAPPED, normalised, orientation

with needed("pictures"):
    import numpy as np
    from PIL import Image

CUT_REACH = 0.08
"""A cut through a long image may move to avoid a line of text. This is its maximum distance, as a
share of the length of a strip."""

LETTER_CONTRAST = 0.3
"""A column of pixels contains a part of a letter if its contrast is more than this share of the
contrast of the whole line."""


@attrs.frozen
class PictureFrame:
    """One of the chosen frames, as an OCR engine gets it.

    Args:
        index: Number of the frame in the picture, from 0.
        picture: Pixels of the frame, upright, in RGB.
        x: Left edge of the frame in the whole picture, in pixels. Above 0 only for a strip of a
            wide picture.
        y: Upper edge of the frame in the whole picture, in pixels. Above 0 only for a strip of a
            high picture.
        scale: Number of pixels of the whole picture for each pixel of `picture`, in each direction.
            Above 1 only for a picture that was made smaller, because it is too large for the
            memory. `x`, `y`, `width` and `height` are in pixels of the whole picture nevertheless.
        width: Width of the frame in pixels of the whole picture.
        height: Height of the frame in pixels of the whole picture.
    """

    index: int
    picture: Image.Image
    x: int = 0
    y: int = 0
    scale: int = 1
    width: int = attrs.field(
        default=attrs.Factory(lambda self: self.picture.width, takes_self=True)
    )
    height: int = attrs.field(
        default=attrs.Factory(lambda self: self.picture.height, takes_self=True)
    )


def decode(
    data: bytes, *, interval: int | None = None, max_frames: int | None = None
) -> Generator[PictureFrame, None, None]:
    """Yield the chosen frames of a picture. A frame is decoded when the iterator is advanced.

    For a GIF, the frames are its animation frames. For a long image, they are its strips. For an
    animated PNG or WEBP, only the first frame is yielded, because the documents mention no
    animation except GIF. For a damaged GIF, only the frames before the damage are yielded.

    In async code, advance the iterator in a thread, because decoding blocks (0.2 s for 24
    megapixels).

    Args:
        data: The bytes of the file.
        interval: One of every `interval` frames is yielded. If `interval` or `max_frames` is None,
            only the first frame is yielded.
        max_frames: Maximum number of frames.

    Raises:
        PictureError: Code 480 or 590. It is raised before the first frame, or before a later frame
            of a GIF if the later frame exceeds a limit.
    """
    with opened(data) as picture:
        yield from _frames(picture, interval, max_frames)


def whole_frames(
    data: bytes, *, interval: int | None = None, max_frames: int | None = None
) -> Generator[PictureFrame, None, None]:
    """Yield the chosen frames of an animated GIF. Yield any other picture as one uncut frame.

    The arguments and the pixels of the frames are the same as for `decode`.

    Raises:
        PictureError: Code 480 or 590.
    """
    with opened(data) as picture:
        if (own := _own_frames(picture.image)) > 1:
            chosen = chosen_frames(own, interval=interval, max_frames=max_frames)
            yield from _gif_frames(picture.image, chosen)
        else:
            yield _whole_frame(picture)


@attrs.frozen
class FrameCount:
    """The number of frames of a picture, including frames that are not chosen.

    Args:
        total: Number of frames, at least 1.
        moves: True if the frames are frames of a GIF; False for strips of a long image.
        readable: True if the picture with all its frames is within the limits. A long animation
            may have too many frames, or too many pixels in all frames together.
    """

    total: int
    moves: bool
    readable: bool


def count_frames(data: bytes) -> FrameCount:
    """Count the frames of a picture. This blocks, but for less time than `decode`.

    Raises:
        PictureError: Code 480 or 590.
    """
    with opened(data) as picture:
        image = picture.image
        own = _own_frames(image)
        # The picture need not be upright, because the number stays the same if height and width
        # are swapped.
        total = total_frames(picture.width, picture.height, gif_frames=own)
        try:
            check_size(image, own)
            check_frames(total)
        except PictureError:
            return FrameCount(total, moves=own > 1, readable=False)
        return FrameCount(total, moves=own > 1, readable=True)


def _moves(image: Image.Image) -> bool:
    """Return True for a GIF of several frames.

    The frames are not counted, because counting a million frames takes 3 s.
    """
    try:
        return image.format == "GIF" and bool(getattr(image, "is_animated", False))
    except NO_DAMAGE:
        raise
    except Exception:  # noqa: BLE001 (the second frame is damaged; see `opened`)
        return False


def _own_frames(image: Image.Image) -> int:
    """Return the number of frames of a GIF up to the first damage; 1 for any other picture."""
    if not _moves(image):
        return 1
    try:
        frames: int = getattr(image, "n_frames", 1)
    except NO_DAMAGE:
        raise
    except Exception:  # noqa: BLE001 (a later frame is damaged; see `opened`)
        frames = image.tell() + 1
        image.seek(0)
    return frames


def _frames(
    picture: OpenPicture, interval: int | None, max_frames: int | None
) -> Iterator[PictureFrame]:
    if _moves(picture.image):
        own = 1 if interval is None else _own_frames(picture.image)
        chosen = chosen_frames(own, interval=interval, max_frames=max_frames)
        yield from _gif_frames(picture.image, chosen)
        return
    frame = _whole_frame(picture)
    if total_frames(frame.width, frame.height) == 1:
        yield frame
        return
    for index, box in strip_boxes(frame, interval, max_frames):
        yield _part(frame, index, box)


def strip_boxes(
    frame: PictureFrame, interval: int | None, max_frames: int | None
) -> Iterator[tuple[int, tuple[int, int, int, int]]]:
    """Yield number and edges of each chosen strip of a long image: left, upper, right, lower.

    Another image is one strip. The edges are in pixels of `frame.picture`. The arguments are as in
    `decode`.

    Raises:
        PictureError: Code 480: too many strips are chosen.
    """
    whole, total = frame.picture, total_frames(frame.width, frame.height)
    chosen = chosen_frames(total, interval=interval, max_frames=max_frames)
    check_frames(len(chosen))
    for index in chosen:
        # Move the cuts at both ends of the strip to places between lines of text, if possible.
        span = strip_span(index, max(whole.size), total)
        start, stop = (_calm_cut(whole, edge, total) for edge in span)
        if whole.height > whole.width:
            yield index, (0, start, whole.width, stop)
        else:
            yield index, (start, 0, stop, whole.height)


def _whole_frame(picture: OpenPicture) -> PictureFrame:
    """Return a picture that does not move as one frame."""
    image, size = picture.image, (picture.width, picture.height)
    # The decoder may have made the picture smaller already.
    pixels = normalised(image, picture.scale if image.size == size else 1)
    width, height = size[::-1] if orientation(image) in SWAPPED else size
    return PictureFrame(0, pixels, 0, 0, picture.scale, width, height)


def _part(frame: PictureFrame, index: int, box: tuple[int, int, int, int]) -> PictureFrame:
    """Return a part of a frame; the box is in pixels of `frame.picture`."""
    left, upper, right, lower = (edge * frame.scale for edge in box)
    width, height = min(right, frame.width) - left, min(lower, frame.height) - upper
    strip = frame.picture.crop(box)
    return PictureFrame(index, strip, left, upper, frame.scale, width, height)


def _gif_frames(image: Image.Image, chosen: range) -> Iterator[PictureFrame]:
    count = chosen[-1] + 1
    check_size(image, count)
    # Decode each frame, although seek() could skip frames that are not chosen. A frame may enlarge
    # the canvas, so the new size must be checked before the next frame is decoded.
    for index in range(count):
        try:
            image.seek(index)
            check_size(image, count)
            image.load()  # so that damage in this frame is found now, and not with the next frame
            frame = PictureFrame(index, normalised(image)) if index in chosen else None
        except NO_DAMAGE:
            raise
        except Exception:
            if not index:
                raise
            return
        if frame is not None:
            yield frame


def _calm_cut(whole: Image.Image, edge: int, total: int) -> int:
    """Return a place for a cut near `edge` that avoids text, if possible.

    The place is the row of pixels (in a wide picture: the column of pixels) in which neighbouring
    pixels differ least. In a long chat, cuts at equal distances went through 7 of 70 lines of text;
    the cuts of this function went through no line. The ends of the picture are not moved.
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
    # Look for a band of flat rows instead of a single row, so that the cut keeps a distance from
    # the letters on both sides.
    band = max(1, reach // 4)
    calm = np.convolve(activity, np.ones(band, np.int32), "valid")
    flattest = np.flatnonzero(calm == calm.min()) + band // 2 - reach
    return edge + int(min(flattest, key=abs))


def blank_sides(picture: Image.Image, x: float, y: float, w: float, h: float) -> tuple[int, int]:
    """Return the distances of the letters of a line from the left and right edges of the picture.

    The distances are in pixels, and so is the box of the line (`x`, `y`, `w`, `h`). The upper tenth
    and the lower tenth of the box are ignored, because letters of neighbouring lines reach into
    them. If the box has no letters, each distance includes the whole box.
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
