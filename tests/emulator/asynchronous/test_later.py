"""Submitted images are read in the background."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.support.asking import ask, gone, until
from tests.support.later import finished, results, submitted
from tests.support.uploading import BUCKET, desk_of, put

pytest.importorskip("PIL")
from aliocr.emulator import Emulator
from tests.support.album import Album


@pytest.fixture
async def album() -> AsyncIterator[Album]:
    """A running host of pictures."""
    async with Album() as found:
        yield found


async def test_no_deadline_ends_the_reading(album: Album) -> None:
    """A picture for which a request to scan has no time is read later."""
    page, quick = album.url("/width/5"), album.url("/none")
    async with album.emulator(deadline=0.24) as emulator:
        album.gate.clear()
        ids = await submitted(emulator, page, quick)
        assert (await ask(emulator, page)).codes == [581]
        await until(lambda: len(emulator.calls[0].answers) == 1)
        assert (await results(emulator, ids)).codes == [280, 404]
        album.gate.set()
        read, gone_picture = await finished(emulator, ids)
        assert read["results"][0]["ocrData"] == ["5 wide"]
        assert gone_picture["code"] == 404
        assert emulator.calls[0].charged == 1


async def test_nothing_runs_on_after_the_stop(album: Album) -> None:
    """Pictures that were not read by then fail."""
    before = asyncio.all_tasks()
    async with album.emulator() as emulator:
        album.gate.clear()
        await submitted(emulator, *(album.url(f"/width/{width}") for width in range(2, 12)))
        await until(lambda: album.begun)
        album.gate.set()
    await gone(before)


async def test_an_upload_is_scanned_later() -> None:
    """As it is scanned at once; one that is not there has its code."""
    async with Emulator() as emulator:
        desk = await desk_of(emulator)
        await put(emulator, desk, b"bytes")
        url = f"oss://{BUCKET}/{desk.name()}"
        data = await finished(emulator, await submitted(emulator, url, f"{url}-none"))
    assert [item["code"] for item in data] == [200, 404]
    assert data[0]["results"][0]["ocrData"] == [f"text of {url}"]
