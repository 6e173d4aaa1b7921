"""Pictures drawn for a test, whole or damaged, as the bytes of a file."""

from __future__ import annotations

import io
import random
import struct
import zlib
from typing import Any

from PIL import Image

from aliocr.pictures.picture import PictureFrame, decode

WHITE, BLACK, RED, GREEN, BLUE = (
    (255, 255, 255),
    (0, 0, 0),
    (255, 0, 0),
    (0, 255, 0),
    (0, 0, 255),
)


def encoded(picture: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    """The picture as a file's bytes."""
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def decoded(data: bytes, **choice: int) -> tuple[PictureFrame, ...]:
    """All chosen frames of a picture at once."""
    return tuple(decode(data, **choice))


def animated(form: str, *colours: tuple[int, int, int], size: tuple[int, int] = (60, 40)) -> bytes:
    """An animation of plain frames."""
    frames = [Image.new("RGB", size, colour) for colour in colours]
    options: dict[str, Any] = {"lossless": True} if form == "WEBP" else {}
    return encoded(frames[0], form, save_all=True, append_images=frames[1:], **options)


def png_that_declares(width: int, height: int, *, depth: int = 8, colour: int = 2) -> bytes:
    """A tiny file whose header declares a picture of this size, by default in RGB."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + header
        + struct.pack(">I", zlib.crc32(header))
        + struct.pack(">I", 8)
        + b"IDAT"
        + bytes(12)
    )


def damaged(data: bytes, dice: random.Random) -> bytes:
    """The same file with some bytes changed, and perhaps its end missing."""
    bad = bytearray(data)
    for _ in range(dice.choice((1, 4, 16))):
        bad[dice.randrange(len(bad))] = dice.randrange(256)
    return bytes(bad[: dice.randint(len(bad) // 2, 2 * len(bad))])
