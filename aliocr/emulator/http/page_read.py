"""Reads pictures sent by the landing page, in the same way as images of requests."""

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
"""Path that pictures are sent to."""

SENDING = 30.0
"""Seconds that a browser may take to send a picture."""

MAX_HELD_BYTES = 8 * MAX_BYTES
"""Bytes of pictures being sent or waiting to be read. Apart from the memory for images of requests,
which a browser that stops halfway would block."""

MAX_SHOWN_FRAMES = 100
"""Frames in one answer, at most. Source: the largest sample of "maxFrames"."""


class PageReader:
    """Handles the pictures that the page sends.

    They queue with the images of requests, and equal pictures are read once. They belong to no
    account: no rate limit, quota or deadline applies, and nothing is recorded or charged.

    Memory is reserved before a picture is received: its announced length, or else the longest
    allowed. When the memory is used up, further pictures wait until others have been read.
    """

    def __init__(self, recognition: Recognition | None) -> None:
        self._recognition = recognition
        self._memory = FairShares(MAX_HELD_BYTES)

    async def read(self, request: web.Request) -> web.Response:
        """Return the text of the picture in the body, the positions, and the picture to show.

        The query may hold `interval` and `max_frames`, for GIFs and long images.

        Returns:
            HTTP 200 with `code` 200, `text`, `pages`, `frames_total` and `frames_read`; positions
            are in pixels of `width` × `height`. Or HTTP 200 with the service's `code` for a bad
            picture, its name as `msg`, and a `message`. 400, 408 and 503 with `error`: the body is
            malformed or did not arrive, or there is no engine.
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
    """Return `interval` and `max_frames` of the query; None without them."""
    chosen: list[int | None] = []
    for name in ("interval", "max_frames"):
        text = request.query.get(name, "")
        if not text:
            chosen.append(None)
        elif text.isascii() and text.isdecimal() and len(text) <= 6 and int(text):
            chosen.append(int(text))
        else:
            raise api_error(400, f"{name} must be a whole number from 1 up")
    interval, max_frames = chosen
    if (interval is None) != (max_frames is None):
        raise api_error(400, "interval and max_frames go together")
    if max_frames is not None and max_frames > MAX_SHOWN_FRAMES:
        raise api_error(400, f"max_frames is at most {MAX_SHOWN_FRAMES} here")
    return interval, max_frames


async def _receive(request: web.Request, memory: FairShare) -> bytes:
    """Reserve memory and return the body; `request.read` has the lower limit of other requests."""
    too_large = api_error(589, f"given up after {MAX_BYTES} bytes")
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
    """Return the answer in pieces, since a hundred pages are ten megabytes."""
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
