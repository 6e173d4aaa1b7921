"""Long pictures read as one: no letter is cut, nothing is lost, and nothing is there twice."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import pytest

pytest.importorskip("PIL")

import numpy as np
from PIL import Image as Picture
from PIL import ImageDraw

from aliocr import Frame, Image, Region, Session
from aliocr.emulator import Emulator
from aliocr.emulator.content import Content
from aliocr.emulator.engine import Recognized
from aliocr.emulator.reading.pieces import WHOLE_SIDE, cuts
from aliocr.emulator.reading.reader import PictureReader
from aliocr.pictures.frames import total_frames
from aliocr.text.geometry import turned
from aliocr.text.layout import lines_of
from tests.support.album import Album
from tests.support.drawing import encoded

HEIGHT = 20
"""Height of each line: a bar of one red, which is its text."""


class BarReader:
    """An engine whose letters are bars, one beside the other, each of a single red.

    A bar is read as its red and its length. A bar that is not `HEIGHT` high was cut: it is rubbish.
    A long bar has blanks, as a line of text has.
    """

    def __init__(self) -> None:
        self.sizes: list[tuple[int, int]] = []

    def __call__(self) -> BarReader:
        """Make an engine: this one."""
        return self

    def recognize(self, picture: Picture.Image) -> tuple[Recognized, ...]:
        """All bars; those that touch the edge of the picture as far as they are to be seen."""
        self.sizes.append(picture.size)
        reds = np.asarray(picture)[:, :, 0]
        rows, columns = np.nonzero(reds < 255)
        inks = reds[rows, columns]
        order = np.argsort(inks, kind="stable")
        rows, columns, inks = rows[order], columns[order], inks[order]
        bars, begins = np.unique(inks, return_index=True)
        if not len(bars):
            return ()
        edges = (
            np.minimum.reduceat(columns, begins),
            np.minimum.reduceat(rows, begins),
            np.maximum.reduceat(columns, begins) + 1,
            np.maximum.reduceat(rows, begins) + 1,
        )
        return tuple(
            Recognized(
                f"{red}:{right - x}" if bottom - y == HEIGHT else "rubbish",
                float(x),
                float(y),
                float(right - x),
                float(bottom - y),
                confidence=0.9,
            )
            for red, x, y, right, bottom in zip(bars, *edges, strict=True)
        )


def picture_of(
    size: tuple[int, int], boxes: Sequence[tuple[int, int, int]]
) -> tuple[bytes, list[str]]:
    """A PNG of a bar at each place (left, upper edge, length), and the texts of the bars."""
    picture = Picture.new("RGB", size, "white")
    draw = ImageDraw.Draw(picture)
    for red, (x, y, length) in enumerate(boxes):
        draw.rectangle((x, y, x + length - 1, y + HEIGHT - 1), fill=(red, 0, 0))
    return encoded(picture), [f"{red}:{length}" for red, (*_, length) in enumerate(boxes)]


async def read(
    engine: Callable[[], object], data: bytes, *, frames: int | None = 100, whole: bool = True
) -> Content:
    """The content of a picture, all frames of which are asked for, unless told otherwise."""
    reader = PictureReader(engine, workers=1, whole_pictures=whole)  # type: ignore[arg-type]
    try:
        return await reader.read(data, interval=frames and 1, max_frames=frames)
    finally:
        await reader.aclose()


def texts(found: Content) -> list[str]:
    """The texts of the regions, sorted: their order is the business of the layout."""
    return sorted(region.text for region in found.regions)


@pytest.mark.parametrize("size", [(800, 60), (60, 800), (WHOLE_SIDE, 500), (500, WHOLE_SIDE)])
async def test_a_long_picture_is_read_in_one_run(size: tuple[int, int]) -> None:
    """Uncut; its frames get what lies in them, each piece once."""
    bars = [(x, y, 30) for x in range(5, size[0] - 35, 110) for y in range(5, size[1] - 25, 70)]
    data, expected = picture_of(size, bars)
    engine = BarReader()
    found = await read(engine, data)
    assert engine.sizes == [size]
    assert texts(found) == sorted(expected)
    assert len(found.frames) == total_frames(*size)
    in_frames = [region for frame in found.frames for region in frame.regions]
    assert sorted(in_frames, key=str) == sorted(found.regions, key=str)
    assert (found.width, found.height) == size


@pytest.mark.parametrize("offset", range(0, 2 * HEIGHT, 7))
async def test_no_line_of_a_high_picture_is_cut(offset: int) -> None:
    """Two columns without a blank row between them, wherever the cuts fall."""
    bars = [(20, offset + y, 200) for y in range(0, 4_900, 2 * HEIGHT)]
    bars += [(260, offset + y + 14, 120) for y in range(0, 4_900, 2 * HEIGHT)]
    data, expected = picture_of((400, 5_000), bars)
    engine = BarReader()
    assert texts(await read(engine, data)) == sorted(expected)
    assert max(map(max, engine.sizes)) <= WHOLE_SIDE
    assert sum(w * h for w, h in engine.sizes) < 1.2 * 400 * 5_000


@pytest.mark.parametrize("seed", range(3))
async def test_no_line_of_a_wide_picture_is_cut(seed: int) -> None:
    """Lines that begin and end anywhere, so that no column is blank; a cut line is read again."""
    dice = random.Random(seed)
    bars = []
    for row in range(8):
        x = dice.randrange(40)
        while x < 3_800:
            length = dice.randrange(100, 600)
            bars.append((x, 10 + 45 * row, min(length, 3_990 - x)))
            x += length + dice.randrange(30, 60)
    data, expected = picture_of((4_000, 380), bars[:250])
    engine = BarReader()
    assert texts(await read(engine, data)) == sorted(expected)
    assert sum(w * h for w, h in engine.sizes) < 1.6 * 4_000 * 380


async def test_cuts_go_through_blanks_where_there_are_some() -> None:
    """In the widest gap nearby, and then nothing is read twice."""
    bars = [(10, y, 300) for y in range(10, 3_960, 30)]
    data, expected = picture_of((400, 4_000), bars)
    engine = BarReader()
    found = await read(engine, data)
    assert [region.text for region in found.regions] == expected
    assert sum(height for _, height in engine.sizes) == 4_000
    picture = Picture.new("RGB", (3_000, 30), "white")
    ImageDraw.Draw(picture).rectangle((0, 5, 3_000, 25), fill="black")
    gaps = range(130, 3_000, 150)
    for x in gaps:
        picture.paste("white", (x, 0, x + 20, 30))
        picture.paste("white", (x + 50, 0, x + 54, 30))  # between two letters
    for cut in cuts(picture):
        assert cut.is_blank
        assert any(x < cut.place < x + 20 for x in gaps)


@pytest.mark.parametrize(("frames", "captured"), [(None, 0), (1, 0), (3, 3), (100, 12)])
async def test_the_frames_that_were_asked_for_are_there(frames: int | None, captured: int) -> None:
    """The service would charge each of them; the text is that of the whole picture."""
    bars = [(10, y, 50) for y in range(10, 1_180, 40)]
    data, expected = picture_of((100, 1_200), bars)
    found = await read(BarReader(), data, frames=frames)
    assert texts(found) == sorted(expected)
    assert len(found.frames) == captured
    for frame in found.frames:
        spans = [(region.y, region.y + region.h) for region in frame.regions]
        assert max(map(max, spans)) - min(map(min, spans)) <= 110


async def test_a_moving_picture_has_its_own_frames() -> None:
    """Those of a GIF are pictures of their own, also if they are long."""
    frames = [Picture.new("RGB", (500, 100), "white") for _ in range(3)]
    for red, frame in enumerate(frames, 1):
        ImageDraw.Draw(frame).rectangle((10, 10, 59, 29), fill=(red, 0, 0))
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    ways = [await read(BarReader(), data, whole=whole) for whole in (True, False)]
    assert [len(way.frames) for way in ways] == [3, 3]
    assert ways[0].text == ways[1].text
    assert [(way.width, way.height) for way in ways] == [(500, 100), (None, None)]
    alone = await read(BarReader(), data, frames=None)
    assert (alone.frames, alone.text) == ((), "1:50")


class Turned(tuple[Recognized, ...]):
    """What an engine finds that knows turns."""

    __slots__ = ()

    turn = 90


async def test_the_turn_of_an_engine_is_that_of_the_picture() -> None:
    """The text runs upwards; its lines are those of the upright picture."""
    page = [Recognized(word, 40.0 * at, 40.0 * row, 35, 20, 0.9)
            for row, line in enumerate(("one two", "three four"))
            for at, word in enumerate(line.split())]  # fmt: skip

    class Sideways:
        def recognize(self, picture: Picture.Image) -> Turned:
            height = picture.height
            given = (turned(word, 270) for word in page)
            return Turned(Recognized(w.text, w.x, w.y + height, w.w, w.h, 0.9) for w in given)

    for size in ((400, 300), (200, 900)):
        found = await read(Sideways, encoded(Picture.new("RGB", size, "white")))
        assert found.turn == 90
        assert found.text == "one two three four"
        lines = lines_of(found, found.frames, turn=found.turn, size=size)
        assert [line.text for line in lines] == ["one two", "three four"]


async def test_only_an_emulator_of_whole_pictures_says_size_and_turn() -> None:
    """The service says neither; it reads strips, of which a cut goes through a line."""
    data, _ = picture_of((900, 40), [(5, 10, 880)])
    told = []
    async with Album() as album:
        image = Image(album.post(data), interval=1, max_frames=100)
        for whole in (False, True):
            async with (
                Emulator(BarReader(), whole_pictures=whole) as emulator,
                Session(credentials=emulator.credentials, endpoint=emulator.url) as ocr,
            ):
                scan = await ocr.scan(image)
                told.append((scan.width, scan.height, len(scan.frames), len(scan.regions)))
    assert told[1] == (900, 40, 23, 1)
    assert told[0][:3] == (None, None, 23)


@pytest.mark.parametrize("size", [(1703, 67), (67, 1703), (2000, 70)])
def test_a_line_that_an_engine_sees_in_its_full_size_is_not_cut(size: tuple[int, int]) -> None:
    """Each cut through letters is a risk, and what it touches is read twice."""
    assert not cuts(Picture.new("RGB", size))


def test_strips_of_a_known_picture_are_one_page() -> None:
    """A row that runs through three strips is one line."""
    pieces = [Region(text, 10 + 200 * at, 10, 80, 20) for at, text in enumerate(("a", "b", "c"))]
    frames = tuple(Frame(piece.text, (piece,)) for piece in pieces)
    content = Content("a b c", tuple(pieces), frames)
    assert [str(line) for line in lines_of(content, content.frames, size=(600, 40))] == ["a b c"]
    apart = lines_of(content, content.frames)
    assert [str(line) for line in apart] == ["a", "b", "c"]
    assert all(before != after for before, after in pairwise(apart))


CROPS = Path(__file__).parent / "crops"
CASES = {
    "wide_date.png": ["Invoice 968418 of 14.6.2026"],
    "wide_iban.png": ["IBAN DE83 1588 2493 3044 9297"],
    "wide_invoice_no.png": ["Invoice 780499 of 2.3.2020"],
    "wide_total_64.50.png": ["Invoice 4711", "Total 64.50 EUR"],
    "rgba_white.png": ["Invoice 4711", "Total 64.50 EUR"],  # white letters on nothing
    "no_eoi.jpg": ["Invoice 4711", "Total 64.50 EUR"],  # a JPEG without its end mark
    "wide_words.png": ["Meeting moved to Thursday afternoon"],
    "wide_zh.png": ["订单编号：202677269764合计¥691.63"],
    "hyphen.png": [
        "co-operative hyphen-",
        "ation breaks the line so that sea-",
        "rch fails on words",
    ],
}
"""Pictures in `crops` that were read wrong, and their lines."""


@pytest.mark.engine
async def test_crops_of_a_line_are_read_as_they_are() -> None:
    """By the real engine: no digit is lost or doubled."""
    pytest.importorskip("rapidocr")
    pytest.importorskip("onnxruntime")
    from aliocr.emulator.engine import RapidOCREngine

    assert {path.name for path in CROPS.iterdir()} == set(CASES)
    reader = PictureReader(RapidOCREngine, workers=1, whole_pictures=True)
    told = {}
    for name in CASES:
        found = await reader.read((CROPS / name).read_bytes(), interval=1, max_frames=100)
        size = (found.width, found.height)
        told[name] = [str(line) for line in lines_of(found, found.frames, size=size)]
    await reader.aclose()
    assert told == CASES
