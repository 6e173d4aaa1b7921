"""Decodes a Content-Encoding in small pieces, so that a zip bomb never fills the memory."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

UNPACKED_AT_ONCE = 256 * 1024
"""Bytes unpacked in one step: a millisecond's work."""

GZIP = 16 + zlib.MAX_WBITS


class UnpackError(ValueError):
    """The encoding is unknown, or the body is not valid or not complete in it."""


class Unpacker:
    """Decodes a body while it arrives, by its Content-Encoding; empty if absent.

    A thousand packed bytes may hold a million, so the caller must count the pieces and stop.

    Raises:
        UnpackError: The encoding is neither gzip nor deflate. The downloader requests none at all;
            some hosts send these two all the same.
    """

    def __init__(self, encoding: str) -> None:
        name = encoding.strip().lower()
        if name not in ("", "identity", "gzip", "x-gzip", "deflate"):
            raise UnpackError("an unknown Content-Encoding")
        self.plain = name in ("", "identity")
        self._members = name.endswith("gzip")
        self._stream = zlib.decompressobj(GZIP) if self._members else None

    def unpacked(self, chunk: bytes) -> Iterator[bytes]:
        """Decode a chunk, piece by piece.

        Args:
            chunk: At least one byte. Bytes after the end of the packed data are ignored, except for
                further members of gzip: a body may have several. Source: RFC 1952.

        Raises:
            UnpackError: The chunk is not valid in the encoding.
        """
        if self.plain:
            yield chunk
            return
        if self._stream is None:
            # Against the standard, some hosts leave out the zlib header.
            bits = zlib.MAX_WBITS if chunk[0] & 0x0F == 8 else -zlib.MAX_WBITS
            self._stream = zlib.decompressobj(bits)
        while True:
            if self._stream.eof:
                if not chunk:
                    return
                # After the first byte of gzip another member begins.
                self._members = self._members and chunk[0] == 0x1F
                if not self._members:
                    return
                self._stream = zlib.decompressobj(GZIP)
            try:
                piece = self._stream.decompress(chunk, UNPACKED_AT_ONCE)
            except zlib.error:
                raise UnpackError("a broken Content-Encoding") from None
            yield piece
            chunk = self._stream.unused_data or self._stream.unconsumed_tail
            # After a full piece the decoder may hold more, though the chunk is consumed.
            if not chunk and len(piece) < UNPACKED_AT_ONCE:
                return

    def finish(self) -> None:
        """Raise `UnpackError` if the packed data is not complete."""
        if not self.plain and (self._stream is None or not self._stream.eof):
            raise UnpackError("a broken Content-Encoding")
