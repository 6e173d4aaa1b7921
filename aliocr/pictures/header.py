"""Read the size of a picture, and how it is shown, from the header of its file."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import attrs

from aliocr.extras import needed
from aliocr.pictures.opening import FORMATS
from aliocr.pictures.size_limits import JPEG, PictureError
from aliocr.pictures.upright import SWAPPED, orientation

with needed("pictures"):
    from PIL import Image
    from PIL.JpegImagePlugin import JpegImageFile

DENSITIES = (100, 1_200)
"""Minimum and maximum resolution that is believed, in dots per inch. We chose these values: 72 and
96 are what cameras, screens and Pillow say of a picture that has none."""


@attrs.frozen
class Header:
    """What the header of a picture says.

    Args:
        format: Name of the format, such as `"PNG"`.
        mode: Pillow's name of the colours, such as `"CMYK"`.
        width: Width in pixels, as the picture is shown.
        height: Height in pixels, as the picture is shown.
        orientation: EXIF orientation, from 1 to 8; 1 if the pixels are stored upright.
        dpi: Resolution in dots per inch; None if the file has none that is likely.
        is_plain: True for a still picture without transparency.
    """

    format: str
    mode: str
    width: int
    height: int
    orientation: int
    dpi: float | None
    is_plain: bool


def read_header(path: Path) -> Header:
    """Return the header of a picture; no pixels are decoded.

    Raises:
        PictureError: Code 590: the file is no picture.
        OSError: The file cannot be read.
    """
    with path.open("rb") as file, warnings.catch_warnings():
        # A header of any size is harmless.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        start = file.read(len(JPEG))
        file.seek(0)
        try:
            image = JpegImageFile(file) if start == JPEG else Image.open(file, formats=FORMATS)
            turned = orientation(image)
            return Header(
                image.format or "",
                image.mode,
                *(image.size[::-1] if turned in SWAPPED else image.size),
                turned,
                _dpi(image.info.get("dpi")),
                is_plain=not (image.has_transparency_data or getattr(image, "is_animated", False)),
            )
        except Exception as error:
            # For damaged files, Pillow raises many types of errors.
            raise PictureError(590, "not a picture that can be read") from error


def _dpi(said: Any) -> float | None:
    """Return the resolution if it is likely; a file may have any values, even none that divide."""
    try:
        across, down = (float(each) for each in said)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    least, most = DENSITIES
    return across if least <= across <= most and abs(across - down) <= 1 else None
