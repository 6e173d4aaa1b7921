"""The content of an image: set by a script, or read by an engine."""

from __future__ import annotations

from collections.abc import Collection

import attrs

from aliocr.models import Frame, HasRegions, Region

CERTAIN = 99.9
"""Confidence of text that no engine has read, in percent. Such text needs a value too, because the
service always gives one."""

FRAME_FIELDS = ("rate", "url", "ocrData", "ocrLocations")
"""All fields that a frame may have in a reply."""


def check_frame_fields(fields: Collection[str]) -> None:
    """Raise ValueError if the fields are not some of `FRAME_FIELDS`."""
    if isinstance(fields, str) or not fields or not set(fields) <= set(FRAME_FIELDS):
        raise ValueError(
            f"frame_fields must be one or more of {', '.join(FRAME_FIELDS)}, not {fields!r}"
        )


@attrs.frozen
class Content(HasRegions):
    """The text of an image, with the positions of its regions.

    Args:
        text: All text of the image, joined; empty if there is no text.
        regions: The pieces of text in reading order, with positions in pixels of the whole picture.
            A line that runs through several frames of a wide picture is one region.
        frames: The frames, from first to last; empty if only one frame was captured. The positions
            in a frame are also in pixels of the whole picture. The documents do not say if
            positions in a long image count from the corner of the picture or of the frame.
        rate: Mean confidence in percent over all text.
        width: Width of the picture in pixels; None if it is not to be said, as by the service.
        height: Height of the picture in pixels, like `width`.
        turn: Angle in degrees by which the picture must be turned clockwise so that its text is
            upright, like `width`. The regions are those of the picture as it came.
    """

    text: str
    regions: tuple[Region, ...] = ()
    frames: tuple[Frame, ...] = ()
    rate: float = CERTAIN
    width: int | None = None
    height: int | None = None
    turn: int | None = None

    @classmethod
    def of_text(cls, text: str) -> Content:
        """Return the text as one region, in which each character has 10 × 20 pixels.

        If the text is empty, there is no region.
        """
        return cls(text, (Region(text, 10, 10, 10 * len(text), 20),) if text else ())
