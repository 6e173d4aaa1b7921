"""Reads the pictures that people drop on the landing page, as it reads the service's images."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
from aiohttp import web
from aiohttp.http import HttpProcessingError

from aliocr.emulator.codes import CODE_NAMES
from aliocr.emulator.fairness import FairShares
from aliocr.emulator.http.reply_writer import response
from aliocr.emulator.http.same_origin import OWN, json_answer
from aliocr.emulator.reading.download import MAX_BYTES
from aliocr.errors import APIError, api_error
from aliocr.models import Region
from aliocr.protocol import wire

if TYPE_CHECKING:
    from aliocr.emulator.content import Content
    from aliocr.emulator.reading.recognition import Recognition
    from aliocr.pictures.portrait import Portraits

READ = f"{OWN}read"
"""Where a picture is sent to."""

SENDING = 30.0
"""Seconds for a browser to send a picture."""

MAX_HELD_BYTES = 8 * MAX_BYTES
"""Bytes of pictures that are being sent or wait to be read. Not those of the service's images,
which a browser that stops in the middle would keep from coming."""

MAX_SHOWN_FRAMES = 100
"""Frames that one view may show. Source: "maxFrames", whose samples go so far."""

NO_ENGINE = "this emulator was started without an engine, so it cannot read pictures"


class PageReader:
    """Handles the pictures sent by the page.

    They wait for their turn with the images of requests, and equal ones are read once. They are of
    no account: no rate, quota or deadline is theirs, and nothing is recorded or charged.

    Before one is taken in, its announced length is set aside in memory, or as much as it may have:
    who comes when there is no more room waits until others have been read.

    Args:
        recognition: What reads; None if this emulator reads nothing.
    """

    def __init__(self, recognition: Recognition | None) -> None:
        self._recognition = recognition
        self._memory = FairShares(MAX_HELD_BYTES)

    async def read(self, request: web.Request) -> web.Response:
        """What the picture in the body says, where, and how it looks.

        The query may hold `interval` and `max_frames`, for GIFs and long images.

        Returns:
            HTTP 200 with `code` 200, `text`, `pages`, `frames_total` and `frames_read`, or with the
            code the service would refuse the picture with, its name and what is wrong in words;
            boxes are in pixels of `width` × `height`. 400, 408 and 503 with `error`: the picture
            came broken or not at all, or there is nothing to read it with.
        """
        if self._recognition is None:
            return json_answer({"error": NO_ENGINE}, 503)
        memory = self._memory.share(object())
        try:
            interval, max_frames = _choice(request)
            await memory.take(_size(request))
            async with asyncio.timeout(SENDING):
                data = await _body(request)
            memory.keep(len(data))
            content, seen = await self._recognition.view(
                data, interval=interval, max_frames=max_frames
            )
        except TimeoutError:
            return json_answer(
                {"error": f"the picture did not arrive within {SENDING:g} seconds"}, 408
            )
        except (web.RequestPayloadError, HttpProcessingError):
            # The second where aiohttp has no compiled parser.
            return json_answer({"error": "the request body is malformed"}, 400)
        except APIError as error:
            return _refused(error)
        finally:
            memory.keep(0)
        return response(wire.OK, await _told(content, seen), {"Content-Type": "application/json"})


def _choice(request: web.Request) -> tuple[int | None, int | None]:
    """Which frames are asked for.

    Raises:
        APIError: 400, not numbers or not both.
    """
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


def _size(request: web.Request) -> int:
    """Bytes that the picture may have; the application's own bound is for requests, which are less.

    Raises:
        APIError: 589, too many are announced.
    """
    announced = request.content_length
    if announced is not None and announced > MAX_BYTES:
        raise _too_large()
    return MAX_BYTES if announced is None else announced


async def _body(request: web.Request) -> bytes:
    """The picture's bytes.

    Raises:
        APIError: 589, too many of them.
    """
    data = bytearray()
    async for chunk in request.content.iter_any():
        data += chunk
        if len(data) > MAX_BYTES:
            raise _too_large()
    return bytes(data)


def _too_large() -> APIError:
    return api_error(589, f"given up after {MAX_BYTES} bytes")


def _refused(error: APIError) -> web.Response:
    words = str(error).removeprefix(f"{error.code} ")
    name = CODE_NAMES.get(error.code, "") if isinstance(error.code, int) else ""
    return json_answer({"code": error.code, "msg": name, "message": words})


async def _told(content: Content, seen: Portraits) -> tuple[bytes, ...]:
    """The answer in pieces, as a hundred pages are ten megabytes."""
    several = len(seen.pages) > 1
    regions = [frame.regions for frame in content.frames] if several else [content.regions]
    whole = msgspec.json.encode(
        {
            "code": wire.OK,
            "msg": "OK",
            "text": content.text,
            "frames_total": seen.total,
            "frames_read": max(1, len(content.frames)),
            "pages": [],
        }
    )
    pieces, separator = [whole[:-2]], b""
    for page, found in zip(seen.pages, regions, strict=True):
        told = {
            "picture": page.uri,
            "width": page.width,
            "height": page.height,
            "regions": [_region(each) for each in found],
            "frame": page.index if seen.moves else None,
        }
        pieces.append(separator + msgspec.json.encode(told))
        separator = b","
        await asyncio.sleep(0)
    return (*pieces, whole[-2:])


def _region(region: Region) -> dict[str, object]:
    return {"text": region.text, "x": region.x, "y": region.y, "w": region.w, "h": region.h}
