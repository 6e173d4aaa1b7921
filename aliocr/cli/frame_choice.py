"""Which frames to ask for, and what to say of those there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from aliocr.models import Image, Scan

if TYPE_CHECKING:
    from aliocr.pictures.picture import FrameCount

MOST = 100
"""Frames read of a picture on this machine unless told otherwise: a minute or so."""


@attrs.frozen
class Choice:
    """One of every `interval` frames, and at most `max_frames`; the first one if both are None."""

    interval: int | None = None
    max_frames: int | None = None


FIRST = Choice()
"""What the service does unless told: every frame it reads is charged."""

ALL = Choice(1, MOST)
"""What costs nothing on this machine."""


def frames_total(image: Image, scan: Scan) -> int | None:
    """How many frames a picture has that was read, if that shows; None if not.

    One of every frame was asked for, and not so many came that the interval may have been widened:
    beyond the most of them it is, and then at least half of the most come.
    """
    read = len(scan.frames) or 1
    if image.interval == 1 and image.max_frames is not None and 2 * read <= image.max_frames:
        return read
    return None


def remark(counted: FrameCount) -> str:
    """What a person may want to know about a picture that was read without asking for frames."""
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
    """What to know about a picture of which no frames were asked for, where each is charged."""
    total = counted.total
    return "" if total == 1 else f"the first of {total} frames was read"
