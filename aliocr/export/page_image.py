"""Turn pictures into images of a PDF: as they are if possible, else without loss."""

from __future__ import annotations

import io
from collections.abc import Iterator

import attrs

from aliocr.extras import needed
from aliocr.pictures.header import Header
from aliocr.pictures.picture import whole_frames
from aliocr.pictures.size_limits import JPEG, JPEG_END
from aliocr.pictures.upright import SWAPPED

with needed("pdf"):
    from PIL import Image, ImageChops

QUALITY = 90
"""Quality of a JPEG that is made of a WEBP, which has lost details already."""

COLOURS = {"L": 1, "RGB": 3, "CMYK": 4}
"""Number of colours of the JPEGs that a PDF can have as they are, by Pillow's name."""

PNG = b"\x89PNG\r\n\x1a\n"

PNG_COLOURS = {0: 1, 2: 3, 3: 1}
"""Number of values of a pixel, by the colour type of a PNG. Types 4 and 6 have transparency.
Source: PNG specification, 11.2.1."""


@attrs.frozen
class PageImage:
    """An image of a PDF.

    Args:
        data: The compressed pixels: a JPEG, or lines of a PNG.
        width: Width in pixels, as stored.
        height: Height in pixels, as stored.
        colours: Number of values of a pixel: 1 for grey or a palette, 3 for RGB, 4 for CMYK.
        bits: Number of bits of a value.
        is_jpeg: True for a JPEG.
        palette: The colours of a palette, three bytes each; empty without a palette.
        orientation: EXIF orientation, by which the image is shown upright.
    """

    data: bytes = attrs.field(repr=False)
    width: int
    height: int
    colours: int
    bits: int = 8
    is_jpeg: bool = False
    palette: bytes = b""
    orientation: int = 1


def images_of(
    data: bytes, header: Header, interval: int | None = None, max_frames: int | None = None
) -> Iterator[PageImage]:
    """Yield the images of a picture: of a GIF, each frame that was read; else one.

    Args:
        data: The bytes of the file.
        header: The header of this file.
        interval: One of so many frames was read; None if only the first was read.
        max_frames: Maximum number of frames that were read.

    Raises:
        PictureError: The picture cannot be decoded.
    """
    turned = header.orientation
    if data.startswith(JPEG) and header.mode in COLOURS:
        size = (header.width, header.height)
        width, height = size[::-1] if turned in SWAPPED else size
        whole = data if data.endswith(JPEG_END) else data + JPEG_END
        colours = COLOURS[header.mode]
        yield PageImage(whole, width, height, colours, is_jpeg=True, orientation=turned)
        return
    if header.format == "PNG" and header.is_plain and (image := _of_png(data)):
        yield attrs.evolve(image, orientation=turned)
        return
    for frame in whole_frames(data, interval=interval, max_frames=max_frames):
        yield encoded(frame.picture, lossy=header.format == "WEBP")


def encoded(picture: Image.Image, *, lossy: bool = False) -> PageImage:
    """Return the image of upright pixels in RGB or grey; grey ones take a third of the space."""
    picture = _without_colours(picture)
    file = io.BytesIO()
    if lossy:
        picture.save(file, "JPEG", quality=QUALITY, subsampling=0)
        return PageImage(file.getvalue(), *picture.size, COLOURS[picture.mode], is_jpeg=True)
    picture.save(file, "PNG")
    image = _of_png(file.getvalue())
    if image is None:
        raise RuntimeError("Pillow wrote a PNG of another kind")
    return image


def _without_colours(picture: Image.Image) -> Image.Image:
    if picture.mode != "RGB":
        return picture
    red, green, blue = picture.split()
    same = all(ImageChops.difference(red, each).getbbox() is None for each in (green, blue))
    return red if same else picture


def _of_png(data: bytes) -> PageImage | None:
    """Return the image of a PNG, whose compressed lines a PDF can have as they are.

    Return None for a PNG that is interlaced, or has 16 bits or transparency.
    """
    if not data.startswith(PNG):
        return None
    lines, palette, at = [], b"", len(PNG)
    width, height, bits, kind, interlaced = 0, 0, 0, 6, 0
    while at + 8 <= len(data):
        length, name = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
        chunk = data[at + 8 : at + 8 + length]
        at += length + 12
        match name:
            case b"IHDR":
                width, height = int.from_bytes(chunk[:4]), int.from_bytes(chunk[4:8])
                bits, kind, interlaced = chunk[8], chunk[9], chunk[12]
            case b"PLTE":
                palette = chunk
            case b"IDAT":
                lines.append(chunk)
            case b"tRNS":
                return None
            case _:
                pass
    if kind not in PNG_COLOURS or interlaced or bits > 8:
        return None
    palette = palette if kind == 3 else b""
    return PageImage(b"".join(lines), width, height, PNG_COLOURS[kind], bits, palette=palette)
