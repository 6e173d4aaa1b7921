"""The header of a picture: its size as it is shown, and a resolution that can be believed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pictures = pytest.importorskip("PIL.Image")

from aliocr.pictures.header import read_header  # noqa: E402 - after the check for Pillow
from aliocr.pictures.picture import whole_frames  # noqa: E402
from aliocr.pictures.size_limits import PictureError  # noqa: E402


@pytest.mark.parametrize("orientation", range(10))
def test_the_size_is_that_of_the_pixels_that_are_read(orientation: int, tmp_path: Path) -> None:
    """Turned as the EXIF data say."""
    exif = pictures.Exif()
    exif[0x0112] = orientation
    pictures.new("RGB", (30, 20)).save(tmp_path / "a.jpg", exif=exif)
    header = read_header(tmp_path / "a.jpg")
    (frame,) = whole_frames((tmp_path / "a.jpg").read_bytes())
    assert (header.width, header.height) == frame.picture.size


@pytest.mark.parametrize(
    ("said", "believed"),
    [
        ((300, 300), 300),
        ((72, 72), None),
        ((96, 96), None),
        ((1, 1), None),
        ((9_999, 9_999), None),
        ((300, 150), None),
    ],
)
def test_a_resolution_is_believed_if_it_is_likely(
    said: tuple[int, int], believed: float | None, tmp_path: Path
) -> None:
    """Cameras say 72, screens 96, scanners the truth."""
    for name in ("a.png", "a.jpg"):
        pictures.new("L", (30, 20)).save(tmp_path / name, dpi=said)
        assert read_header(tmp_path / name).dpi == pytest.approx(believed, abs=0.1)


@pytest.mark.parametrize(
    ("options", "plain"),
    [
        ({}, True),
        ({"transparency": 0}, False),
        ({"save_all": True, "append_images": [pictures.new("L", (3, 2), 9)]}, False),
    ],
)
def test_what_moves_or_is_transparent_is_not_plain(
    options: dict[str, Any], plain: bool, tmp_path: Path
) -> None:
    """It cannot be shown by its own bytes."""
    pictures.new("L", (3, 2)).save(tmp_path / "a.png", **options)
    assert read_header(tmp_path / "a.png").is_plain is plain


@pytest.mark.filterwarnings("error")
def test_a_large_picture_is_not_decoded(tmp_path: Path) -> None:
    """Its header is enough, and no warning is raised."""
    pictures.new("1", (20_000, 6_000)).save(tmp_path / "a.png")
    assert read_header(tmp_path / "a.png").width == 20_000


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8", b"\xff\xd8\xff\xe0garbage", b"<html>", b"\x89PNG"]
)
def test_what_is_no_picture_is_refused(data: bytes, tmp_path: Path) -> None:
    """By the same error as when it is decoded."""
    (tmp_path / "a.jpg").write_bytes(data)
    with pytest.raises(PictureError):
        read_header(tmp_path / "a.jpg")
