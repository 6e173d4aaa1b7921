"""Writes replies in pieces, one in each loop slice, since a long reply takes a second."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

from aiohttp import web

from aliocr.emulator.fairness import LoopSlices
from aliocr.emulator.http.xml import xml_parts
from aliocr.emulator.instructions import ImageAnswer
from aliocr.protocol import wire

PIECE = 65_536
"""Bytes of one piece, at least: a millisecond or two of work. In JSON an image's answer is never
divided, so one with a hundred frames takes ten."""


def response(
    status: int, parts: Sequence[bytes], headers: Mapping[str, str], *, length: int | None = None
) -> web.Response:
    """Return a response that sends a long body as fast as the client reads it.

    `length` is announced instead of the length of the body, if given.
    """
    size = sum(map(len, parts))
    whole = dict(headers)
    if length is not None or size > PIECE:
        whole["Content-Length"] = str(size if length is None else length)
    body = b"".join(parts) if size <= PIECE else _pieces(parts)
    return web.Response(status=status, body=body, headers=whole)


async def _pieces(parts: Sequence[bytes]) -> AsyncIterator[memoryview]:
    """Cut the parts without joining them: for 100 images of 100 frames that takes 0.1 s."""
    for part in parts:
        for start in range(0, len(part), PIECE):
            yield memoryview(part)[start : start + PIECE]
            await asyncio.sleep(0)


class ReplyWriter:
    """Writes the replies of one emulator, in slices of its event loop."""

    def __init__(self, slices: LoopSlices) -> None:
        self._slices = slices

    async def reply(
        self, answers: Sequence[ImageAnswer], *, request_id: str, xml: bool
    ) -> tuple[bytes, ...]:
        """Return the body of a reply in pieces, as JSON or XML; the request owns the slices."""
        if xml:
            elements = (wire.encode_answer(*answer) for answer in answers)
            parts = xml_parts(wire.encode_envelope(request_id), elements)
        else:
            parts = wire.reply_parts(answers, request_id=request_id)
        pieces: list[bytes] = []
        while not pieces or len(pieces[-1]) >= PIECE:
            async with self._slices.take(request_id):
                pieces.append(_next_piece(parts))
        return tuple(pieces)


def _next_piece(parts: Iterator[bytes]) -> bytes:
    """Return the next parts as one piece, which is shorter than `PIECE` only at the end."""
    written: list[bytes] = []
    size = 0
    for part in parts:
        written.append(part)
        size += len(part)
        if size >= PIECE:
            break
    return b"".join(written)
