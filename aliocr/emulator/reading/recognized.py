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

MIN_MISSED = 4
"""A picture without text, in which at least this number of letters seems to be, was not read: it is
in a script that the engine does not know. Fewer may be a pattern or noise."""


@attrs.frozen
class RecognizedFrame:
    """The lines of one frame in reading order, as a `Strip` to be stitched and as a `Frame`.

    `turn` is the angle in degrees by which the frame must be turned clockwise to be upright; None
    if the engine does not say it. `missed` is the number of letters that the engine saw, but did
    not read.
    """

    strip: Strip
    frame: Frame
    turn: int | None = None
    missed: float = 0.0

    @classmethod
    def of(
        cls, frame: PictureFrame, recognized: Iterable[Recognized], turn: int | None = None
    ) -> Self:
        """Return the recognized frame for an engine's lines, whose boxes are in frame pixels."""
        lines = reading_order(recognized, turn)
        missed = getattr(recognized, "missed", 0.0)
        found = tuple(_in_picture(line, frame) for line in lines)
        blanks = tuple(_blanks(line, frame) for line in lines)
        strip = Strip(found, frame.x, frame.x + frame.width, blanks)
        return cls(strip, frame_of(found, turn, missed), turn, missed)


def _in_picture(line: Recognized, frame: PictureFrame) -> Recognized:
    scale = frame.scale
    x, y = line.x * scale + frame.x, line.y * scale + frame.y
    return attrs.evolve(line, x=x, y=y, w=line.w * scale, h=line.h * scale)


def _blanks(line: Recognized, frame: PictureFrame) -> tuple[int, int]:
    before, after = blank_sides(frame.picture, line.x, line.y, line.w, line.h)
    return before * frame.scale, after * frame.scale


Recognize: TypeAlias = Callable[[PictureFrame], RecognizedFrame]
"""Recognizes a frame with the engine of the calling thread."""


def frame_of(found: Sequence[Recognized], turn: int | None, missed: float = 0.0) -> Frame:
    """Return the frame with these lines, which are in reading order, with its turn."""
    return _with_regions(found, Frame(joined_text(found, turn), rate=_rate(found, missed)))


def content_of(
    found: Sequence[Recognized],
    frames: Sequence[Frame],
    size: tuple[int, int] | None,
    turn: int | None,
    missed: float = 0.0,
) -> Content:
    """Return the content with these lines, which are in reading order."""
    width, height = size or (None, None)
    text, rate = joined_text(found, turn), _rate(found, missed)
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
    missed = sum(one.missed for one in recognized)
    return content_of(found, frames, size, recognized[0].turn, missed)


def _with_regions(found: Sequence[Recognized], holder: H) -> H:
    """Return `holder` with the regions, which are encoded for the reply.

    The worker encodes the regions, so that the event loop has less work, and the garbage collector
    has fewer objects to check.
    """
    if not found:
        return holder
    regions = (Region(line.text, line.x, line.y, line.w, line.h) for line in found)
    return with_lazy_regions(holder, WrittenRegions.of(regions))


def _rate(found: Sequence[Recognized], missed: float) -> float:
    mean = rate(found)
    if mean is None:
        return 0.0 if missed >= MIN_MISSED else CERTAIN
    return mean
