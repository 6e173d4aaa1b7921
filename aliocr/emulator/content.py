"""What an image says: as a script tells it, or as an engine has read it."""

from __future__ import annotations

import attrs

from aliocr.models import Frame, HasRegions, Region

CERTAIN = 99.9
"""Confidence in percent where nothing was measured: the service always gives a number."""


@attrs.frozen
class Content(HasRegions):
    """What an image says.

    Args:
        text: All text joined; empty if there is none.
        regions: Its pieces in reading order, in pixels of the whole picture; a line that runs
            through the frames of a wide picture is one piece.
        frames: The captured frames, in order; empty unless more than one was. Their regions, too,
            are in pixels of the whole picture: the documents do not say whether a long image's
            positions count from the picture or from its strip.
        rate: Mean confidence in percent over all text.
    """

    text: str
    regions: tuple[Region, ...] = ()
    frames: tuple[Frame, ...] = ()
    rate: float = CERTAIN

    @classmethod
    def of_text(cls, text: str) -> Content:
        """The text in one region, as a line of letters of 10 × 20 pixels; none without text."""
        return cls(text, (Region(text, 10, 10, 10 * len(text), 20),) if text else ())
