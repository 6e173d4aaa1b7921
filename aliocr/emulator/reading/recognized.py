"""What an engine saw in each frame of a picture, and what the picture says as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Self, TypeVar

import attrs

from aliocr.emulator.content import CERTAIN, Content
from aliocr.emulator.engine import Recognized, rate
from aliocr.emulator.reading.stitch import Strip, stitch_lines
from aliocr.models import Frame, Region, with_unread
from aliocr.pictures.picture import PictureFrame, blank_sides
from aliocr.protocol.wire import WrittenRegions
from aliocr.text.layout import joined_text, reading_order

H = TypeVar("H", Frame, Content)


@attrs.frozen
class RecognizedFrame:
    """What was seen in one frame, in reading order, and the same as a value for the caller."""

    strip: Strip
    frame: Frame

    @classmethod
    def of(cls, frame: PictureFrame, recognized: Iterable[Recognized]) -> Self:
        """Of what an engine found in a frame, in pixels of the frame."""
        picture = frame.picture
        seen = reading_order(recognized)
        found = tuple(attrs.evolve(each, x=each.x + frame.x, y=each.y + frame.y) for each in seen)
        blanks = tuple(blank_sides(picture, each.x, each.y, each.w, each.h) for each in seen)
        strip = Strip(found, frame.x, frame.x + picture.width, blanks)
        # No address: the service keeps frames for some minutes, the emulator keeps none.
        return cls(strip, _having(found, Frame(joined_text(found), rate=_rate(found))))


def combine_frames(seen: Sequence[RecognizedFrame]) -> Content:
    """What a picture says.

    Args:
        seen: In its frames, at least one, in order.
    """
    strips = [one.strip for one in seen]
    found: Sequence[Recognized]
    if any(strip.left for strip in strips):
        found = stitch_lines(strips)
    else:
        found = [each for strip in strips for each in strip.found]
    # A single frame is the image itself. Source: "frames".
    frames = tuple(one.frame for one in seen) if len(seen) > 1 else ()
    return _having(found, Content(joined_text(found), frames=frames, rate=_rate(found)))


def _having(found: Sequence[Recognized], what: H) -> H:
    """The same with its regions, as they will be sent.

    Here, in the worker: the event loop need not write them, nor the garbage collector look at each.
    """
    if not found:
        return what
    regions = (Region(each.text, each.x, each.y, each.w, each.h) for each in found)
    return with_unread(what, WrittenRegions.of(regions))


def _rate(found: Sequence[Recognized]) -> float:
    mean = rate(found)
    return CERTAIN if mean is None else mean
