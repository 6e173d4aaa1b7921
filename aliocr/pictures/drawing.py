"""What was read, drawn: the picture with numbered boxes, and the texts beside it."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from aliocr.models import Frame, Region, Scan
from aliocr.pictures.drawn import Drawing
from aliocr.text.layout import Line

if TYPE_CHECKING:
    from aliocr.pictures.picture import PictureFrame

MAX_DRAWN_PIXELS = 40_000_000
"""Of a drawing: 160 MB in memory. A chat of 30,000 × 900 is drawn as large as it is."""

MAX_DRAWN_FRAMES = 100
"""Of one picture: more are too small to be read, in so many pixels."""


class ReadResult(Protocol):
    """What was read in a picture, as a job's output says it: an `aliocr.Read`."""

    @property
    def frames(self) -> tuple[Frame, ...]:
        """The captured frames, empty unless more than one was captured."""
        ...

    @property
    def lines(self) -> tuple[Line[Region], ...]:
        """The text line by line in reading order."""
        ...

    @property
    def interval(self) -> int | None:
        """One frame of so many was asked for; None, with `max_frames`, for the first only."""
        ...

    @property
    def max_frames(self) -> int | None:
        """At most so many frames were asked for."""
        ...


def draw(
    picture: bytes | str | Path, scan: Scan | ReadResult, *, font: str | Path | None = None
) -> Drawing:
    """Draw what was read into the picture that it was read in.

    Boxes are numbered in reading order, as `scan.lines` has it, and the panel beside the picture,
    or below one that is wide, says what is in each. Of a GIF of which several frames were captured
    there is each of them, one below the other; a long image is drawn whole.

    Blocks for as long as that takes, 0.1 s for a screenshot: call it in a thread. Needs the extra
    `pictures`.

    Args:
        picture: The file's bytes, or its path.
        scan: What was read in it.
        font: A TTF, OTF or TTC file to write with; None for the fonts of this machine. Those are
            used as well for what the file lacks.

    Returns:
        At most 40 million pixels: a picture that is larger with its panel is made smaller.

    Raises:
        PictureError: Too large a picture, or none that can be read.
        ValueError: The font cannot be used, or the picture is another than the one that was read.
        OSError: A file cannot be read.
        ImportError: The extra is missing; the message says how to get it.
    """
    from aliocr.pictures.artist import Artist  # noqa: PLC0415 - needs the extra

    data = picture if isinstance(picture, bytes) else Path(picture).read_bytes()
    pages, frames = _pages(data, scan)
    artist = Artist(font, pages[:MAX_DRAWN_FRAMES], most_pixels=MAX_DRAWN_PIXELS)
    with closing(frames):
        artist.draw(frames)
    remarks = artist.remarks()
    if len(pages) > MAX_DRAWN_FRAMES:
        remarks += (f"the first {MAX_DRAWN_FRAMES} of {len(pages)} frames are drawn",)
    return Drawing(artist.stacked(), artist.drawn, artist.texts, artist.unwritten, remarks)


def _pages(
    data: bytes, scan: Scan | ReadResult
) -> tuple[tuple[Sequence[Line[Region]], ...], Generator[PictureFrame, None, None]]:
    """What was read on each page, and the frames that the pages are."""
    from aliocr.pictures.picture import count_frames, whole_frames  # noqa: PLC0415

    told = [frame for frame in scan.frames if frame.text or frame.regions]
    if not told or not count_frames(data).moves:
        return (scan.lines,), whole_frames(data)
    asked = scan.image if isinstance(scan, Scan) else scan
    interval, max_frames = asked.interval or 1, asked.max_frames or len(scan.frames)
    pages = tuple(frame.lines for frame in scan.frames)
    return pages, whole_frames(data, interval=interval, max_frames=max_frames)
