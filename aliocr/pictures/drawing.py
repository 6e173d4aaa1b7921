"""Draw a result: the picture with numbered boxes, and the texts beside the picture."""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from contextlib import closing
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from aliocr.models import FailedRow, Failure, Frame, Region, Scan, error_of
from aliocr.pictures.drawn import Drawing
from aliocr.redaction import without_query
from aliocr.text.layout import Line, lines_of

if TYPE_CHECKING:
    from aliocr.pictures.picture import PictureFrame

MAX_DRAWN_PIXELS = 40_000_000
"""Maximum size of a drawing, in pixels. A drawing of this size takes 160 MB of memory. The limit is
high enough to draw a screenshot of a chat with 30,000 × 900 pixels at full size."""

MAX_DRAWN_FRAMES = 100
"""Maximum number of frames in a drawing. More frames would be too small to read, because all frames
together must fit into `MAX_DRAWN_PIXELS`."""


_URL = re.compile(r"https?:/", re.IGNORECASE)


class ReadResult(Protocol):
    """The result of one picture in the output of a job, such as an `aliocr.Read`."""

    @property
    def ok(self) -> Literal[True]:
        """True, because the picture was read."""

    @property
    def frames(self) -> tuple[Frame, ...]:
        """Frames that were read; empty if only one frame was read."""

    @property
    def lines(self) -> tuple[Line[Region], ...]:
        """Lines of text in reading order."""

    @property
    def turn(self) -> int | None:
        """Angle by which the picture must be turned clockwise, in degrees; None if unknown."""

    @property
    def interval(self) -> int | None:
        """The requested `interval`; None if only the first frame was requested."""

    @property
    def max_frames(self) -> int | None:
        """The requested `max_frames`; None if only the first frame was requested."""


def draw(
    picture: bytes | str | Path,
    scan: Scan | Failure | ReadResult | FailedRow,
    *,
    font: str | Path | None = None,
) -> Drawing:
    """Draw numbered boxes into a picture, and the texts beside the picture.

    Boxes are numbered in reading order, which is the order of `scan.lines`. A panel beside the
    picture shows the text of each box; for a wide picture, the panel is below the picture. If
    several frames of a GIF were read, they are drawn one below the other. A long image is drawn as
    one picture, not as strips.

    In async code, call this function in a thread, because it blocks (0.1 s for a screenshot). It
    needs the extra `pictures`.

    Args:
        picture: The bytes or the path of the picture file.
        scan: The result of reading this picture.
        font: A TTF, OTF or TTC file for the texts. The fonts of this machine are used if `font` is
            None, and for characters that the file does not have.

    Returns:
        The drawing. It is scaled down if it would have more than 40 million pixels.

    Raises:
        OCRError: `scan` is a failure; this is its error.
        PictureError: The picture is too large, or cannot be decoded.
        ValueError: The font cannot be used, or `picture` is a URL or not the picture that was read.
        OSError: A file cannot be read.
        ImportError: The extra is missing; the message says how to install it.
    """
    if not scan.ok:
        raise error_of(scan)
    _refuse_url(picture)
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


def _refuse_url(picture: object) -> None:
    if not isinstance(picture, bytes | str | PathLike):
        raise ValueError(  # noqa: TRY004
            f"picture must be the bytes or the path of a picture, not {type(picture).__name__}"
        )
    if not isinstance(picture, bytes) and _URL.match(str(picture)):
        raise ValueError(
            "picture must be the bytes or the path of a picture, not the URL "
            f"{without_query(str(picture))!r}; download it, and pass its bytes"
        )


def _pages(
    data: bytes, scan: Scan | ReadResult
) -> tuple[tuple[Sequence[Line[Region]], ...], Generator[PictureFrame, None, None]]:
    """Return the lines of text of each page, and the frames on which to draw these lines."""
    from aliocr.pictures.picture import count_frames, whole_frames  # noqa: PLC0415

    told = [frame for frame in scan.frames if frame.text or frame.regions]
    if not told or not count_frames(data).moves:
        return (scan.lines,), whole_frames(data)
    asked = scan.image if isinstance(scan, Scan) else scan
    interval, max_frames = asked.interval or 1, asked.max_frames or len(scan.frames)
    pages = tuple(lines_of(frame, turn=scan.turn) for frame in scan.frames)
    return pages, whole_frames(data, interval=interval, max_frames=max_frames)
