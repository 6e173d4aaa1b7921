"""The temporary addresses of frames, over real sockets."""

from __future__ import annotations

import io
import itertools
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.support.asking import body_of, send, sign

pytest.importorskip("PIL")
from PIL import Image as Picture

from aliocr.emulator import Emulator
from aliocr.emulator.content import FRAME_FIELDS
from aliocr.emulator.engine import Recognized
from aliocr.emulator.reading import frame_files
from tests.support.album import Album
from tests.support.drawing import BLACK, GREEN, RED, WHITE, animated, encoded


class ColourReader:
    """An engine whose text is the colour of the pixel in the middle."""

    def recognize(self, picture: Picture.Image) -> tuple[Recognized, ...]:
        """One line over the whole picture."""
        x, y = picture.width // 2, picture.height // 2
        text = "{} {} {}".format(*picture.getpixel((x, y)))  # type: ignore[misc]
        return (Recognized(text, 0, 0, picture.width, picture.height, 1.0),)


@pytest.fixture
async def album() -> AsyncIterator[Album]:
    """A running host of pictures."""
    async with Album() as found:
        yield found


def reading(**options: Any) -> Emulator:
    """An emulator that really downloads."""
    return Emulator(ColourReader, requests_per_second=None, deadline=None, **options)


async def result_of(emulator: Emulator, url: str) -> dict[str, Any]:
    """The result of a request for all frames of an image."""
    body = body_of(url, interval=1, maxFrames=100)
    result: dict[str, Any] = (await send(emulator, body, sign(emulator, body))).data[0]["results"][
        0
    ]
    return result


async def get(url: str) -> tuple[int, bytes]:
    """Status and body."""
    async with aiohttp.ClientSession() as http, http.get(url) as response:
        return response.status, await response.read()


def striped() -> Picture.Image:
    """A long image of three colours, one for each of its frames."""
    page = Picture.new("RGB", (200, 600), WHITE)
    for strip, colour in enumerate((BLACK, RED, GREEN)):
        page.paste(colour, (0, 200 * strip, 200, 200 * strip + 200))
    return page


PICTURES = {"GIF": animated("GIF", BLACK, RED, GREEN), "long": encoded(striped(), "PNG")}


@pytest.mark.parametrize("kind", PICTURES)
async def test_the_frame_is_at_its_address(album: Album, kind: str) -> None:
    """Each address has the pixels that were read, for GIFs and for long images."""
    async with reading() as emulator:
        frames = (await result_of(emulator, album.post(PICTURES[kind])))["frames"]
        assert [list(frame) for frame in frames] == [["rate", "ocrData", "ocrLocations", "url"]] * 3
        for frame in frames:
            assert frame["url"].startswith(f"{emulator.url}/_emulator/frames/")
            status, png = await get(frame["url"])
            with Picture.open(io.BytesIO(png)) as picture:
                (line,) = ColourReader().recognize(picture.convert("RGB"))
            assert (status, [line.text]) == (200, frame["ocrData"])
        assert len(emulator.calls) == 1, "a picture of the emulator is no call of the service"


CHOICES = [fields for many in range(1, 5) for fields in itertools.combinations(FRAME_FIELDS, many)]


@pytest.mark.parametrize("fields", CHOICES, ids=",".join)
async def test_a_frame_has_the_chosen_fields_and_no_other(
    album: Album, fields: tuple[str, ...]
) -> None:
    """`rate` and `url` as in other scenes, for example; the image has the text of all frames."""
    async with reading(frame_fields=fields) as emulator:
        result = await result_of(emulator, album.post(PICTURES["GIF"]))
        assert [set(frame) for frame in result["frames"]] == [set(fields)] * 3
        assert len(result["ocrLocations"]) == 3
        if "url" in fields:
            assert (await get(result["frames"][2]["url"]))[0] == 200


@pytest.mark.parametrize("fields", [(), "rate", ("rate", "text"), [""]])
def test_other_fields_are_refused(fields: Any) -> None:
    """With the fields that there are."""
    with pytest.raises(ValueError, match="one or more of rate, url, ocrData, ocrLocations, not "):
        Emulator(frame_fields=fields)


async def test_two_replies_have_two_addresses(album: Album) -> None:
    """Equal pictures are read once, but an address is of one reply and cannot be guessed."""
    async with reading() as emulator:
        url = album.post(PICTURES["GIF"])
        replies = [(await result_of(emulator, url))["frames"] for _ in range(2)]
        first, second = ({frame["url"] for frame in frames} for frames in replies)
        assert first.isdisjoint(second)


async def test_an_address_ends(album: Album, monkeypatch: pytest.MonkeyPatch) -> None:
    """When its time is over; and when there are too many pictures, the oldest first."""
    async with reading() as emulator:
        url = album.post(PICTURES["GIF"])
        monkeypatch.setattr(frame_files, "VALID", 0.0)
        (over, *_) = (await result_of(emulator, url))["frames"]
        assert (await get(over["url"]))[0] == 404
        monkeypatch.undo()
        monkeypatch.setattr(frame_files, "MAX_KEPT_BYTES", 2 * len(PICTURES["GIF"]))
        kept = [(await result_of(emulator, url))["frames"][0]["url"] for _ in range(3)]
        assert [(await get(url))[0] for url in kept] == [404, 200, 200]
        wrong = (kept[2].replace("/0.png", "/3.png"), kept[2].replace("/0.png", "/x.png"))
        assert [(await get(url))[0] for url in wrong] == [404, 404]


async def test_without_an_engine_there_are_no_frames() -> None:
    """An address of another run says so."""
    async with Emulator() as emulator:
        status, body = await get(f"{emulator.url}/_emulator/frames/of-another/0.png")
        assert (status, b"no longer valid" in body) == (404, True)
