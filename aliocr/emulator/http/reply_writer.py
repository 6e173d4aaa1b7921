"""Replies are written in pieces, one in each turn of the event loop: a long one takes a second."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Hashable, Iterator, Mapping, Sequence

from aiohttp import web

from aliocr.emulator.fairness import LoopSlices
from aliocr.emulator.http.xml import xml_parts
from aliocr.emulator.instructions import ImageAnswer
from aliocr.protocol import wire

PIECE = 65_536
"""Bytes that are written before others have their turn, at least: a millisecond or two. In JSON one
answer is written in one go, which with a hundred frames takes ten."""


def response(
    status: int, parts: Sequence[bytes], headers: Mapping[str, str], *, length: int | None = None
) -> web.Response:
    """An answer; of a long one, as much at a time as the client takes.

    Args:
        status: HTTP status.
        parts: Its body.
        headers: With the content type.
        length: Bytes that are announced; None for as many as there are.
    """
    whole = dict(headers)
    if length is not None:
        whole["Content-Length"] = str(length)
    if sum(map(len, parts)) <= PIECE:
        return web.Response(status=status, body=b"".join(parts), headers=whole)
    whole.setdefault("Content-Length", str(sum(map(len, parts))))
    return web.Response(status=status, body=_pieces(parts), headers=whole)


async def _pieces(parts: Sequence[bytes]) -> AsyncIterator[memoryview]:
    """Not joined, as that alone takes 0.1 s for a hundred images with a hundred frames each."""
    for part in parts:
        for start in range(0, len(part), PIECE):
            yield memoryview(part)[start : start + PIECE]
            await asyncio.sleep(0)


class ReplyWriter:
    """Writes the replies of one emulator.

    Args:
        slices: Shared with whatever else holds the event loop.
    """

    def __init__(self, slices: LoopSlices) -> None:
        self._slices = slices

    async def reply(
        self, answers: Sequence[ImageAnswer], *, request_id: str, xml: bool
    ) -> tuple[bytes, ...]:
        """The body of a reply, in pieces.

        Args:
            answers: In its order.
            request_id: The request's, whose turns these are.
            xml: In XML, not in JSON.
        """
        if not xml:
            return await self._written(wire.reply_parts(answers, request_id=request_id), request_id)
        elements = (wire.encode_answer(*answer) for answer in answers)
        return await self._written(
            xml_parts(wire.encode_envelope(request_id), elements), request_id
        )

    async def _written(self, parts: Iterator[bytes], owner: Hashable) -> tuple[bytes, ...]:
        pieces: list[bytes] = []
        while not pieces or len(pieces[-1]) >= PIECE:
            async with self._slices.take(owner):
                pieces.append(_piece(parts))
        return tuple(pieces)


def _piece(parts: Iterator[bytes]) -> bytes:
    """The next of them; less than a piece if there was no more."""
    written: list[bytes] = []
    size = 0
    for part in parts:
        written.append(part)
        size += len(part)
        if size >= PIECE:
            break
    return b"".join(written)
