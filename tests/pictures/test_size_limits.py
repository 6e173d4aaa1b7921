"""Pictures that are too much of something: promises on what is refused before it costs anything."""

from __future__ import annotations

import struct
import zlib

import pytest

pytest.importorskip("PIL")

from PIL import Image

from aliocr.errors import api_error
from aliocr.pictures import size_limits
from aliocr.pictures.picture import FrameCount, count_frames
from aliocr.pictures.size_limits import PictureError
from tests.support.drawing import GREEN, RED, animated, decoded, encoded, png_that_declares


def refusal(data: bytes, **choice: int) -> PictureError:
    """Return the error of a refused picture."""
    with pytest.raises(PictureError) as caught:
        decoded(data, **choice)
    assert caught.value.code == 480
    return caught.value


def gif_of(width: int, height: int, frames: int = 2) -> bytes:
    """A GIF whose canvas is this large; each of its frames stays small."""
    data = bytearray(animated("GIF", *((number, 0, 0) for number in range(frames))))
    data[6:10] = struct.pack("<HH", width, height)
    return bytes(data)


def jpeg_of(scans: int, *, tail: bytes = b"") -> bytes:
    """A progressive JPEG that is painted so many times, with something behind its end."""
    data = encoded(Image.new("RGB", (64, 64), RED), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    more = scans - data.count(b"\xff\xda")
    return data[:-2] + data[last:-2] * more + data[-2:] + tail


@pytest.mark.parametrize("size", [(12_000, 12_000), (65_000, 65_000)])
def test_a_small_file_of_a_huge_picture_is_refused(size: tuple[int, int]) -> None:
    """A decompression bomb costs nothing: it is refused before its pixels are made."""
    assert "too many pixels" in refusal(png_that_declares(*size)).message


@pytest.mark.parametrize("form", ["PNG", "BMP"])
def test_a_side_may_have_30000_pixels(form: str) -> None:
    """Not one more, though it be one pixel wide."""
    for upright in (False, True):
        sides = [(30_000, 1), (30_001, 1)]
        allowed, forbidden = (side[::-1] if upright else side for side in sides)
        assert decoded(encoded(Image.new("1", allowed), form))
        assert "30001, at most 30000" in refusal(encoded(Image.new("1", forbidden), form)).message


def test_what_cannot_be_decoded_smaller_may_have_40_or_80_million_pixels() -> None:
    """The service takes 250 million; what this machine takes less is said, and by how much."""
    (frame,) = decoded(encoded(Image.new("1", (8_000, 5_001))))
    assert (frame.width, frame.height, frame.scale) == (8_000, 5_001, 2)
    assert frame.picture.size == (4_000, 2_501)
    assert "40008000, at most 40000000 allowed as a PNG in colour" in (
        refusal(png_that_declares(8_000, 5_001)).message
    )
    assert "80008000, at most 80000000 allowed as a PNG" in (
        refusal(png_that_declares(8_000, 10_001, depth=1, colour=0)).message
    )


def jpeg_that_declares(width: int, height: int, *, scans: int = 1) -> bytes:
    """A tiny JPEG whose header declares a picture of this size."""
    data = jpeg_of(scans) if scans > 1 else encoded(Image.new("RGB", (64, 64), RED), "JPEG")
    size = struct.pack(">HH", 64, 64)
    return data.replace(size, struct.pack(">HH", height, width), 1)


def test_a_jpeg_may_have_250_million_pixels() -> None:
    """It is decoded at a smaller size; one of several scans is in memory whole nevertheless."""
    counted = count_frames(jpeg_that_declares(25_000, 10_000))
    assert counted == FrameCount(1, moves=False, readable=True)
    message = refusal(jpeg_that_declares(25_000, 10_001)).message
    assert "250025000, at most 250000000" in message
    assert count_frames(jpeg_that_declares(10_000, 10_000, scans=12)).readable
    message = refusal(jpeg_that_declares(10_000, 10_001, scans=12)).message
    assert "100010000, at most 100000000 allowed as a progressive JPEG" in message


def test_a_gif_may_have_4194304_pixels() -> None:
    """Width times height; a single frame more or less changes nothing."""
    for frames in (1, 2):
        assert decoded(gif_of(2_048, 2_048, frames))[0].picture.size == (2_048, 2_048)
        error = refusal(gif_of(2_049, 2_048, frames))
        assert error.message.startswith("GIF_TOO_MUCH_PIXELS: 4196352, at most 4194304")
    assert "GIF_TOO_MUCH_PIXELS" in refusal(gif_of(30_001, 1)).message
    assert decoded(encoded(Image.new("L", (2_049, 2_048))))  # of a PNG it is not too many


def test_a_gif_is_refused_when_a_later_frame_enlarges_it_too_much() -> None:
    """The size in the file's header is checked again at each frame."""
    data = bytearray(animated("GIF", RED, GREEN))
    second = data.rindex(b"\x2c" + struct.pack("<HHHH", 0, 0, 60, 40))
    data[second + 1 : second + 9] = struct.pack("<HHHH", 0, 0, 2_049, 2_048)
    assert "GIF_TOO_MUCH_PIXELS" in refusal(bytes(data), interval=1, max_frames=2).message
    (first,) = decoded(bytes(data))
    assert first.picture.size == (60, 40)


def test_a_gif_is_refused_when_the_frames_before_the_last_are_too_many_pixels() -> None:
    """Late frames of a long animation would need all before them; early ones are still read."""
    long = gif_of(2_000, 2_000, 51)
    assert "51 frames of 4000000" in refusal(long, interval=50, max_frames=2).message
    assert decoded(long)[0].picture.size == (2_000, 2_000)
    assert count_frames(long) == FrameCount(51, moves=True, readable=False)
    assert count_frames(gif_of(2_000, 2_000, 50)) == FrameCount(50, moves=True, readable=True)


def test_a_gif_of_a_million_frames_is_read_up_to_the_ten_thousandth() -> None:
    """A file of 20 MB may hold so many; its first frame costs no more than another's."""
    head = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    many = head + frame * 20_000 + b";"
    assert len(decoded(many)) == 1
    assert "too many frames" in refusal(many, interval=1, max_frames=20_000).message
    assert not count_frames(many).readable


def test_a_hairline_has_ten_thousand_strips_at_most() -> None:
    """A file of 140 bytes may have 30,000; fewer of them are read as ever."""
    hairline = encoded(Image.new("1", (1, 30_000)))
    assert "too many frames: 30000" in refusal(hairline, interval=1, max_frames=30_000).message
    assert len(decoded(hairline, interval=3, max_frames=10_000)) == 10_000
    assert count_frames(hairline) == FrameCount(30_000, moves=False, readable=False)


def bmp_of(width: int, height: int, lines: bytes) -> bytes:
    """A BMP whose lines are run-length encoded."""
    start = 14 + 40 + 1024
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(lines), 0, 0, 256, 0)
    return (
        b"BM" + struct.pack("<IHHI", start + len(lines), 0, 0, start) + head + bytes(1024) + lines
    )


