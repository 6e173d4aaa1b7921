"""The content of an image: set by a script, or read by an engine."""

from __future__ import annotations

import attrs

from aliocr.models import Frame, HasRegions, Region

CERTAIN = 99.9
"""Confidence in percent where none was measured, since the service always gives a number."""


@attrs.frozen
class Content(HasRegions):
    """The text of an image, with positions.

    Args:
        text: All text joined; empty if there is none.
        regions: In reading order and pixels of the whole picture; a line that runs through several
            frames of a wide picture is one piece.
        frames: In order; empty if only one was captured. Their regions are in pixels of the whole
            picture too: the documents do not say if a long image's positions count from the
            picture or from its strip.
        rate: Mean confidence in percent over all text.
    """

    text: str
    regions: tuple[Region, ...] = ()
    frames: tuple[Frame, ...] = ()
    rate: float = CERTAIN

    @classmethod
    def of_text(cls, text: str) -> Content:
        """Return the text as one region, a line of letters of 10 × 20 pixels; none if empty."""
        return cls(text, (Region(text, 10, 10, 10 * len(text), 20),) if text else ())
