"""Check the limits on a picture, and refuse a picture that exceeds a limit."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

MAX_SIDE_PIXELS = 30_000
"""Maximum length of a side, in pixels. Source: documents of the China site, "Limits on images"."""

MAX_PIXELS = 250_000_000
"""Maximum size of a picture, in pixels. Source: documents of the China site, "Limits on images"."""

MAX_FRAME_PIXELS = 40_000_000
"""Maximum size of one decoded frame, in pixels. We chose this value, because this machine must hold
all pixels of the frame in memory, as RGB. A larger picture is made smaller by a factor of 2 or 4 in
each direction: a JPEG while it is decoded, another format afterwards, so that in colour it can not
be larger either."""

MAX_FLAT_PIXELS = 80_000_000
"""Maximum size of a picture that cannot be made smaller while it is decoded, but has at most two
bytes per pixel: in grey, in black and white, or with a palette. Pillow warns of pictures that are a
little larger."""

FLAT_MODES = ("1", "L", "P", "I;16")
"""Pillow's modes of such pictures."""

MAX_SCANNED_PIXELS = 100_000_000
"""Maximum size of a JPEG that is painted in several scans (progressive), in pixels. We chose this
value, because the decoder holds all of it in memory, even if it is made smaller: up to 6 bytes per
pixel. Cameras write such pictures in one scan."""

REDUCTIONS = (1, 2, 4)
"""Factors by which a picture can be made smaller in each direction."""

MAX_GIF_PIXELS = 4_194_304
"""Maximum size of the canvas of a GIF (width × height), in pixels. Source: documents of the China
site, "Limits on images". The real service refuses a larger GIF with GIF_TOO_MUCH_PIXELS."""

MAX_RLE_PIXELS = 4_194_304
"""Maximum size of a run-length encoded BMP, in pixels. We chose this value, because a
line of the picture may end early. Pillow then fills the line pixel by pixel in Python, so that a
file of 6 kB can take seconds."""

MAX_READS = 2_000_000
"""Maximum number of times that Pillow may call `read` for one file. We chose this value: for a
usual GIF of 20 MB, Pillow calls `read` 400,000 times. For a GIF with blocks of one byte, or a PNG
with many empty chunks, it would call `read` much more often, and be busy for ten seconds."""

MAX_JPEG_SCANS = 100
"""Maximum number of scans in a JPEG. We chose this value: JPEGs of cameras have one scan, and
progressive JPEGs have ten. To decode a small file with many scans of a few bytes would take
minutes."""

MAX_DECODED_PIXELS = 200_000_000
"""Maximum number of pixels of all frames up to the last requested frame together. Frames that are
not requested count too, because a frame of a GIF can only be decoded after all frames before it."""

MAX_DECODED_FRAMES = 10_000
"""Maximum number of frames of a GIF up to the last requested frame, and maximum number of strips of
a long image that are requested. We chose this value, because a GIF of 20 MB may have a million
frames, and a picture of 140 bytes that is one pixel wide may have 30,000 strips."""

JPEG, JPEG_END, JPEG_SCAN = b"\xff\xd8", b"\xff\xd9", b"\xff\xda"

JPEG_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""Pattern of a JPEG marker. It excludes bytes that may follow \\xff inside the data of a scan."""


class PictureError(Exception):
    """Error for a picture that is refused or cannot be read.

    Attributes:
        code: Code of the service. 480: too many pixels; 586: the OCR engine failed; 590: the file
            is damaged, or has an unknown format.
        message: The reason; it is shown in addition to the advice for the code. It contains nothing
            of the contents of the picture. If it contains "too many", the client does not try
            again.

    Source: documents, "Common error codes".
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class PictureFile(io.BytesIO):
    """The bytes of a picture, as a file whose `read` can be called at most `MAX_READS` times.

    Raises:
        PictureError: Code 480, raised by `read`.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._left = MAX_READS

    def read(self, size: int | None = -1, /) -> bytes:
        """Return the next bytes; raise PictureError after `MAX_READS` calls."""
        self._left -= 1
        if self._left < 0:
            raise PictureError(480, f"too many blocks or chunks: more than {MAX_READS}")
        return super().read(size)


def check_size(image: Image.Image, frames: int = 1) -> None:
    """Refuse a picture if one frame is too large, or `frames` frames together are too large.

    This needs no decoded pixels.

    Raises:
        PictureError: Code 480.
    """
    pixels = image.width * image.height
    name, most = (
        ("GIF_TOO_MUCH_PIXELS", MAX_GIF_PIXELS)
        if image.format == "GIF"
        else ("too many pixels", MAX_PIXELS)
    )
    if max(image.size) > MAX_SIDE_PIXELS:
        raise PictureError(
            480, f"{name}: a side has {max(image.size)}, at most {MAX_SIDE_PIXELS} allowed"
        )
    if any(codec == "bmp_rle" for codec, *_ in getattr(image, "tile", ())):
        most = MAX_RLE_PIXELS
    if pixels > most:
        raise PictureError(480, f"{name}: {pixels}, at most {most} allowed")
    if frames > 1 and pixels * frames > MAX_DECODED_PIXELS:
        raise PictureError(
            480,
            f"too many pixels: {frames} frames of {pixels} each, at most"
            f" {MAX_DECODED_PIXELS} allowed in all",
        )
    check_frames(frames)


def check_frames(frames: int) -> None:
    """Refuse a picture if `frames` is more than `MAX_DECODED_FRAMES`.

    Raises:
        PictureError: Code 480.
    """
    if frames > MAX_DECODED_FRAMES:
        raise PictureError(480, f"too many frames: {frames}, at most {MAX_DECODED_FRAMES} allowed")


def check_memory(image: Image.Image, scans: int) -> None:
    """Refuse a picture that does not fit into memory before it can be made smaller.

    Args:
        image: The picture, of which only the header was read.
        scans: Number of scans of a JPEG.

    Raises:
        PictureError: Code 480.
    """
    if image.format == "JPEG":
        most, how = (
            (MAX_SCANNED_PIXELS, " as a progressive JPEG") if scans > 1 else (MAX_PIXELS, "")
        )
    elif image.mode in FLAT_MODES:
        most, how = MAX_FLAT_PIXELS, f" as a {image.format}"
    else:
        most, how = MAX_FRAME_PIXELS, f" as a {image.format} in colour"
    if (pixels := image.width * image.height) > most:
        raise PictureError(480, f"too many pixels: {pixels}, at most {most} allowed{how}")


def reduction(pixels: int) -> int:
    """Return the smallest factor that makes a picture small enough to be held in memory as RGB."""
    return next(each for each in REDUCTIONS if pixels <= each**2 * MAX_FRAME_PIXELS)


def check_scans(data: bytes) -> tuple[int, bool]:
    """Refuse a JPEG with too many scans; return the number of its scans, and whether it is whole.

    A JPEG is whole if it has an end mark. A picture of another format is whole, without scans.

    The function goes from marker to marker. It cannot simply count how often the bytes of a marker
    occur, because these bytes may also be in a thumbnail, or after the end of the picture, where
    phones put a video.

    Raises:
        PictureError: Code 480.
    """
    scans = at = 0
    if not data.startswith(JPEG):
        return scans, True
    while found := JPEG_MARKER.search(data, at):
        at = found.end()
        if found[0] == JPEG_END:
            return scans, True
        if found[0] != JPEG:
            at += int.from_bytes(data[at : at + 2])
        scans += found[0] == JPEG_SCAN
        if scans > MAX_JPEG_SCANS:
            raise PictureError(480, f"too many scans: more than {MAX_JPEG_SCANS}")
    return scans, False
