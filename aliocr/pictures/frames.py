"""Compute how many frames a picture has, and which frames are read. This needs no pixels."""

from __future__ import annotations

LONG_SIDE_PIXELS = 400
"""The longer side of a long image has more pixels than this number. Source: documents,
"interval"."""


def is_long(width: int, height: int) -> bool:
    """Return True if a picture of this size is a "long image".

    The longer side of a long image has more than 400 pixels, and is more than 2.5 times as long as
    the other side.

    Source: documents, "interval".
    """
    long, short = max(width, height), min(width, height)
    return long > LONG_SIDE_PIXELS and 2 * long > 5 * short


def total_frames(width: int, height: int, *, gif_frames: int = 1) -> int:
    """Return the total number of frames of a picture, including frames that are not read.

    A half is rounded up: a page that is 4.5 times as high as wide has 5 frames. A GIF of several
    frames is never cut into strips. The documents do not say this; we chose this rule, because a
    strip of a frame would not be a frame of the GIF.

    Source: documents, "interval": "divide the height by the width and round the result to the
    nearest integer".
    """
    if gif_frames > 1:
        return gif_frames
    if not is_long(width, height):
        return 1
    long, short = max(width, height), min(width, height)
    # This is floor(long / short + 0.5) in whole numbers. round() would round 4.5 down to 4.
    return (2 * long + short) // (2 * short)


def chosen_frames(total: int, *, interval: int | None, max_frames: int | None) -> range:
    """Return the indices of the frames that are read and charged, in increasing order.

    The documents do not say which frame the service reads first. We chose the first frame of the
    picture.

    Args:
        total: Number of frames of the picture.
        interval: At least 1. One of every `interval` frames is read. If `interval` or `max_frames`
            is None, only the first frame is read.
        max_frames: At least 1. At most this number of frames is read. If these frames would not
            reach the end of the picture, a larger `interval` is used.

    Source: documents, "interval" and "maxFrames".
    """
    if interval is None or max_frames is None:
        return range(1)
    if interval * max_frames < total:
        interval = -(-total // max_frames)
    return range(0, total, interval)[:max_frames]


def strip_span(index: int, side: int, total: int) -> tuple[int, int]:
    """Return the start and the end of strip `index` of `total` equal strips of the long side."""
    return index * side // total, (index + 1) * side // total
