"""Sends a frame that has a temporary address in a reply."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from aliocr.emulator.http.same_origin import OWN, json_answer

if TYPE_CHECKING:
    from aliocr.emulator.reading.recognition import Recognition

FRAMES = f"{OWN}frames/"
"""Start of the path of a frame."""

FRAME = FRAMES + "{name}/{number:[0-9]{1,6}}.png"
"""The path of a frame, for the router."""


class FrameSender:
    """Handles requests for the frames; the engine's workers make the pictures."""

    def __init__(self, recognition: Recognition | None) -> None:
        self._recognition = recognition

    async def send(self, request: web.Request) -> web.Response:
        """Return the frame as a PNG; 404 if its address is unknown or no longer valid."""
        name, number = request.match_info["name"], int(request.match_info["number"])
        png = None if self._recognition is None else await self._recognition.frame(name, number)
        if png is None:
            return json_answer({"error": "no such frame, or its address is no longer valid"}, 404)
        return web.Response(body=png, content_type="image/png")
