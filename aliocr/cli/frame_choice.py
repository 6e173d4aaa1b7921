"""The frames to ask for, and what to tell people about the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from aliocr.models import Image, Scan

if TYPE_CHECKING:
    from aliocr.pictures.picture import FrameCount

MOST = 100
"""Frames read of a picture on this machine by default: a minute or so."""


@attrs.frozen
class FrameChoice:
    """One of every `interval` frames, and at most `max_frames`; the first one if both are None."""

    interval: int | None = None
    max_frames: int | None = None

    def image(self, url: str) -> Image:
        """Return the image at a URL, of which these frames are read."""
        return Image(url, interval=self.interval, max_frames=self.max_frames)


FIRST = FrameChoice()
"""The service's default: it charges each frame that it reads."""

ALL = FrameChoice(1, MOST)
"""The default of this machine, where frames cost nothing."""


def frames_total(image: Image, scan: Scan) -> int | None:
    """Return how many frames the picture of a scan has; None if the scan does not show it.

    The scan shows it if every frame was asked for, and fewer than half of `max_frames` came. A
    picture with more frames than that may have been read at a wider interval, of which at least
    half of `max_frames` come.
    """
    read = len(scan.frames) or 1
    if image.interval == 1 and image.max_frames is not None and 2 * read <= image.max_frames:
        return read
    return None


def remark(counted: FrameCount) -> str:
    """Return a note on a picture that this machine read with the default choice; may be empty."""
    total = counted.total
    if total == 1:
        return ""
    if not counted.readable:
        return f"the first of {total} frames; all of them are too many pixels"
    if total > MOST:
        step = -(-total // MOST)
        return f"one of every {step} of {total} frames; --interval 1 --max-frames {total} reads all"
    return "" if counted.moves else f"a long picture, read in {total} strips as the service does"


def first_alone(counted: FrameCount) -> str:
    """Return a note on a picture that the service read with the default choice; may be empty."""
    total = counted.total
    return "" if total == 1 else f"the first of {total} frames was read"
