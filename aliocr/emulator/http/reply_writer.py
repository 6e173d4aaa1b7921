"""Writes a reply in pieces, one in each slice of the loop: a long reply takes a whole second."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

from aiohttp import web

from aliocr.emulator.fairness import LoopSlices
from aliocr.emulator.http.xml import xml_parts
from aliocr.protocol import wire

PIECE = 65_536
"""Minimum size of a piece, in bytes. Writing this size takes one or two milliseconds. In JSON the
answer for an image is never divided, so an answer with a hundred frames takes ten milliseconds."""


def response(
    status: int, parts: Sequence[bytes], headers: Mapping[str, str], *, length: int | None = None
) -> web.Response:
    """Return a response that sends a long body as fast as the client reads it.

    `length`, if given, is announced instead of the length of the body.
    """
    size = sum(map(len, parts))
    whole = dict(headers)
    if length is not None or size > PIECE:
        whole["Content-Length"] = str(size if length is None else length)
    body = b"".join(parts) if size <= PIECE else _pieces(parts)
    return web.Response(status=status, body=body, headers=whole)


async def _pieces(parts: Sequence[bytes]) -> AsyncIterator[memoryview]:
    """Cut each part into pieces.

    The parts are not joined first: for 100 images of 100 frames this would take 0.1 s.
    """
    for part in parts:
        for start in range(0, len(part), PIECE):
            yield memoryview(part)[start : start + PIECE]
            await asyncio.sleep(0)


async def write_reply(
    elements: Iterable[bytes],
    slices: LoopSlices,
    *,
    request_id: str,
    action: str | None,
    xml: bool,
) -> tuple[bytes, ...]:
    """Return the body of a reply to the operation `action` in pieces, as JSON or XML.

    The elements, which are JSON objects, are encoded piece by piece, if `elements` encodes them.
    `request_id` is the owner of the slices of the loop in which the pieces are written. Only the
    last piece may be shorter than `PIECE`.
    """
    if xml:
        parts = xml_parts(wire.encode_envelope(request_id), elements, action=action)
    else:
        parts = wire.reply_parts(elements, request_id=request_id)
    pieces: list[bytes] = []
    while not pieces or len(pieces[-1]) >= PIECE:
        async with slices.take(request_id):
            piece = bytearray()
            while len(piece) < PIECE and (part := next(parts, None)) is not None:
                piece += part
            pieces.append(bytes(piece))
    return tuple(pieces)
