"""Writes the body of an upload to a file, and computes its checksums on the way."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import attrs
from aiohttp import StreamReader

from aliocr.emulator.http.body import MALFORMED
from aliocr.emulator.storage.crc64 import crc64
from aliocr.emulator.storage.refusal import StorageRefused

IDLE = 20.0
"""Maximum time between two parts of a body, in seconds."""

PIECE = 256 * 1024
"""Size of the pieces that are written and hashed, in a thread, in bytes."""


@attrs.frozen
class Received:
    """A body in a file, with its size in bytes and its checksums."""

    file: Path
    size: int
    md5: bytes
    sha256: str
    crc64: int


async def receive(content: StreamReader, length: int, file: Path) -> Received:
    """Write a body of this length to a new file; the caller removes the file.

    Raises:
        StorageRefused: The body is late, shorter or longer than announced, or malformed.
    """
    hashes = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    size = checksum = 0

    def write(piece: bytes) -> int:
        with file.open("ab") as target:
            target.write(piece)
        for each in hashes:
            each.update(piece)
        return crc64(piece, checksum)

    more = True
    while more:
        piece = await _next_piece(content)
        more = len(piece) >= PIECE
        size += len(piece)
        if size > length:
            break
        checksum = await asyncio.to_thread(write, piece)
    if size != length:
        raise StorageRefused("IncompleteBody")
    md5, sha256 = hashes
    return Received(file, size, md5.digest(), sha256.hexdigest(), checksum)


async def _next_piece(content: StreamReader) -> bytes:
    """Return the next `PIECE` bytes or a little more; fewer only at the end."""
    piece = bytearray()
    try:
        while len(piece) < PIECE:
            async with asyncio.timeout(IDLE):
                part = await content.readany()
            if not part:
                break
            piece += part
    except TimeoutError:
        raise StorageRefused("RequestTimeout") from None
    except MALFORMED:
        raise StorageRefused("IncompleteBody") from None
    return bytes(piece)
