"""The choice of frames that are read: arithmetic on sizes and counts, no pixels."""

from __future__ import annotations

LONG_SIDE_PIXELS = 400
"""The long side of a long image exceeds this. Source: documents, "interval"."""


def is_long(width: int, height: int) -> bool:
    """Return True for a "long image": one side above 400 pixels and above 2.5 times the other.

    Source: documents, "interval".
    """
    long, short = max(width, height), min(width, height)
    return long > LONG_SIDE_PIXELS and 2 * long > 5 * short


def total_frames(width: int, height: int, *, gif_frames: int = 1) -> int:
    """Return the number of frames of a picture, chosen or not.

    A half rounds up: a page 4.5 times as high as wide has 5 frames. A GIF of several frames is
    never cut into strips, whatever its shape: the documents do not say, and a strip of one frame
    would be no frame of the GIF.

    Source: documents, "interval": "divide the height by the width and round the result to the
    nearest integer".
    """
    if gif_frames > 1:
        return gif_frames
    if not is_long(width, height):
        return 1
    long, short = max(width, height), min(width, height)
    # floor(long / short + 0.5) in whole numbers; round() would make 4.5 a 4.
    return (2 * long + short) // (2 * short)


def chosen_frames(total: int, *, interval: int | None, max_frames: int | None) -> range:
    """Return the indices of the frames that are read, and charged, in order.

    The documents do not say at which frame the service starts; here it is the first.

    Args:
        total: Frames of the picture.
        interval: One frame of every `interval`, at least 1; None, with `max_frames`, for the first
            frame only.
        max_frames: At least 1. `interval` is widened until this number of frames covers the whole
            picture.

    Source: documents, "interval" and "maxFrames".
    """
    if interval is None or max_frames is None:
        return range(1)
    if interval * max_frames < total:
        interval = -(-total // max_frames)
    return range(0, total, interval)[:max_frames]


def strip_span(index: int, side: int, total: int) -> tuple[int, int]:
    """Return begin and end of strip `index`, if equal cuts divide the long side of a picture."""
    return index * side // total, (index + 1) * side // total
