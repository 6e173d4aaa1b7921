"""Open the file of a picture: which formats, how large, and how much of it is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import attrs

from aliocr.extras import needed
from aliocr.pictures.size_limits import (
    JPEG,
    JPEG_END,
    PictureError,
    PictureFile,
    check_memory,
    check_scans,
    check_size,
    reduction,
)

with needed("pictures"):
    import numpy as np
    from PIL import Image, UnidentifiedImageError
    from PIL.JpegImagePlugin import JpegImageFile

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP")
"""Formats of pictures that are accepted. Source: documents, "Limits on images"."""

MAX_MISSING = 0.05
"""Maximum share of the pixels that a JPEG without an end mark may lack. Browsers show such a
picture, whatever it lacks. But a half of a page that is read as a page would lose text."""

LOOKED_AT = 0.2
"""Share of the picture, from the bottom, in which the pixels that it lacks are counted."""

NO_DATA = (127, 128)
"""Value of the pixels for which a JPEG has no data, in all channels. In inverted channels it is
127. Source: libjpeg, `decode_mcu`."""

LAST_SCAN = re.compile(rb"\xff\xda\0\x08\x01[\0\x01].[\x01-\x3f]\x3f[\0\x10]", re.DOTALL)
"""The beginning of the scan that completes the brightness of a JPEG of several scans. Earlier scans
show all lines of the picture, but blurred. Source: ITU-T T.81, B.2.3 and G.1.1.1."""

_TOO_MANY_PIXELS = (Image.DecompressionBombError, Image.DecompressionBombWarning)
NO_DAMAGE = (PictureError, MemoryError, *_TOO_MANY_PIXELS)
"""If decoding raises one of these errors, this does not mean that the picture is damaged."""


@attrs.frozen
class OpenPicture:
    """A picture of which the header was read.

    Args:
        image: The picture. It is smaller than the file says if the format can be decoded at a
            smaller size.
        width: Width in pixels, as the file says.
        height: Height in pixels, as the file says.
        scale: Each pixel of a decoded frame is to have this number of the file's pixels in each
            direction.
    """

    image: Image.Image
    width: int
    height: int
    scale: int


@contextmanager
def opened(data: bytes) -> Iterator[OpenPicture]:
    """Open a picture and check the limits. Turn errors in the `with` block into `PictureError`."""
    if not data:
        raise PictureError(590, "an empty file")
    try:
        with _image(data) as image:
            # Check the size before decoding, because a file of 17 kB can declare 144 megapixels.
            check_size(image)
            scans, ends = check_scans(data)
            check_memory(image, scans)
            yield _reduced(image) if ends else _completed(data, scans)
    except (PictureError, MemoryError):
        raise
    except _TOO_MANY_PIXELS as error:
        raise PictureError(480, "too many pixels") from error
    except UnidentifiedImageError as error:
        raise PictureError(590, "an unknown format") from error
    except Exception as error:
        # For damaged files, Pillow's decoders raise many types of errors: OSError, SyntaxError,
        # ValueError, IndexError, struct.error, …
        raise PictureError(590, "damaged or truncated") from error


def _image(data: bytes) -> Image.Image:
    # `Image.open` warns of more than 89 megapixels, and refuses 179, before it is known that a JPEG
    # can be decoded at a smaller size. The limit can be changed only for the whole process.
    if data.startswith(JPEG):
        return JpegImageFile(PictureFile(data))
    return Image.open(PictureFile(data), formats=FORMATS)


def _reduced(image: Image.Image) -> OpenPicture:
    width, height = image.size
    scale = reduction(width * height)
    if scale > 1 and image.format == "JPEG":
        image.draft(None, (max(1, width // scale), max(1, height // scale)))
    return OpenPicture(image, width, height, scale)


def _completed(data: bytes, scans: int) -> OpenPicture:
    """Decode a JPEG that lacks its end mark; refuse it if too much else is missing.

    Without the mark, Pillow would refuse it, unless a setting of the whole process were changed.
    """
    picture = _reduced(_image(data + JPEG_END))
    picture.image.load()
    width, height = picture.image.size
    bottom = picture.image.crop((0, int((1 - LOOKED_AT) * height), width, height))
    pixels = np.asarray(bottom).reshape(bottom.width * bottom.height, -1)
    missing = np.isin(pixels, NO_DATA).all(axis=1).sum() / (width * height)
    if missing > MAX_MISSING or (scans > 1 and not LAST_SCAN.search(data)):
        raise PictureError(590, "damaged or truncated")
    return picture
