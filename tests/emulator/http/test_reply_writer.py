"""Long replies are written and sent in pieces, and other requests run in between."""

from __future__ import annotations

import asyncio
import xml.etree.ElementTree as ET
from collections.abc import Sequence

import aiohttp
import msgspec
import pytest

from aliocr.emulator import Emulator
from aliocr.emulator.fairness import LoopSlices
from aliocr.emulator.http.reply_writer import PIECE, write_reply
from aliocr.emulator.instructions import HttpReply, ImageAnswer
from aliocr.errors import api_error
from aliocr.models import Frame, Image, Region, Scan
from aliocr.protocol import wire
from aliocr.protocol.wire import Task
from tests.support.asking import IMAGE, ask

LINES = tuple(Region(f"line {number} & more", 5, 10.5 * number, 100, 8) for number in range(60))
FRAMES = tuple(Frame("text", LINES, rate=99.5) for _ in range(30))


def answered(images: int, frames: tuple[Frame, ...] = ()) -> list[ImageAnswer]:
    """Return the answers of this many images, and of one that failed."""
    scan = Scan(Image(IMAGE), "text", LINES, frames=frames)
    read: list[ImageAnswer] = [
        (Task(url=f"{IMAGE}?{number}", data_id=f"d{number}"), scan) for number in range(images)
    ]
    return [*read, (Task(url=IMAGE), api_error(592, "DOWNLOAD_TIMEOUT"))]


async def written(answers: Sequence[ImageAnswer], *, xml: bool = False) -> tuple[bytes, ...]:
    """Return a reply's pieces, and check that the loop ran between them and none is too long."""
    writing = asyncio.create_task(
        write_reply(
            (wire.encode_answer(*each) for each in answers),
            LoopSlices(),
            request_id="R",
            action="ImageSyncScan",
            xml=xml,
        )
    )
    turns = 0
    while not writing.done():
        await asyncio.sleep(0)
        turns += 1
    pieces = writing.result()
    assert turns >= len(pieces)
    longest = 0 if xml else max((len(wire.encode_answer(*each)) for each in answers), default=0)
    assert max(map(len, pieces)) <= PIECE + max(longest, PIECE)
    return pieces


async def test_a_reply_is_written_piece_by_piece() -> None:
    """The pieces joined are the reply written at once."""
    answers = answered(100)
    pieces = await written(answers)
    assert len(pieces) > 5
    assert b"".join(pieces) == wire.encode_reply(answers, request_id="R")
    assert len(msgspec.json.decode(b"".join(pieces))["data"]) == 101


async def test_a_short_reply_is_one_piece() -> None:
    """It needs no more slices than necessary."""
    assert len(await written(answered(1))) == 1
    assert len(await written([])) == 1
    assert len(await written(answered(1), xml=True)) == 1


async def test_in_xml_not_even_an_image_is_written_in_one_go() -> None:
    """An image's frames are written some at a time."""
    answers = answered(3, FRAMES)
    pieces = await written(answers, xml=True)
    assert len(pieces) > 5
    root = ET.fromstring(b"".join(pieces))  # noqa: S314 (our own)
    assert [data.findtext("code") for data in root.iter("data")] == ["200"] * 3 + ["592"]
    texts = [region.findtext("text") for region in root.iter("ocrLocations")]
    assert texts == [line.text for line in LINES] * (3 + 3 * len(FRAMES))


@pytest.mark.parametrize("length", [0, 1, 10, 11, 25])
def test_half_of_a_reply_is_half_of_its_bytes(length: int) -> None:
    """Wherever the pieces end."""
    whole = bytes(range(length))
    parts = tuple(whole[start : start + 7] for start in range(0, length, 7))
    reply = HttpReply(200, parts, "text/plain")
    assert reply.length == length
    assert b"".join(reply.half) == whole[: length // 2]


async def test_a_long_reply_arrives_whole() -> None:
    """With its length announced."""
    urls = [f"{IMAGE}?{number}" for number in range(100)]
    async with Emulator() as emulator:
        emulator.text("*", "", LINES)
        heard = await ask(emulator, *urls)
        assert heard.headers["Content-Length"] == str(len(heard.body))
        assert len(heard.body) > 5 * PIECE
        assert [len(one["results"][0]["ocrLocations"]) for one in heard.data] == [60] * 100
        emulator.truncate_body()
        with pytest.raises(aiohttp.ClientPayloadError):
            await ask(emulator, *urls)
        emulator.respond(500, b"x" * 10 * PIECE, "text/plain")
        heard = await ask(emulator, *urls)
        assert (heard.status, heard.body) == (500, b"x" * 10 * PIECE)
