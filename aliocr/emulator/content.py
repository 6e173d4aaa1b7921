"""The content of an image: set by a script, or read by an engine."""

from __future__ import annotations

import attrs

from aliocr.models import Frame, HasRegions, Region

CERTAIN = 99.9
"""Confidence of text that no engine read, in percent, because the service always gives a number."""


@attrs.frozen
class Content(HasRegions):
    """The text of an image, with the positions of its regions.

    Args:
        text: All text of the image, joined; empty if there is no text.
        regions: The pieces of text in reading order, with positions in pixels of the whole picture.
            A line that runs through several frames of a wide picture is one region.
        frames: The frames in order; empty if only one frame was captured. The regions of a frame
            are also in pixels of the whole picture. The documents do not say if positions in a
            long image count from the corner of the picture or from the corner of the strip.
        rate: Mean confidence in percent over all text.
    """

    text: str
    regions: tuple[Region, ...] = ()
    frames: tuple[Frame, ...] = ()
    rate: float = CERTAIN

    @classmethod
    def of_text(cls, text: str) -> Content:
        """Return the text as one line of letters of 10 × 20 pixels; no region if it is empty."""
        return cls(text, (Region(text, 10, 10, 10 * len(text), 20),) if text else ())
