"""Make the pixels of a picture upright, opaque and RGB."""

from __future__ import annotations

from aliocr.extras import needed

with needed("pictures"):
    import numpy as np
    from PIL import Image

EXIF_ORIENTATION = 0x0112

UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""For each EXIF orientation, the transposition that makes a picture upright. Source: EXIF 2.32, tag
Orientation."""

SWAPPED = {5, 6, 7, 8}
"""EXIF orientations for which width and height are swapped."""

WHITE, BLACK = (255, 255, 255, 255), (0, 0, 0, 255)

BAND = 256
"""Height of the bands in which a large picture is made smaller, in pixels; a multiple of each
scale. At most one band is in memory as RGB at full size."""

SAMPLE = 512
"""Maximum width and height of the sample by which the background is chosen, in pixels."""


def orientation(image: Image.Image) -> int:
    """Return the EXIF orientation of a picture; 1, which is upright, if it has no valid one."""
    # Do not use Pillow's exif_transpose(), because it also rewrites the other tags, and fails for a
    # photo with a broken tag.
    try:
        found = image.getexif().get(EXIF_ORIENTATION)
    except Exception:  # noqa: BLE001 (viewers show such a photo without rotation)
        return 1
    return found if isinstance(found, int) and found in UPRIGHT else 1


def normalised(image: Image.Image, scale: int = 1) -> Image.Image:
    """Return the picture upright and in RGB, with a background instead of transparency.

    Args:
        image: The picture.
        scale: If more than 1, the picture is made smaller; a pixel has so many of the picture's
            pixels in each direction.
    """
    turned = orientation(image)
    paper = _paper(image)
    image = _reduced(image, scale, paper) if scale > 1 else _opaque(image, paper)
    return image.transpose(UPRIGHT[turned]) if turned in UPRIGHT else image


def _reduced(image: Image.Image, scale: int, paper: tuple[int, int, int, int]) -> Image.Image:
    small = Image.new("RGB", (-(-image.width // scale), -(-image.height // scale)))
    for top in range(0, image.height, BAND):
        band = image.crop((0, top, image.width, min(image.height, top + BAND)))
        small.paste(_opaque(band, paper).reduce(scale), (0, top // scale))
    return small


def _opaque(image: Image.Image, paper: tuple[int, int, int, int]) -> Image.Image:
    if image.mode.startswith("I"):
        # Scale 16-bit grey down, because convert() would turn all values above 255 into white.
        grey = np.asarray(image) >> 8
        return Image.fromarray(grey.astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        # If only the alpha channel were removed, black text on a transparent background would
        # become black text on black.
        page = Image.new("RGBA", image.size, paper)
        image = Image.alpha_composite(page, image.convert("RGBA"))
    return image.convert("RGB")


def _paper(image: Image.Image) -> tuple[int, int, int, int]:
    """Return the background of a picture: white, or black if what is opaque is nearer to white.

    White letters without a background are invisible on white, and black letters on black.
    """
    if image.mode.startswith("I") or not image.has_transparency_data:
        return WHITE
    size = (min(SAMPLE, image.width), min(SAMPLE, image.height))
    sample = image.resize(size, Image.Resampling.NEAREST).convert("RGBA")
    pixels = np.asarray(sample, np.float32)
    luminance = np.asarray(sample.convert("RGB").convert("L"), np.float32)
    opaque = pixels[..., 3]
    return BLACK if (opaque * (2 * luminance - 255)).sum() > 0 else WHITE
