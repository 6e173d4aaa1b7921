"""What a picture may be at most, whoever made it, and the refusal of those that are more."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

MAX_SIDE_PIXELS = 30_000
"""Pixels of a side. Source: documents of the China site, "Limits on images"."""

MAX_FRAME_PIXELS = 40_000_000
"""Pixels of one frame. Ours: the service takes 250 million, this machine has to hold them.
Source of theirs: documents of the China site, "Limits on images"."""

MAX_GIF_PIXELS = 4_194_304
"""Pixels of a GIF's canvas, width × height. Source: documents of the China site, "Limits on
images"; GIF_TOO_MUCH_PIXELS is what the service was seen to say."""

MAX_RLE_PIXELS = 4_194_304
"""Pixels of a BMP whose lines are run-length encoded. Ours: Pillow fills lines that end early pixel
by pixel in Python, so that a file of 6 kB takes seconds."""

MAX_READS = 2_000_000
"""Times that a file is read from. Ours: a GIF of 20 MB in the usual blocks takes 400,000; one in
blocks of a byte, or a PNG of empty chunks, keeps Pillow's loops busy for ten seconds."""

MAX_JPEG_SCANS = 100
"""Passes over a JPEG. Ours: cameras make one, progressive pictures ten; of a few bytes each they
make a small file that takes minutes."""

MAX_DECODED_PIXELS = 200_000_000
"""Pixels of all frames up to the last one wanted, since a GIF's frame builds on those before it."""

MAX_DECODED_FRAMES = 10_000
"""Frames of a GIF up to the last one wanted, or wanted strips of a long image. Ours: a GIF of 20 MB
may hold a million, and a hairline of 140 bytes has 30,000 strips."""

JPEG, JPEG_END, JPEG_SCAN = b"\xff\xd8", b"\xff\xd9", b"\xff\xda"

JPEG_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""In a scan's data \\xff is followed by one of those left out here."""


class PictureError(Exception):
    """A picture that is refused or cannot be read.

    Attributes:
        code: The service's code: 480 too many pixels, 586 the engine failed, 590 not a picture of
            a known format, or a damaged one.
        message: What the advice of the code does not say, without anything of the picture's
            contents. Of too many pixels it says so, which tells the client not to try again.

    Source: documents, "Common error codes".
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class PictureFile(io.BytesIO):
    """A picture's bytes, to be read in so many pieces at most, whatever its format.

    Raises:
        PictureError: From `read`; 480.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._left = MAX_READS

    def read(self, size: int | None = -1, /) -> bytes:
        """The next bytes, unless too many pieces were read before."""
        self._left -= 1
        if self._left < 0:
            raise PictureError(480, f"too many pieces, of {MAX_READS} at most")
        return super().read(size)


def check_size(image: Image.Image, frames: int = 1) -> None:
    """Refuse a picture that has too many pixels; nothing of it need be decoded yet.

    Args:
        image: At any frame.
        frames: How many of them are to be decoded.

    Raises:
        PictureError: 480.
    """
    pixels = image.width * image.height
    # The word that the service was seen to say, where it applies.
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
    """Refuse to make so many frames of one picture.

    Raises:
        PictureError: 480.
    """
    if frames > MAX_DECODED_FRAMES:
        raise PictureError(480, f"too many frames: {frames}, of {MAX_DECODED_FRAMES} at most")


def check_scans(data: bytes) -> None:
    """Refuse a JPEG that is to be painted over and over; any other file passes.

    Its markers are followed from one to the next, because what looks like one may stand in a
    thumbnail or behind the picture's end, where phones keep a film.

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
