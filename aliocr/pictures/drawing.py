"""Draw what was read: the picture with numbered boxes, and the texts beside it."""

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
"""Pixels of a drawing: 160 MB in memory. A chat of 30,000 × 900 is drawn at full size."""

MAX_DRAWN_FRAMES = 100
"""Frames of one picture: more would be too small to read in `MAX_DRAWN_PIXELS`."""


class ReadResult(Protocol):
    """A picture's result in a job's output: an `aliocr.Read`."""

    @property
    def frames(self) -> tuple[Frame, ...]:
        """Captured frames; empty unless there are several."""

    @property
    def lines(self) -> tuple[Line[Region], ...]:
        """Lines of text in reading order."""

    @property
    def interval(self) -> int | None:
        """The `interval` that was asked for; None, with `max_frames`, for the first frame only."""

    @property
    def max_frames(self) -> int | None:
        """The `max_frames` that was asked for."""


def draw(
    picture: bytes | str | Path, scan: Scan | ReadResult, *, font: str | Path | None = None
) -> Drawing:
    """Draw numbered boxes into a picture, and the texts beside it.

    Boxes are numbered in reading order, the order of `scan.lines`. A panel beside the picture, or
    below a wide one, has the text of each box. Captured frames of a GIF are drawn one below the
    other; a long image is drawn whole.

    Drawing blocks, for 0.1 s with a screenshot: call it in a thread. Needs the extra `pictures`.

    Args:
        picture: The file's bytes, or its path.
        scan: The result of the same picture.
        font: A TTF, OTF or TTC file to write with; None for the fonts of this machine, which also
            give the characters that the file lacks.

    Returns:
        A drawing of at most 40 million pixels; a larger one is scaled down.

    Raises:
        PictureError: The picture is too large, or cannot be decoded.
        ValueError: The font cannot be used, or the picture is not the one that was read.
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
    """Return the lines of each page, and the frames to draw them on."""
    from aliocr.pictures.picture import count_frames, whole_frames  # noqa: PLC0415

    told = [frame for frame in scan.frames if frame.text or frame.regions]
    if not told or not count_frames(data).moves:
        return (scan.lines,), whole_frames(data)
    asked = scan.image if isinstance(scan, Scan) else scan
    interval, max_frames = asked.interval or 1, asked.max_frames or len(scan.frames)
    pages = tuple(frame.lines for frame in scan.frames)
    return pages, whole_frames(data, interval=interval, max_frames=max_frames)
