"""The JSON of one result: its sheets, each a picture with the lines found on it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TypeAlias

import attrs
import msgspec

from aliocr.job.output.result import Read, Result
from aliocr.models import Region
from aliocr.text.layout import Line, lines_of


@attrs.frozen
class EmbeddedPage:
    """One picture in the report.

    Args:
        number: Number of the picture in the report, from 0.
        width: Width of the frame that was read; its pixels are the unit of the boxes.
        height: Height, likewise.
        index: Number of the frame in a GIF, from 0.
    """

    number: int
    width: int
    height: int
    index: int


@attrs.frozen
class EmbeddedPicture:
    """A picture in the report, with all its pages.

    Args:
        pages: One for each chosen frame of an animated GIF, else one.
        frames: Number of frames of an animated GIF; else None.
        total: Number of frames that can be read: frames of a GIF, or strips of a long image.
    """

    pages: tuple[EmbeddedPage, ...]
    frames: int | None
    total: int = 1


@attrs.frozen
class LinkedPicture:
    """A picture that the page loads from its address."""

    address: str


@attrs.frozen
class NoPicture:
    """No picture, with the reason in words for the page; empty if no picture was wanted."""

    why: str = ""


Shown: TypeAlias = EmbeddedPicture | LinkedPicture | NoPicture
"""A result's picture on the page."""


def entry(result: Result, shown: Shown) -> dict[str, Any]:
    """Return a result as JSON for the page."""
    told: dict[str, Any] = {"row": result.row, "id": result.id, "source": result.source}
    if isinstance(shown, NoPicture):
        told["missing"] = shown.why
    if isinstance(result, Read):
        asked = result.interval is not None or len(result.frames) > 1
        if isinstance(shown, EmbeddedPicture) and shown.total > 1 and not asked:
            told["alone"] = shown.total  # frames, of which the first alone was read
        return told | {"ok": True, "sheets": _sheets(result, shown)}
    told |= {"ok": False, "kind": result.kind, "code": result.code, "error": result.error}
    sheets = [] if isinstance(shown, NoPicture) else [_sheet((), shown)]
    return told | {"maybe_charged": result.maybe_charged, "sheets": sheets}


def _sheets(result: Read, shown: Shown) -> list[dict[str, Any]]:
    frames = result.frames if len(result.frames) > 1 else ()
    if isinstance(shown, NoPicture) and frames:
        return [
            _sheet(lines_of(frame), shown) | {"title": f"Frame {number} of {len(frames)} read"}
            for number, frame in enumerate(frames, 1)
        ]
    if isinstance(shown, EmbeddedPicture) and shown.frames and frames:
        if len(shown.pages) == len(frames):
            return [_sheet(lines_of(frame), shown, at) for at, frame in enumerate(frames)]
        return [_sheet(_without_boxes(result), shown)]
    if isinstance(shown, LinkedPicture) and frames and result.source.lower().endswith(".gif"):
        # The picture moves on the page, so that no line has a fixed place.
        return [_sheet(_without_boxes(result), shown)]
    return [_sheet(result.lines, shown)]


def _without_boxes(result: Read) -> Sequence[Line[Region]]:
    return [Line(line.text) for line in result.lines]


def _sheet(lines: Sequence[Line[Region]], shown: Shown, at: int = 0) -> dict[str, Any]:
    told: dict[str, Any] = {"lines": []}
    for line in lines:
        boxes: list[list[Any]] = [
            [*(round(side, 1) for side in (each.x, each.y, each.w, each.h)), each.text]
            for each in line.regions
        ]
        if len(boxes) == 1:
            boxes[0].pop()  # a box has its own text only beside other boxes
        told["lines"].append({"text": line.text, "boxes": boxes})
    if isinstance(shown, LinkedPicture):
        told["address"] = shown.address
    elif isinstance(shown, EmbeddedPicture):
        page = shown.pages[at]
        told |= {"picture": page.number, "w": page.width, "h": page.height}
        if shown.frames:
            told["title"] = f"Frame {page.index + 1} of {shown.frames}"
    return told


def island(value: Any) -> bytes:
    """Return JSON for a script element: nothing in it ends the element or begins a comment."""
    try:
        text = msgspec.json.encode(value)
    except UnicodeEncodeError:  # a lone surrogate, in the name of a file
        text = json.dumps(value).encode()
    return text.replace(b"<", rb"\u003c")
