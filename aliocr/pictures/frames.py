"""Which frames of a picture are read: arithmetic on sizes and counts, no pixels."""

from __future__ import annotations

LONG_SIDE_PIXELS = 400
"""A long image is longer than this. Source: documents, "interval"."""


def is_long(width: int, height: int) -> bool:
    """Whether a picture is a "long image": a side above 400 pixels and above 2.5 times the other.

    Args:
        width: In pixels, at least 1.
        height: In pixels, at least 1.

    Source: documents, "interval".
    """
    long, short = max(width, height), min(width, height)
    return long > LONG_SIDE_PIXELS and 2 * long > 5 * short


def total_frames(width: int, height: int, *, gif_frames: int = 1) -> int:
    """How many frames a picture has, before any are chosen.

    Args:
        width: In pixels, at least 1.
        height: In pixels, at least 1.
        gif_frames: Frames of a GIF; 1 for every other format. A GIF that moves counts its own
            frames whatever its shape; the documents do not say, and cutting each of them into
            strips would be no frame of anything.

    Returns:
        At least 1. A half rounds up: a page 4.5 times as high as wide has 5 frames.

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
    """The indices of the frames that are read, and charged, in order.

    The documents do not say at which frame the service starts; here it is the first.

    Args:
        total: Frames of the picture, at least 1.
        interval: One frame of every `interval`, at least 1; None, with `max_frames`, for the first
            frame only.
        max_frames: At most so many frames, at least 1. `interval` is widened until they reach
            over the whole picture.

    Source: documents, "interval" and "maxFrames".
    """
    if interval is None or max_frames is None:
        return range(1)
    if interval * max_frames < total:
        interval = -(-total // max_frames)
    return range(0, total, interval)[:max_frames]


def strip_span(index: int, side: int, total: int) -> tuple[int, int]:
    """Where a strip begins and ends if equal cuts divide the long side of a picture.

    Args:
        index: Which strip, from 0.
        side: Length of the long side, in pixels.
        total: Number of strips, 1 to `side`.

    Returns:
        Positions from 0 to `side`; the strip reaches up to and without the second, where the next
        one begins.
    """
    return index * side // total, (index + 1) * side // total
