"""Make the JSON of one result. It has a list of sheets: pictures with their lines of text."""

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
    """One picture that is stored in the report.

    Args:
        number: Number of the picture in the report, from 0.
        width: Width of the frame that the service read, in pixels. The stored picture may be
            smaller, but the boxes of the text are measured in pixels of this frame.
        height: Height of the frame that the service read, in pixels.
        index: Number of the frame in a GIF, from 0.
    """

    number: int
    width: int
    height: int
    index: int


@attrs.frozen
class EmbeddedPicture:
    """The pictures of one result that are stored in the report.

    Args:
        pages: One page per chosen frame of an animated GIF; one page for any other picture.
        frames: Number of frames of an animated GIF; None for any other picture.
        total: Number of frames that can be read: frames of a GIF, or strips of a long image.
    """

    pages: tuple[EmbeddedPage, ...]
    frames: int | None
    total: int = 1


@attrs.frozen
class LinkedPicture:
    """A picture that the page loads from the picture's address."""

    address: str


@attrs.frozen
class NoPicture:
    """No picture. `why` is the reason, as a text for the page; empty if no picture was wanted."""

    why: str = ""


Shown: TypeAlias = EmbeddedPicture | LinkedPicture | NoPicture
"""What the page shows as the picture of a result."""


def entry(result: Result, shown: Shown) -> dict[str, Any]:
    """Return a result as a JSON object for the page."""
    told: dict[str, Any] = {"row": result.row, "id": result.id, "source": result.source}
    if isinstance(shown, NoPicture):
        told["missing"] = shown.why
    if isinstance(result, Read):
        asked = result.interval is not None or len(result.frames) > 1
        # A long picture whose size is known was read uncut, on this machine.
        uncut = isinstance(shown, EmbeddedPicture) and not shown.frames and result.width is not None
        if isinstance(shown, EmbeddedPicture) and shown.total > 1 and not (asked or uncut):
            told["alone"] = shown.total  # the page says that only the first was read
        return told | {"ok": True, "sheets": _sheets(result, shown)}
    told |= {"ok": False, "kind": result.kind, "code": result.code, "error": result.error}
    sheets = [] if isinstance(shown, NoPicture) else [_sheet((), shown)]
    return told | {"maybe_charged": result.maybe_charged, "sheets": sheets}


def _sheets(result: Read, shown: Shown) -> list[dict[str, Any]]:
    frames = result.frames if len(result.frames) > 1 else ()
    if isinstance(shown, NoPicture) and frames:
        return [
            _sheet(lines_of(frame, turn=result.turn), shown)
            | {"title": f"Frame {number} of {len(frames)} read"}
            for number, frame in enumerate(frames, 1)
        ]
    if isinstance(shown, EmbeddedPicture) and shown.frames and frames:
        if len(shown.pages) == len(frames):
            pages = (lines_of(frame, turn=result.turn) for frame in frames)
            return [_sheet(lines, shown, at) for at, lines in enumerate(pages)]
        return [_sheet(_without_boxes(result), shown)]
    if isinstance(shown, LinkedPicture) and frames and result.source.lower().endswith(".gif"):
        # The browser plays the GIF, and the boxes of one frame would be wrong on other frames.
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
            boxes[0].pop()  # the text of a single box equals the text of its line
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
    """Return JSON for a script element; escape each `<`, because `</script>` ends the element."""
    try:
        text = msgspec.json.encode(value)
    except UnicodeEncodeError:  # the name of a file has a lone surrogate; json escapes it
        text = json.dumps(value).encode()
    return text.replace(b"<", rb"\u003c")
