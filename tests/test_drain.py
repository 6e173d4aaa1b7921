"""Opening, closing and draining a session where `async with` has no place."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

import pytest

import aliocr
from aliocr import OCRError, Session
from aliocr.emulator import Emulator

pytestmark = pytest.mark.usefixtures("virtual_clock")

Sessions = Callable[..., Session]


def _urls(count: int) -> list[str]:
    return [f"https://example.com/{number}.png" for number in range(count)]


def _kinds(outcomes: Sequence[object]) -> Counter[str]:
    return Counter(type(outcome).__name__ for outcome in outcomes)


async def _sent(ocr: Session, images: int) -> None:
    """Wait until so many images were sent."""
    async with asyncio.timeout(10):
        while ocr.stats.images_sent < images:  # noqa: ASYNC110 - a session has no such event
            await asyncio.sleep(0.01)


async def test_a_session_is_opened_and_closed_without_a_block(session: Sessions) -> None:
    """As a framework does at its start and end; a second close does nothing."""
    ocr = session()
    await ocr.close()  # nothing was opened
    await ocr.open()
    assert (await ocr.scan(_urls(1)[0])).ok
    with pytest.raises(RuntimeError, match="opened once"):
        await ocr.open()
    await ocr.close()
    await ocr.close()
    with pytest.raises(RuntimeError, match="the session is closed"):
        await ocr.scan(_urls(1)[0])
    with pytest.raises(RuntimeError, match="opened once"):
        await ocr.open()


async def test_300_scans_under_way_are_read_and_nothing_more_is_sent(
    session: Sessions, emulator: Emulator
) -> None:
    """Each was paid for, so each comes home; then the session is closed."""
    emulator.delay(3)
    async with session() as ocr:
        scans = [asyncio.create_task(ocr.scan(url)) for url in _urls(300)]
        await _sent(ocr, 300)
        calls = len(emulator.calls)
        await ocr.drain(10)
        assert len(emulator.calls) == calls
        assert all(scan.ok for scan in await asyncio.gather(*scans))
        with pytest.raises(RuntimeError, match="the session is closed"):
            await ocr.scan(_urls(1)[0])
    assert emulator.charged == 300


async def test_what_was_not_sent_fails_at_once_and_uncharged(
    session: Sessions, emulator: Emulator
) -> None:
    """Of 1,500 scans, those in requests are read; the others are not sent any more."""
    emulator.delay(3)
    async with session() as ocr:
        scans = [asyncio.create_task(ocr.scan(url)) for url in _urls(1500)]
        await _sent(ocr, 300)
        sent = ocr.stats.images_sent
        drained = asyncio.create_task(ocr.drain(10))
        await asyncio.sleep(0.1)
        assert sum(scan.done() for scan in scans) == 1500 - sent
        await drained
        outcomes = await asyncio.gather(*scans, return_exceptions=True)
    assert _kinds(outcomes) == {"Scan": sent, "OCRError": 1500 - sent}
    failed = [each for each in outcomes if isinstance(each, OCRError)]
    assert not any(error.maybe_charged for error in failed)
    assert {str(error) for error in failed} == {
        "the session was drained before this image was sent"
    }
    assert emulator.charged == ocr.stats.images_sent == sent


@pytest.mark.parametrize("kind", ["throttle", "503", "drop", "592", "588", "token"])
async def test_nothing_is_tried_again_while_a_session_drains(
    session: Sessions, emulator: Emulator, kind: str
) -> None:
    """An image whose request fails meanwhile has this failure as its outcome."""
    emulator.delay(2)
    breakdowns: dict[str, Callable[[], object]] = {
        "throttle": emulator.throttle,
        "503": lambda: emulator.refuse(503),
        "drop": emulator.drop_connection,
        "592": lambda: emulator.fail("*", 592),
        "588": lambda: emulator.fail("*", 588),
        "token": lambda: emulator.refuse("InvalidSecurityToken.Expired"),
    }
    breakdowns[kind]()
    async with session() as ocr:
        scans = [asyncio.create_task(ocr.scan(url)) for url in _urls(100)]
        await _sent(ocr, 100)
        await ocr.drain(10)
        outcomes = await asyncio.gather(*scans, return_exceptions=True)
    assert len(emulator.calls) == ocr.stats.requests == 1
    assert all(isinstance(each, OCRError | aliocr.Scan) for each in outcomes)
    assert len(outcomes) == 100


async def test_images_that_rest_before_a_next_try_fail_with_their_last_failure(
    session: Sessions, emulator: Emulator
) -> None:
    """They are not sent any more, and say what was wrong with them."""
    emulator.fail("*", 592)
    async with session() as ocr:
        scans = [asyncio.create_task(ocr.scan(url)) for url in _urls(5)]
        await asyncio.sleep(0.1)
        await ocr.drain(10)
        outcomes = await asyncio.gather(*scans, return_exceptions=True)
    assert _kinds(outcomes) == {"DownloadError": 5}


async def test_a_drain_ends_after_its_time(session: Sessions, emulator: Emulator) -> None:
    """What is not answered by then fails, and may have been charged."""
    emulator.delay(6)
    async with session() as ocr:
        scans = [asyncio.create_task(ocr.scan(url)) for url in _urls(300)]
        await _sent(ocr, 300)
        before = asyncio.get_running_loop().time()
        await ocr.drain(1)
        assert asyncio.get_running_loop().time() - before == pytest.approx(1, abs=0.1)
        outcomes = await asyncio.gather(*scans, return_exceptions=True)
    assert _kinds(outcomes) == {"OCRError": 300}
    assert all(isinstance(each, OCRError) and each.maybe_charged for each in outcomes)


async def test_a_cancelled_drain_closes(session: Sessions, emulator: Emulator) -> None:
    """Every scan has its one outcome, and no task is left."""
    emulator.delay(6)
    ocr = session()
    await ocr.open()
    scans = [asyncio.create_task(ocr.scan(url)) for url in _urls(300)]
    await _sent(ocr, 200)
    drained = asyncio.create_task(ocr.drain())
    await asyncio.sleep(0.5)
    drained.cancel()
    with pytest.raises(asyncio.CancelledError):
        await drained
    outcomes = await asyncio.gather(*scans, return_exceptions=True)
    assert _kinds(outcomes) == {"OCRError": 300}


async def test_a_cancelled_scan_does_not_hold_up_a_drain(
    session: Sessions, emulator: Emulator
) -> None:
    """Nobody waits for its answer any more."""
    emulator.delay(6)
    async with session() as ocr:
        scan = asyncio.create_task(ocr.scan(_urls(1)[0]))
        await _sent(ocr, 1)
        drained = asyncio.create_task(ocr.drain())
        await asyncio.sleep(0.5)
        scan.cancel()
        async with asyncio.timeout(0.5):
            await drained


@pytest.mark.parametrize("way", ["drain", "close"])
async def test_a_list_has_an_outcome_for_each_image(
    session: Sessions, emulator: Emulator, way: str
) -> None:
    """`scan_many` returns what was read, and a failure for each image that was not."""
    emulator.delay(1)
    async with session() as ocr:
        job = asyncio.create_task(ocr.scan_many(_urls(5000)))
        await asyncio.sleep(2.5)
        await getattr(ocr, way)()
        outcomes = await job
    assert [outcome.image.url for outcome in outcomes] == _urls(5000)
    read = sum(outcome.ok for outcome in outcomes)
    assert read >= 1000
    if way == "drain":
        assert read == ocr.stats.images_sent == emulator.charged


async def test_a_stream_gives_out_all_that_was_sent_and_does_not_end_as_if_complete(
    session: Sessions, emulator: Emulator
) -> None:
    """The reader gets each outcome once, then an error, because the source was not read."""
    emulator.delay(1)
    read = []
    async with session() as ocr:

        async def consume() -> None:
            async for outcome in ocr.stream(_urls(5000)):
                read.append(outcome)  # noqa: PERF401 - kept if an error follows

        reader = asyncio.create_task(consume())
        await asyncio.sleep(2.5)
        await ocr.drain(10)
        with pytest.raises(OCRError, match="before the source was read to its end"):
            await reader
    urls = [outcome.image.url for outcome in read]
    assert len(set(urls)) == len(urls)
    assert sum(outcome.ok for outcome in read) == ocr.stats.images_sent == emulator.charged


@pytest.mark.parametrize("bad", [0, -1, "10", float("nan"), True])
async def test_a_time_that_is_none_is_refused(session: Sessions, bad: float) -> None:
    """Before anything is stopped."""
    async with session() as ocr:
        with pytest.raises(ValueError, match="timeout"):
            await ocr.drain(bad)
        assert (await ocr.scan(_urls(1)[0])).ok


async def test_a_session_that_was_not_opened_cannot_be_drained(session: Sessions) -> None:
    """As with all other methods."""
    with pytest.raises(RuntimeError, match="open the session first"):
        await session().drain()
