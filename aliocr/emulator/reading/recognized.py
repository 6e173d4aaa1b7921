"""Combines an engine's results for the frames of a picture into the content of the picture."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Self, TypeAlias, TypeVar

import attrs

from aliocr.emulator.content import CERTAIN, Content
from aliocr.emulator.engine import Recognized, rate
from aliocr.emulator.reading.stitch import Strip, stitch_lines
from aliocr.models import Frame, Region, with_lazy_regions
from aliocr.pictures.picture import PictureFrame, blank_sides
from aliocr.protocol.wire import WrittenRegions
from aliocr.text.layout import joined_text, reading_order

H = TypeVar("H", Frame, Content)


@attrs.frozen
class RecognizedFrame:
    """The lines of one frame in reading order, as a `Strip` to be stitched and as a `Frame`.

    `turn` is the angle in degrees by which the frame must be turned clockwise to be upright; None
    if the engine does not say it.
    """

    strip: Strip
    frame: Frame
    turn: int | None = None

    @classmethod
    def of(
        cls, frame: PictureFrame, recognized: Iterable[Recognized], turn: int | None = None
    ) -> Self:
        """Return the recognized frame for an engine's lines, whose boxes are in frame pixels."""
        picture = frame.picture
        lines = reading_order(recognized, turn)
        found = tuple(attrs.evolve(line, x=line.x + frame.x, y=line.y + frame.y) for line in lines)
        blanks = tuple(blank_sides(picture, line.x, line.y, line.w, line.h) for line in lines)
        strip = Strip(found, frame.x, frame.x + picture.width, blanks)
        return cls(strip, frame_of(found, turn), turn)


Recognize: TypeAlias = Callable[[PictureFrame], RecognizedFrame]
"""Recognizes a frame with the engine of the calling thread."""


def frame_of(found: Sequence[Recognized], turn: int | None) -> Frame:
    """Return the frame with these lines, which are in reading order, with its turn."""
    return _with_regions(found, Frame(joined_text(found, turn), rate=_rate(found)))


def content_of(
    found: Sequence[Recognized],
    frames: Sequence[Frame],
    size: tuple[int, int] | None,
    turn: int | None,
) -> Content:
    """Return the content with these lines, which are in reading order."""
    width, height = size or (None, None)
    text, rate = joined_text(found, turn), _rate(found)
    content = Content(text, (), tuple(frames), rate, width, height, None if size is None else turn)
    return _with_regions(found, content)


def combine_frames(
    recognized: Sequence[RecognizedFrame], size: tuple[int, int] | None = None
) -> Content:
    """Combine all recognized frames of a picture, from first to last, into its content.

    The content says size and turn of the picture only if `size` is given.
    """
    strips = [one.strip for one in recognized]
    found: Sequence[Recognized]
    if any(strip.left for strip in strips):
        found = stitch_lines(strips)
    else:
        found = [line for strip in strips for line in strip.found]
    # A single frame is the image itself, so `frames` is empty then. Source: "frames".
    frames = tuple(one.frame for one in recognized) if len(recognized) > 1 else ()
    return content_of(found, frames, size, recognized[0].turn)


def _with_regions(found: Sequence[Recognized], holder: H) -> H:
    """Return `holder` with the regions, which are encoded for the reply.

    The worker encodes the regions, so that the event loop has less work, and the garbage collector
    has fewer objects to check.
    """
    if not found:
        return holder
    regions = (Region(line.text, line.x, line.y, line.w, line.h) for line in found)
    return with_lazy_regions(holder, WrittenRegions.of(regions))


def _rate(found: Sequence[Recognized]) -> float:
    mean = rate(found)
    return CERTAIN if mean is None else mean
