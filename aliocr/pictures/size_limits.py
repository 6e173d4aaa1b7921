"""Limits on a picture, and the refusal of one that exceeds them."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

MAX_SIDE_PIXELS = 30_000
"""Pixels of a side. Source: documents of the China site, "Limits on images"."""

MAX_FRAME_PIXELS = 40_000_000
"""Pixels of one frame. Ours: the service takes 250 million, and this machine has to hold them.
Source of the service's: documents of the China site, "Limits on images"."""

MAX_GIF_PIXELS = 4_194_304
"""Pixels of a GIF's canvas, width × height. Source: documents of the China site, "Limits on
images"; GIF_TOO_MUCH_PIXELS is the word of the real service."""

MAX_RLE_PIXELS = 4_194_304
"""Pixels of a BMP whose lines are run-length encoded. Ours: a line that ends early is filled pixel
by pixel in Python, so that a file of 6 kB takes Pillow seconds."""

MAX_READS = 2_000_000
"""Reads from one file. Ours: a GIF of 20 MB in the usual blocks takes 400,000; a GIF in blocks of
one byte, or a PNG of empty chunks, keeps Pillow's loops busy for ten seconds."""

MAX_JPEG_SCANS = 100
"""Scans of a JPEG. Ours: cameras make one, progressive pictures ten; scans of a few bytes each make
a small file that takes minutes."""

MAX_DECODED_PIXELS = 200_000_000
"""Pixels of all frames up to the last that is wanted: a GIF's frame builds on the frames before."""

MAX_DECODED_FRAMES = 10_000
"""Frames of a GIF up to the last that is wanted, or wanted strips of a long image. Ours: a GIF of
20 MB may hold a million frames, and a hairline of 140 bytes has 30,000 strips."""

JPEG, JPEG_END, JPEG_SCAN = b"\xff\xd8", b"\xff\xd9", b"\xff\xda"

JPEG_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""In the data of a scan, one of the bytes that are left out here follows \\xff."""


class PictureError(Exception):
    """A picture that is refused or cannot be read.

    Attributes:
        code: The service's code: 480 too many pixels, 586 the engine failed, 590 not a picture of
            a known format, or a damaged one.
        message: The reason, in addition to the advice of the code, without anything of the
            picture's contents. "Too many" in it tells the client not to try again.

    Source: documents, "Common error codes".
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class PictureFile(io.BytesIO):
    """A picture's bytes, which allow `MAX_READS` reads, whatever the format.

    Raises:
        PictureError: From `read`; 480.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._left = MAX_READS

    def read(self, size: int | None = -1, /) -> bytes:
        """Return the next bytes, unless the reads are used up."""
        self._left -= 1
        if self._left < 0:
            raise PictureError(480, f"too many pieces, of {MAX_READS} at most")
        return super().read(size)


def check_size(image: Image.Image, frames: int = 1) -> None:
    """Refuse a picture of which `frames` frames would have too many pixels, before decoding it.

    Raises:
        PictureError: 480.
    """
    pixels = image.width * image.height
    name, most = (
        ("GIF_TOO_MUCH_PIXELS", MAX_GIF_PIXELS)
        if image.format == "GIF"
        else ("too many pixels", MAX_FRAME_PIXELS)
    )
    if max(image.size) > MAX_SIDE_PIXELS:
        raise PictureError(
            480, f"{name}: a side of {max(image.size)}, of {MAX_SIDE_PIXELS} at most"
        )
    if any(codec == "bmp_rle" for codec, *_ in getattr(image, "tile", ())):
        most = MAX_RLE_PIXELS
    if pixels > most:
        raise PictureError(480, f"{name}: {pixels}, of {most} at most")
    if pixels * frames > MAX_DECODED_PIXELS:
        raise PictureError(
            480, f"too many pixels: {frames} frames of {pixels}, of {MAX_DECODED_PIXELS} at most"
        )
    check_frames(frames)


def check_frames(frames: int) -> None:
    """Refuse more frames than `MAX_DECODED_FRAMES`.

    Raises:
        PictureError: 480.
    """
    if frames > MAX_DECODED_FRAMES:
        raise PictureError(480, f"too many frames: {frames}, of {MAX_DECODED_FRAMES} at most")


def check_scans(data: bytes) -> None:
    """Refuse a JPEG of too many scans; any other file passes.

    The search goes from marker to marker, because the bytes of a marker may also stand in a
    thumbnail, or behind the picture's end, where phones keep a film.

    Raises:
        PictureError: 480.
    """
    scans = at = 0
    while data.startswith(JPEG) and (found := JPEG_MARKER.search(data, at)):
        at = found.end()
        if found[0] == JPEG_END:
            break
        if found[0] != JPEG:
            at += int.from_bytes(data[at : at + 2])
        scans += found[0] == JPEG_SCAN
        if scans > MAX_JPEG_SCANS:
            raise PictureError(480, f"too many scans, of {MAX_JPEG_SCANS} at most")
