"""The pages of a picture: each frame of a GIF is one, all strips of a long picture are one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain, pairwise
from typing import Literal, Protocol

import attrs

from aliocr.models import Frame, Region, Scan
from aliocr.text.boxes import around, real
from aliocr.text.layout import MIN_LONG, Line, lines_of

MIN_STRIP = 0.75
"""Minimum length of a strip along the picture, in widths of the picture. A picture of 2.5 widths
has the shortest strips: three of 0.83 widths each. A cut may avoid a line by a little."""


class OutputRow(Protocol):
    """A row of a job's output, such as an `aliocr.Read`."""

    @property
    def ok(self) -> Literal[True]:
        """True, because the picture was read."""

    @property
    def source(self) -> str:
        """The URL of the picture, or its path."""

    @property
    def text(self) -> str:
        """All text in one string."""

    @property
    def lines(self) -> tuple[Line[Region], ...]:
        """The lines of text in reading order."""

    @property
    def regions(self) -> tuple[Region, ...]:
        """The pieces of text with their places."""

    @property
    def frames(self) -> tuple[Frame, ...]:
        """The captured frames."""

    @property
    def width(self) -> int | None:
        """Width of the picture in pixels, if it is known."""

    @property
    def height(self) -> int | None:
        """Height of the picture in pixels, if it is known."""

    @property
    def turn(self) -> int | None:
        """Angle by which the picture must be turned clockwise, if it is known."""


@attrs.frozen
class Page:
    """A page: its lines in reading order, and what the service said of it."""

    text: str
    regions: tuple[Region, ...]
    lines: tuple[Line[Region], ...]


def size_of(scan: Scan | OutputRow) -> tuple[int, int] | None:
    """Return the width and height of the picture in pixels, if the scan has them."""
    return (scan.width, scan.height) if scan.width and scan.height else None


def pages_of(scan: Scan | OutputRow, size: tuple[int, int] | None = None) -> tuple[Page, ...]:
    """Return the pages of a picture that was read.

    Args:
        scan: A scan, or a row of an output.
        size: Width and height of the picture in pixels; None if they are not known.
    """
    source = scan.image.url if isinstance(scan, Scan) else scan.source
    if not scan.frames or _are_strips(scan.frames, source, size):
        return (Page(scan.text, scan.regions, scan.lines),)
    return tuple(
        Page(frame.text, frame.regions, lines_of(frame, turn=scan.turn)) for frame in scan.frames
    )


def _are_strips(frames: Sequence[Frame], source: str, size: tuple[int, int] | None) -> bool:
    """Return whether the frames are strips, which lie one after the other along the picture.

    The service does not say it. The texts of the frames of a GIF lie on each other, as a rule.
    """
    if re.search(r"\.gif(?:$|[?#])", source, re.IGNORECASE):
        return False
    if size and max(size) <= MIN_LONG * min(size):
        return False
    if any(frame.text and not frame.regions for frame in frames):
        return False
    if not size and not any(frame.regions for frame in frames[1:]):
        return False
    filled = around(chain.from_iterable(frame.regions for frame in frames))
    width, height = size or (filled.right, filled.bottom)
    middles = [
        [(each.x + each.w / 2, each.y + each.h / 2) for each in map(real, frame.regions)]
        for frame in frames
    ]
    return _are_in_turn([[x for x, _ in frame] for frame in middles], MIN_STRIP * height) or (
        _are_in_turn([[y for _, y in frame] for frame in middles], MIN_STRIP * width)
    )


def _are_in_turn(frames: Sequence[Sequence[float]], strip: float) -> bool:
    """Return whether the texts of each frame are beyond those before, and in its own strip."""
    spans = [(number * strip, min(at), max(at)) for number, at in enumerate(frames) if at]
    return all(start <= first for start, first, _ in spans) and all(
        last < first for (_, _, last), (_, first, _) in pairwise(spans)
    )
