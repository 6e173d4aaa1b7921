"""The choice of frames to read, and notes about the frames that were not read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from aliocr.job.output.result import Read
from aliocr.models import Image, Scan

if TYPE_CHECKING:
    from aliocr.pictures.picture import FrameCount

MOST = 100
"""Default for the maximum number of frames that this machine reads of one picture.

To read this many frames takes about a minute.
"""


@attrs.frozen
class FrameChoice:
    """One of every `interval` frames, at most `max_frames`; the first frame if both are None."""

    interval: int | None = None
    max_frames: int | None = None

    def image(self, url: str) -> Image:
        """Return an image at a URL that asks for these frames."""
        return Image(url, interval=self.interval, max_frames=self.max_frames)


FIRST = FrameChoice()
"""Default for the service: the first frame, because the service charges for each frame."""

ALL = FrameChoice(1, MOST)
"""Default for this machine: up to `MOST` frames, because frames cost nothing there."""


def frames_total(image: Image, scan: Scan) -> int | None:
    """Return the number of frames in the picture of a scan; None if the scan does not show it.

    A picture with more than `max_frames` frames is read at a wider interval, and then more than
    half of `max_frames` frames come. Therefore, if every frame was asked for and at most half of
    `max_frames` frames came, these are all frames of the picture.
    """
    read = len(scan.frames) or 1
    if image.interval == 1 and image.max_frames is not None and 2 * read <= image.max_frames:
        return read
    return None


def remark(counted: FrameCount) -> str:
    """Return a note about the frames that this machine read by default; it may be empty."""
    total = counted.total
    if total == 1:
        return ""
    if not counted.readable:
        return f"the first of {total} frames was read; all frames together have too many pixels"
    if not counted.moves:
        return (
            f"a long picture, read whole; the service reads only the first of its {total} strips, "
            "unless --interval and --max-frames are given"
        )
    if total > MOST:
        step = -(-total // MOST)
        return f"one of every {step} of {total} frames; --interval 1 --max-frames {total} reads all"
    return ""


def first_alone(counted: FrameCount, read: Scan | Read) -> str:
    """Return a note about the frames that were read by default; it may be empty."""
    # A long picture whose size is known was read uncut.
    whole = read.width is not None and not counted.moves
    return "" if whole or counted.total == 1 else f"the first of {counted.total} frames was read"
