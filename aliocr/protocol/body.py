"""The body of a response: collected once, unpacked, and within a limit.

aiohttp would unpack a body without a limit, so a few kilobytes could become gigabytes. Therefore
the transport asks for no encoding, and unpacks here the two that proxies apply all the same.
"""

from __future__ import annotations

import zlib

from aliocr.errors import ResponseError

MAX_BYTES = 16 * 1024 * 1024
"""Maximum size of an unpacked body, in bytes. A reply about 100 images with 60 regions each has
0.4 MB. So this is enough for 100 pages that are covered with small print, or for a thousand frames.
Bodies are held in memory, one for each request in flight."""

_GZIP = {"gzip", "x-gzip"}
_WITH_HEADER = 47
"""Window bits of zlib: read the header of gzip or zlib, with the largest window."""
_RAW = -15
"""Window bits of zlib: no header. Some servers mean this by `deflate`."""


class Body:
    """Collects the pieces of a body.

    Args:
        encoding: The header `Content-Encoding`.

    Attributes:
        data: The unpacked bytes so far, at most `MAX_BYTES`.

    Raises:
        ResponseError: The encoding is not supported.
    """

    def __init__(self, encoding: str) -> None:
        self.data = bytearray()
        applied = [each for each in encoding.lower().replace(" ", "").split(",") if each]
        self._encoding = ",".join(each for each in applied if each != "identity")
        self._inflater: zlib._Decompress | None = None
        if self._encoding and self._encoding not in _GZIP | {"deflate"}:
            # No more is quoted, because a header may repeat what was sent.
            raise ResponseError(
                f"the response is encoded as {self._encoding[:10]!r}, which was not asked for; "
                "check the proxy",
                maybe_charged=True,
            )

    def add(self, piece: bytes) -> None:
        """Unpack and keep a piece.

        Raises:
            ResponseError: The body is larger than `MAX_BYTES`, or its compression is damaged. The
                bytes before are kept.
        """
        if self._encoding:
            try:
                self._inflate(piece)
            except zlib.error:
                raise _unreadable(f"its {self._encoding} compression is damaged") from None
        else:
            self.data += piece[: MAX_BYTES + 1 - len(self.data)]
        if len(self.data) > MAX_BYTES:
            raise _unreadable(f"it is larger than {MAX_BYTES // 1024**2} MiB")

    def _inflate(self, piece: bytes) -> None:
        while piece and len(self.data) <= MAX_BYTES:
            if self._inflater is None:
                # The low four bits of a zlib header are always 8.
                raw = self._encoding not in _GZIP and piece[0] & 15 != zlib.DEFLATED
                self._inflater = zlib.decompressobj(_RAW if raw else _WITH_HEADER)
            self.data += self._inflater.decompress(piece, MAX_BYTES + 1 - len(self.data))
            piece = self._inflater.unconsumed_tail
            if self._inflater.eof:
                piece = self._inflater.unused_data  # gzip may have several members
                self._inflater = None


def _unreadable(why: str) -> ResponseError:
    text = f"the response could be read only in part: {why}"
    return ResponseError(text, transient=True, maybe_charged=True)
