"""Gives frames their fields, with a temporary address, and makes the picture at the address.

Only the whole picture is kept. A frame is cut out of it when its address is requested.
"""

from __future__ import annotations

import asyncio
import io
import secrets
from collections import OrderedDict
from collections.abc import Collection, Iterator
from typing import Any, TypeVar

import attrs

from aliocr.emulator.content import Content
from aliocr.emulator.reading.download import MAX_BYTES
from aliocr.models import Frame, Image, undecoded_regions, with_lazy_regions
from aliocr.pictures.picture import decode

VALID = 300.0
"""Time for which an address is valid, in seconds. Source: "url" of a frame, of the other scenes."""

MAX_KEPT_BYTES = 4 * MAX_BYTES
"""Maximum memory for pictures that have addresses, in bytes; the oldest are dropped first."""

H = TypeVar("H", Frame, Content)


@attrs.frozen
class _KeptPicture:
    data: bytes = attrs.field(repr=False)
    interval: int | None
    max_frames: int | None
    until: float


class FrameFiles:
    """The pictures whose frames have addresses; `fields` are the fields of a frame in replies."""

    def __init__(self, fields: Collection[str]) -> None:
        self._fields = fields
        self._kept: OrderedDict[str, _KeptPicture] = OrderedDict()

    def with_frame_fields(self, content: Content, data: bytes, image: Image, base: str) -> Content:
        """Return the content with frames that have only their fields, and an address if wanted.

        The picture is kept for these addresses.

        The addresses begin with `base`. They cannot be guessed, because they give access to the
        picture.
        """
        if not content.frames:
            return content
        name = secrets.token_hex(16)
        if "url" in self._fields:
            now = asyncio.get_running_loop().time()
            self._kept[name] = _KeptPicture(data, image.interval, image.max_frames, now + VALID)
            self._drop(now)
        frames = tuple(
            self._with_fields(frame, f"{base}{name}/{number}.png")
            for number, frame in enumerate(content.frames)
        )
        return _evolve(content, frames=frames)

    def making(self, name: str, number: int) -> Iterator[bytes] | None:
        """Return an iterator whose last item is the frame as a PNG; None for a wrong address.

        Each step decodes one frame. The items before the last are empty.
        """
        self._drop(asyncio.get_running_loop().time())
        kept = self._kept.get(name)
        return None if kept is None else _png_of_frame(kept, number)

    def _with_fields(self, frame: Frame, url: str) -> Frame:
        changes: dict[str, Any] = {
            "text": frame.text if "ocrData" in self._fields else "",
            "url": url if "url" in self._fields else None,
            "rate": frame.rate if "rate" in self._fields else None,
        }
        if "ocrLocations" in self._fields:
            return _evolve(frame, **changes)
        return Frame(**changes)

    def _drop(self, now: float) -> None:
        """Drop the pictures whose time is over, and the oldest pictures if there are too many."""
        size = sum(len(kept.data) for kept in self._kept.values())
        for name, kept in tuple(self._kept.items()):
            if kept.until > now and size <= MAX_KEPT_BYTES:
                break
            size -= len(kept.data)
            del self._kept[name]


def _evolve(holder: H, **changes: Any) -> H:
    """Return a copy with these changes, and with the same regions, which are not decoded."""
    read = undecoded_regions(holder)
    if read is None:
        return attrs.evolve(holder, **changes)
    return with_lazy_regions(attrs.evolve(holder, regions=(), **changes), read)


def _png_of_frame(kept: _KeptPicture, number: int) -> Iterator[bytes]:
    frames = decode(kept.data, interval=kept.interval, max_frames=kept.max_frames)
    for index, frame in enumerate(frames):
        if index == number:
            buffer = io.BytesIO()
            frame.picture.save(buffer, "PNG", compress_level=1)
            yield buffer.getvalue()
            return
        yield b""
