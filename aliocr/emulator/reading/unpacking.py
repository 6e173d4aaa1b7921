"""Decodes a packed body (Content-Encoding) in small pieces, so that memory use is limited."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

UNPACKED_AT_ONCE = 256 * 1024
"""Maximum size of an unpacked piece, in bytes. Unpacking such a piece takes a millisecond."""

GZIP = 16 + zlib.MAX_WBITS
"""Argument of zlib that selects the gzip format."""


class UnpackError(ValueError):
    """The encoding is unknown, or the body is not valid or not complete in this encoding."""


class Unpacker:
    """A decoder for a body, chunk by chunk; `encoding` is its Content-Encoding, empty if none.

    A thousand packed bytes may contain a million bytes, so the caller must count the bytes of the
    pieces and stop at a limit.

    Raises:
        UnpackError: The encoding is neither gzip nor deflate. The downloader requests no encoding,
            but some hosts use gzip or deflate without a request.
    """

    def __init__(self, encoding: str) -> None:
        name = encoding.strip().lower()
        if name not in ("", "identity", "gzip", "x-gzip", "deflate"):
            raise UnpackError("an unknown Content-Encoding")
        self.plain = name in ("", "identity")
        self._members = name.endswith("gzip")
        self._stream = zlib.decompressobj(GZIP) if self._members else None

    def unpacked(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the decoded chunk, piece by piece.

        Args:
            chunk: At least one byte. Bytes after the end of the packed data are ignored. But if
                these bytes are another gzip member, they are decoded, because a body may have
                several members. Source: RFC 1952.

        Raises:
            UnpackError: The chunk is not valid in the encoding.
        """
        if self.plain:
            yield chunk
            return
        if self._stream is None:
            # Some hosts send no zlib header, although the standard requires the header.
            bits = zlib.MAX_WBITS if chunk[0] & 0x0F == 8 else -zlib.MAX_WBITS
            self._stream = zlib.decompressobj(bits)
        while True:
            if self._stream.eof:
                if not chunk:
                    return
                # If the next byte is the first byte of gzip, another member begins.
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
            # After a full piece the decoder may still have bytes to give, even if no chunk is left.
            if not chunk and len(piece) < UNPACKED_AT_ONCE:
                return

    def finish(self) -> None:
        """Raise `UnpackError` if the packed data is not complete."""
        if not self.plain and (self._stream is None or not self._stream.eof):
            raise UnpackError("a broken Content-Encoding")