def test_a_bmp_of_runs_may_have_four_million_pixels() -> None:
    """Its lines may end after a pixel, and be filled for seconds: 40 million from 6 kB."""
    assert decoded(bmp_of(300, 2, b"\xff\1\x2d\1\0\0" * 2 + b"\0\1"))
    short = bmp_of(30_000, 1_333, b"\1\0\0\0" * 1_333 + b"\0\1")
    assert "39990000, at most 4194304" in refusal(short).message


@pytest.mark.parametrize("kind", ["png", "gif"])
def test_a_file_is_read_in_so_many_pieces_at_most(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Empty chunks and blocks of one byte are refused, instead of counted for ten seconds."""
    monkeypatch.setattr(size_limits, "MAX_READS", 1_000)
    if kind == "png":
        whole = encoded(Image.new("1", (9, 9)))
        empty = struct.pack(">I", 0) + b"prVt" + struct.pack(">I", zlib.crc32(b"prVt"))
        start = whole.index(b"IDAT") - 4
        few, many = (whole[:start] + empty * count + whole[start:] for count in (9, 1_000))
    else:
        whole = encoded(Image.new("1", (9, 9)), "GIF")
        start = whole.index(b"\x2c")
        few, many = (
            whole[:start] + b"\x21\x05" + b"\x01a" * count + b"\0" + whole[start:]
            for count in (9, 1_000)
        )
    assert decoded(few)
    assert "too many blocks or chunks: more than 1000" in refusal(many).message


def test_a_jpeg_may_be_painted_a_hundred_times() -> None:
    """A small file of many scans takes minutes; a film behind the picture is not one of them."""
    assert decoded(jpeg_of(size_limits.MAX_JPEG_SCANS))
    assert "too many scans" in refusal(jpeg_of(size_limits.MAX_JPEG_SCANS + 1)).message
    assert decoded(jpeg_of(10, tail=b"\xff\xda" * 1_000))


def test_too_much_of_something_is_not_tried_again() -> None:
    """The same picture has as many pixels the next time: the client is told so."""
    for data in (
        png_that_declares(12_000, 12_000),
        png_that_declares(10, 30_001),
        gif_of(2_049, 2_048),
        gif_of(2_000, 2_000, 51),
        jpeg_of(101),
        bmp_of(2_049, 2_048, b""),
    ):
        message = refusal(data, interval=50, max_frames=2).message
        assert not api_error(480, f"DOWNLOAD_FAILED: {message}").transient
