"""Reads the pictures from the landing page, in the same way as the images of requests."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
from aiohttp import web

from aliocr.emulator.codes import CODE_NAMES
from aliocr.emulator.fairness import FairShare, FairShares
from aliocr.emulator.http.body import MALFORMED
from aliocr.emulator.http.reply_writer import response
from aliocr.emulator.http.same_origin import OWN, json_answer
from aliocr.emulator.reading.download import MAX_BYTES
from aliocr.errors import APIError, api_error
from aliocr.protocol import wire

if TYPE_CHECKING:
    from aliocr.emulator.content import Content
    from aliocr.emulator.reading.recognition import Recognition
    from aliocr.pictures.portrait import Portraits

READ = f"{OWN}read"
"""The path to which the page sends pictures."""

SENDING = 30.0
"""Maximum time for a browser to send a picture, in seconds."""

MAX_HELD_BYTES = 8 * MAX_BYTES
"""Maximum memory for pictures that are being received or wait to be read, in bytes. This memory is
separate from the memory for images of requests, so that a slow browser cannot block requests."""

MAX_SHOWN_FRAMES = 100
"""Maximum number of frames in one answer. Source: documents, the largest sample of "maxFrames"."""


class PageReader:
    """Handles the pictures that the page sends.

    The pictures queue with the images of requests, and equal pictures are read once. No account
    owns the pictures, so no rate limit, quota or deadline applies. Nothing is recorded or charged.

    Memory is reserved before a picture is received: the length that the browser announces, or the
    maximum length if it announces none. If there is not enough memory, the picture waits until
    other pictures have been read.
    """

    def __init__(self, recognition: Recognition | None) -> None:
        self._recognition = recognition
        self._memory = FairShares(MAX_HELD_BYTES)

    async def read(self, request: web.Request) -> web.Response:
        """Read the picture in the body, and return its text, the positions, and a picture to show.

        The query may hold `interval` and `max_frames`, for GIFs and long images.

        Returns:
            HTTP 200 with `code` 200, `text`, `pages`, `frames_total` and `frames_read`; positions
            are in pixels of the page's `width` × `height`. For a bad picture: HTTP 200 with the
            service's `code`, the name of the code as `msg`, and a `message`. If the body is
            malformed: 400 with `error`. If the body did not arrive: 408. If there is no engine:
            503.
        """
        if self._recognition is None:
            words = "this emulator was started without an engine, so it cannot read pictures"
            return json_answer({"error": words}, 503)
        memory = self._memory.share(object())
        try:
            interval, max_frames = _frame_choice(request)
            data = await _receive(request, memory)
            content, portraits = await self._recognition.view(
                data, interval=interval, max_frames=max_frames
            )
        except TimeoutError:
            return json_answer(
                {"error": f"the picture did not arrive within {SENDING:g} seconds"}, 408
            )
        except MALFORMED:
            return json_answer({"error": "the request body is malformed"}, 400)
        except APIError as error:
            words = str(error).removeprefix(f"{error.code} ")
            name = CODE_NAMES.get(error.code, "") if isinstance(error.code, int) else ""
            return json_answer({"code": error.code, "msg": name, "message": words})
        finally:
            memory.keep(0)
        parts = await _json_parts(content, portraits)
        return response(wire.OK, parts, {"Content-Type": "application/json"})


def _frame_choice(request: web.Request) -> tuple[int | None, int | None]:
    """Return `interval` and `max_frames` from the query; None for each that is missing."""
    chosen: list[int | None] = []
    for name in ("interval", "max_frames"):
        text = request.query.get(name, "")
        if not text:
            chosen.append(None)
        elif text.isascii() and text.isdecimal() and len(text) <= 6 and int(text):
            chosen.append(int(text))
        else:
            raise api_error(400, f"{name} must be a whole number, 1 or more")
    interval, max_frames = chosen
    if (interval is None) != (max_frames is None):
        raise api_error(400, "interval and max_frames must be used together")
    if max_frames is not None and max_frames > MAX_SHOWN_FRAMES:
        raise api_error(400, f"max_frames must be at most {MAX_SHOWN_FRAMES} here")
    return interval, max_frames


async def _receive(request: web.Request, memory: FairShare) -> bytes:
    """Reserve memory and return the body.

    `request.read` is not used, because its limit is too low for pictures.
    """
    too_large = api_error(589, f"abandoned after {MAX_BYTES} bytes")
    announced = request.content_length
    if announced is not None and announced > MAX_BYTES:
        raise too_large
    await memory.take(MAX_BYTES if announced is None else announced)
    data = bytearray()
    async with asyncio.timeout(SENDING):
        async for chunk in request.content.iter_any():
            data += chunk
            if len(data) > MAX_BYTES:
                raise too_large
    memory.keep(len(data))
    return bytes(data)


async def _json_parts(content: Content, portraits: Portraits) -> tuple[bytes, ...]:
    """Return the answer as JSON in pieces, because a hundred pages may have ten megabytes."""
    several = len(portraits.pages) > 1
    regions = [frame.regions for frame in content.frames] if several else [content.regions]
    whole = msgspec.json.encode(
        {
            "code": wire.OK,
            "msg": "OK",
            "text": content.text,
            "frames_total": portraits.total,
            "frames_read": max(1, len(content.frames)),
            "pages": [],
        }
    )
    pieces, separator = [whole[:-2]], b""
    for page, found in zip(portraits.pages, regions, strict=True):
        fields = {
            "picture": page.uri,
            "width": page.width,
            "height": page.height,
            "regions": [
                {"text": each.text, "x": each.x, "y": each.y, "w": each.w, "h": each.h}
                for each in found
            ],
            "frame": page.index if portraits.moves else None,
        }
        pieces.append(separator + msgspec.json.encode(fields))
        separator = b","
        await asyncio.sleep(0)
    return (*pieces, whole[-2:])
