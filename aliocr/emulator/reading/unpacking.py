"""Undoes a Content-Encoding in small pieces, so that a bomb goes off before it fills the memory."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

UNPACKED_AT_ONCE = 256 * 1024
"""Bytes unpacked in one go: a millisecond's work."""

GZIP = 16 + zlib.MAX_WBITS
GZIP_BEGINS = b"\x1f"


class UnpackError(ValueError):
    """The encoding is not known, or what came is not encoded so, or not to its end."""


class Unpacker:
    """Takes a body as it arrives and gives the bytes meant.

    One thousand bytes may mean a million: who reads the pieces counts them, and stops.

    Args:
        encoding: The header Content-Encoding; empty if there is none.

    Raises:
        UnpackError: Neither gzip nor deflate, which alone are ever met though nobody asked for
            them.
    """

    def __init__(self, encoding: str) -> None:
        name = encoding.strip().lower()
        if name not in ("", "identity", "gzip", "x-gzip", "deflate"):
            raise UnpackError("an unknown Content-Encoding")
        self.plain = name in ("", "identity")
        self._members = name.endswith("gzip")
        self._stream = zlib.decompressobj(GZIP) if self._members else None

    def unpacked(self, chunk: bytes) -> Iterator[bytes]:
        """What a chunk means, piece by piece.

        Args:
            chunk: At least one byte. What follows the end of what was packed is left out, unless it
                is one more member of gzip's: a body may have several. Source: RFC 1952.

        Raises:
            UnpackError: It means nothing.
        """
        if self.plain:
            yield chunk
            return
        if self._stream is None:
            # Some hosts leave the zlib header out, against the standard.
            bits = zlib.MAX_WBITS if chunk[0] & 0x0F == 8 else -zlib.MAX_WBITS
            self._stream = zlib.decompressobj(bits)
        while not self._stream.eof or self._begin_another(chunk):
            try:
                piece = self._stream.decompress(chunk, UNPACKED_AT_ONCE)
            except zlib.error:
                raise UnpackError("a broken Content-Encoding") from None
            yield piece
            chunk = self._stream.unused_data or self._stream.unconsumed_tail
            # After a full piece there may be more inside, though all of the chunk is consumed.
            if not chunk and len(piece) < UNPACKED_AT_ONCE:
                return

    def _begin_another(self, rest: bytes) -> bool:
        """Unpack the member behind the one that has ended, if one begins there; say whether."""
        if not rest:
            return False
        self._members = self._members and rest[:1] == GZIP_BEGINS
        if self._members:
            self._stream = zlib.decompressobj(GZIP)
        return self._members

    def finish(self) -> None:
        """The body has ended.

        Raises:
            UnpackError: In the middle of what was packed.
        """
        if not self.plain and (self._stream is None or not self._stream.eof):
            raise UnpackError("a broken Content-Encoding")
