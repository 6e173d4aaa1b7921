"""Reading pictures on threads: sharing, cancelling, closing."""

from __future__ import annotations

import asyncio
import io
import random
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

pytest.importorskip("PIL")

from PIL import Image

from aliocr.emulator.content import CERTAIN, Content
from aliocr.emulator.engine import Engine, Recognized
from aliocr.emulator.reading import whole as whole_module
from aliocr.emulator.reading.reader import HASHED_AT_ONCE, KEPT_CONTENTS, PictureReader
from aliocr.models import Region
from aliocr.pictures.picture import PictureFrame, decode
from aliocr.pictures.size_limits import PictureError

PATIENCE = 10.0
"""Seconds after which a test is taken to hang."""


class Engines:
    """Engines that "read" the red of a picture's first pixel, and stop at a gate when told to.

    Args:
        open_gate: False keeps every engine waiting at its picture until `gate` is set.
    """

    def __init__(self, *, open_gate: bool = True) -> None:
        self.gate = threading.Event()
        if open_gate:
            self.gate.set()
        self.made: list[str] = []
        self.begun: list[int] = []

    def __call__(self) -> Engine:
        """Make an engine: this one, noting in which thread."""
        self.made.append(threading.current_thread().name)
        return self

    def recognize(self, picture: Image.Image) -> tuple[Recognized, ...]:
        """A line that names the red; none for black."""
        red = red_of(picture)
        self.begun.append(red)
        assert self.gate.wait(PATIENCE)
        return (Recognized(f"red {red}", 1, 2, 30, 10, 0.9),) if red else ()


class Failing:
    """An engine that fails at its first picture, and then works."""

    def __init__(self, error: BaseException) -> None:
        self.errors = [error]

    def __call__(self) -> Engine:
        """Make an engine: this one."""
        return self

    def recognize(self, picture: Image.Image) -> tuple[Recognized, ...]:  # noqa: ARG002
        """Nothing, after the error."""
        if self.errors:
            raise self.errors.pop()
        return ()


def red_of(picture: Image.Image) -> int:
    """The red of the first pixel, 0 to 255."""
    return picture.tobytes()[0]


def plain(red: int, size: tuple[int, int] = (20, 20)) -> bytes:
    """A PNG of one colour."""
    return saved([Image.new("RGB", size, (red, 0, 0))], "PNG")


def gif(*reds: int) -> bytes:
    """An animation, one frame per colour."""
    return saved([Image.new("RGB", (20, 20), (red, 0, 0)) for red in reds], "GIF")


def long_image(*reds: int) -> bytes:
    """A long image of plain squares, the first one uppermost."""
    picture = Image.new("RGB", (200, 200 * len(reds)))
    for index, red in enumerate(reds):
        picture.paste((red, 0, 0), (0, 200 * index, 200, 200 * (index + 1)))
    return saved([picture], "PNG")


def saved(frames: list[Image.Image], form: str) -> bytes:
    """The bytes of a file of these frames."""
    file = io.BytesIO()
    options: dict[str, Any] = {"save_all": True, "append_images": frames[1:]} if frames[1:] else {}
    frames[0].save(file, form, **options)
    return file.getvalue()


async def read(reader: PictureReader, data: bytes, frames: int | None = None) -> Content:
    """Read the first frame, or as many as given."""
    return await reader.read(data, interval=frames and 1, max_frames=frames)


def reading(reader: PictureReader, data: bytes, frames: int | None = None) -> asyncio.Task[Content]:
    """The same in a task of its own."""
    return asyncio.create_task(read(reader, data, frames))


async def until(claim: Callable[[], object]) -> None:
    """Wait, with the event loop running, until a claim holds."""
    async with asyncio.timeout(PATIENCE):
        while not claim():  # noqa: ASYNC110 - what is claimed happens in threads
            await asyncio.sleep(0.001)


async def some_turns() -> None:
    """Let the event loop do all that it can do at once."""
    for _ in range(20):
        await asyncio.sleep(0)


async def cancel(task: asyncio.Task[Content]) -> None:
    """Cancel a call and see that it takes the cancellation."""
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def threads() -> list[threading.Thread]:
    """The reader's threads that live."""
    return [each for each in threading.enumerate() if each.name.startswith("aliocr-reader")]


@pytest.fixture
async def engines() -> Engines:
    """Engines that do not wait."""
    return Engines()


@pytest.fixture
async def gated() -> AsyncIterator[Engines]:
    """Engines that wait until their gate is opened."""
    made = Engines(open_gate=False)
    yield made
    made.gate.set()


@pytest.fixture
async def reader(engines: Engines) -> AsyncIterator[PictureReader]:
    """A reader with two workers that never wait."""
    made = PictureReader(engines, workers=2)
    yield made
    await made.aclose()


@pytest.fixture
async def lone(gated: Engines) -> AsyncIterator[PictureReader]:
    """A reader with a single worker, stopped at the gate."""
    made = PictureReader(gated, workers=1)
    yield made
    gated.gate.set()
    await made.aclose()
    assert not threads()


async def test_a_picture_is_read(reader: PictureReader) -> None:
    """Text, place and rate of one picture come back as values."""
    result = await read(reader, plain(7))
    assert result.text == "red 7"
    assert result.regions == (Region("red 7", 1, 2, 30, 10),)
    assert result.rate == 90.0
    assert result.frames == ()


async def test_a_picture_without_text_is_no_failure(reader: PictureReader) -> None:
    """A blank page has empty text."""
    result = await read(reader, plain(0))
    assert result == Content("", rate=CERTAIN)


async def test_frames_of_a_gif_come_in_order(reader: PictureReader) -> None:
    """The first frame's text is first, even if its worker is slower."""
    reds = [9, 200, 40, 120, 0, 80]
    result = await read(reader, gif(*reds), frames=100)
    texts = [f"red {red}" if red else "" for red in reds]
    assert [frame.text for frame in result.frames] == texts
    assert result.text == " ".join(text for text in texts if text)
    assert result.rate == 90.0


async def test_regions_of_a_long_image_stand_in_the_whole_picture(reader: PictureReader) -> None:
    """Positions count from the whole picture, not from its strips."""
    result = await read(reader, long_image(10, 20, 30), frames=100)
    assert [region.text for region in result.regions] == ["red 10", "red 20", "red 30"]
    assert [region.y for region in result.regions] == pytest.approx([2, 202, 402], abs=16)
    assert result.regions == tuple(r for frame in result.frames for r in frame.regions)


@pytest.mark.parametrize("data", [b"", b"no picture", plain(1)[:40]])
async def test_what_is_no_picture_is_refused(reader: PictureReader, data: bytes) -> None:
    """Bad bytes come back as the service's code."""
    with pytest.raises(PictureError) as refusal:
        await read(reader, data)
    assert refusal.value.code == 590


async def test_frames_of_one_picture_are_read_side_by_side() -> None:
    """Two workers halve the time of a long image; neither waits for the other to finish."""
    together = threading.Barrier(2, timeout=PATIENCE)

    class Meeting(Engines):
        def recognize(self, picture: Image.Image) -> tuple[Recognized, ...]:
            together.wait()
            return super().recognize(picture)

    reader = PictureReader(Meeting(), workers=2)
    result = await read(reader, gif(1, 2, 3, 4), frames=4)
    assert len(result.frames) == 4
    await reader.aclose()


async def test_of_an_animation_few_frames_are_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame is decoded only when the frame before it is at a worker."""
    alive: list[weakref.ref[Image.Image]] = []
    most = 0

    def watched(*args: Any, **choice: Any) -> Iterator[PictureFrame]:
        nonlocal most
        for frame in decode(*args, **choice):
            alive.append(weakref.ref(frame.picture))
            most = max(most, sum(picture() is not None for picture in alive))
            yield frame

    monkeypatch.setattr(whole_module, "decode", watched)
    reader = PictureReader(Engines(), workers=2)
    result = await read(reader, gif(*range(1, 61)), frames=100)
    await reader.aclose()
    assert len(result.frames) == len(alive) == 60
    assert most <= 6


async def test_each_worker_has_an_engine_of_its_own(engines: Engines) -> None:
    """Engines are made in the thread that uses them, one each, and only when needed."""
    reader = PictureReader(engines, workers=3)
    assert engines.made == []
    await asyncio.gather(*(read(reader, plain(red)) for red in range(30)))
    assert 1 <= len(engines.made) <= 3
    assert len(set(engines.made)) == len(engines.made)
    assert threading.current_thread().name not in engines.made
    await reader.aclose()


async def test_the_event_loop_goes_on_while_an_engine_works(
    lone: PictureReader, gated: Engines
) -> None:
    """A slow picture delays only its own callers."""
    call = reading(lone, plain(1))
    await until(lambda: gated.begun)
    for _ in range(100):
        await asyncio.sleep(0)
    assert not call.done()
    gated.gate.set()
    assert (await call).text == "red 1"


async def test_equal_pictures_in_flight_are_read_once(lone: PictureReader, gated: Engines) -> None:
    """A hundred calls for one picture are one run of the engine."""
    calls = [reading(lone, plain(1)) for _ in range(100)]
    await until(lambda: gated.begun)
    gated.gate.set()
    assert {result.text for result in await asyncio.gather(*calls)} == {"red 1"}
    assert gated.begun == [1]


async def test_a_picture_seen_before_is_not_read_again(
    reader: PictureReader, engines: Engines
) -> None:
    """The second time is free; another choice of frames is another picture."""
    for _ in range(3):
        await read(reader, gif(1, 2))
    assert engines.begun == [1]
    await read(reader, gif(1, 2), frames=2)
    assert sorted(engines.begun) == [1, 1, 2]


async def test_only_so_many_readings_are_kept(reader: PictureReader, engines: Engines) -> None:
    """Memory is bounded: the least recently used content is dropped first."""
    first, second = plain(1, (1, 1)), plain(1, (1, 2))
    await read(reader, first)
    await read(reader, second)
    for width in range(2, KEPT_CONTENTS + 1):
        await read(reader, first)
        await read(reader, plain(2, (width, 1)))
    engines.begun.clear()
    await read(reader, first)
    assert engines.begun == []
    await read(reader, second)
    assert engines.begun == [1]


async def test_cancelling_one_call_does_not_hurt_another(
    lone: PictureReader, gated: Engines
) -> None:
    """One caller's deadline does not end the other's call for the same picture."""
    first, second = reading(lone, plain(1)), reading(lone, plain(1))
    await until(lambda: gated.begun)
    await cancel(first)
    gated.gate.set()
    assert (await second).text == "red 1"


async def test_cancelling_a_queued_call_does_not_hurt_another(
    lone: PictureReader, gated: Engines
) -> None:
    """The same holds while the picture waits for a slot."""
    blocker = reading(lone, plain(9))
    await until(lambda: gated.begun)
    first, second = reading(lone, plain(1)), reading(lone, plain(1))
    await some_turns()
    await cancel(first)
    gated.gate.set()
    assert (await second).text == "red 1"
    await blocker


async def test_a_picture_in_work_is_finished_and_kept_though_nobody_waits(
    lone: PictureReader, gated: Engines
) -> None:
    """After a deadline the next call for the same picture returns at once."""
    call = reading(lone, plain(1))
    await until(lambda: gated.begun)
    await cancel(call)
    gated.gate.set()
    assert (await read(lone, plain(1))).text == "red 1"
    assert gated.begun == [1]


async def test_a_queued_picture_nobody_waits_for_is_never_read(
    lone: PictureReader, gated: Engines
) -> None:
    """Abandoned requests do not occupy the engine."""
    blocker = reading(lone, plain(9))
    await until(lambda: gated.begun)
    queued = [reading(lone, plain(red)) for red in (1, 2, 3)]
    await some_turns()
    await cancel(queued[0])
    await cancel(queued[2])
    gated.gate.set()
    await asyncio.gather(blocker, queued[1])
    await some_turns()
    assert gated.begun == [9, 2]


async def test_frames_nobody_waits_for_are_not_read(lone: PictureReader, gated: Engines) -> None:
    """Of an abandoned animation only the frame at a worker is finished."""
    call = reading(lone, gif(1, 2, 3, 4), frames=4)
    await until(lambda: gated.begun)
    await cancel(call)
    gated.gate.set()
    assert (await read(lone, plain(9))).text == "red 9"
    assert gated.begun == [1, 9]


async def test_a_dropped_picture_can_be_asked_for_again(
    lone: PictureReader, gated: Engines
) -> None:
    """A cancelled read does not affect the next one."""
    blocker = reading(lone, plain(9))
    await until(lambda: gated.begun)
    dropped = reading(lone, plain(1))
    await some_turns()
    dropped.cancel()
    again = reading(lone, plain(1))
    gated.gate.set()
    assert (await again).text == "red 1"
    await blocker


async def test_a_long_animation_does_not_keep_a_small_picture_waiting(gated: Engines) -> None:
    """A hundred frames and one picture take turns."""
    reader = PictureReader(gated, workers=2)
    animation = reading(reader, gif(*range(100, 200)), frames=100)
    await until(lambda: len(gated.begun) == 2)
    small = reading(reader, plain(7))
    await some_turns()
    gated.gate.set()
    await small
    assert not animation.done()
    assert gated.begun.index(7) < 10
    await animation
    await reader.aclose()


async def test_many_long_animations_do_not_keep_a_small_picture_waiting(gated: Engines) -> None:
    """The same holds for more animations than workers."""
    reader = PictureReader(gated, workers=2)
    animations = [reading(reader, gif(*range(start, start + 30)), 30) for start in (20, 60, 100)]
    await until(lambda: len(gated.begun) == 2)
    small = reading(reader, plain(7))
    await some_turns()
    gated.gate.set()
    await small
    assert gated.begun.index(7) < 10
    await asyncio.gather(*animations)
    await reader.aclose()


async def test_hashing_many_large_files_lets_the_loop_turn(
    lone: PictureReader, gated: Engines
) -> None:
    """One slice of one file is hashed at a time."""
    calls = [reading(lone, plain(red).ljust(4_000_000, b"\0")) for red in range(1, 9)]
    turns = 0
    while len(lone._reads) < len(calls):
        await asyncio.sleep(0)
        turns += 1
    assert turns > 8 * 4_000_000 // HASHED_AT_ONCE
    gated.gate.set()
    await asyncio.gather(*calls)


async def test_a_failure_reaches_all_who_wait_and_is_not_kept() -> None:
    """All callers get the failure, and the next call tries again."""
    reader = PictureReader(Failing(ValueError("tensor of odd shape")), workers=1)
    calls = [reading(reader, plain(1)) for _ in range(3)]
    for outcome in await asyncio.gather(*calls, return_exceptions=True):
        assert isinstance(outcome, PictureError)
        assert outcome.code == 586
        assert "ValueError" in outcome.message
        assert isinstance(outcome.__cause__, ValueError)
    assert (await read(reader, plain(1))).text == ""
    await reader.aclose()


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError()])
async def test_an_engine_cannot_end_the_program(error: BaseException) -> None:
    """`SystemExit` and cancellation raised by a library count as failures."""
    reader = PictureReader(Failing(error), workers=1)
    with pytest.raises(PictureError, match=type(error).__name__):
        await read(reader, plain(1))
    assert (await read(reader, plain(1))).text == ""
    await reader.aclose()


async def test_a_failing_frame_fails_the_picture() -> None:
    """A part of an animation is never returned as the whole."""
    reader = PictureReader(Failing(ValueError()), workers=2)
    with pytest.raises(PictureError):
        await read(reader, gif(1, 2, 3), frames=3)
    assert len((await read(reader, gif(1, 2, 3), frames=3)).frames) == 3
    await reader.aclose()


async def test_a_missing_engine_is_said_in_its_own_words() -> None:
    """Without the extra the message says how to install it, not "algorithm failed"."""

    def missing() -> Engine:
        raise ImportError("pip install 'aliocr[emulator]'")

    reader = PictureReader(missing, workers=1)
    with pytest.raises(ImportError, match="pip install"):
        await read(reader, plain(1))
    await reader.aclose()


async def test_closing_waits_for_running_work_and_drops_the_rest(gated: Engines) -> None:
    """Nothing outlives the reader, and queued pictures are not read."""
    reader = PictureReader(gated, workers=1)
    running = reading(reader, plain(1))
    await until(lambda: gated.begun)
    queued = [reading(reader, plain(2)), reading(reader, gif(3, 4), frames=2)]
    await some_turns()
    closing = asyncio.create_task(reader.aclose())
    for call in queued:
        with pytest.raises(RuntimeError, match="closed"):
            await call
    assert not closing.done()
    gated.gate.set()
    await closing
    assert (await running).text == "red 1"
    assert gated.begun == [1]
    assert not threads()


async def test_a_cancelled_close_closes_all_the_same(gated: Engines) -> None:
    """The cancellation is raised when the work has ended and the threads are gone."""
    reader = PictureReader(gated, workers=1)
    running = reading(reader, plain(1))
    await until(lambda: gated.begun)
    closing = asyncio.create_task(reader.aclose())
    for _ in range(3):
        await some_turns()
        closing.cancel()
    await some_turns()
    assert not closing.done()
    gated.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await closing
    assert (await running).text == "red 1"
    assert not threads()


async def test_closing_in_the_middle_of_an_animation(gated: Engines) -> None:
    """The frame in work is waited for, the others are not begun."""
    reader = PictureReader(gated, workers=1)
    call = reading(reader, gif(1, 2, 3), frames=3)
    await until(lambda: gated.begun)
    closing = asyncio.create_task(reader.aclose())
    await some_turns()
    gated.gate.set()
    await closing
    with pytest.raises(RuntimeError, match="closed"):
        await call
    assert gated.begun == [1]
    assert not threads()


async def test_closing_while_a_picture_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The picture is not read, and no further frame of an animation is decoded."""
    decoding, gate, engines = threading.Semaphore(0), threading.Event(), Engines()

    def slow(*args: Any, **choice: Any) -> Iterator[PictureFrame]:
        for frame in decode(*args, **choice):
            decoding.release()
            assert gate.wait(PATIENCE)
            yield frame

    monkeypatch.setattr(whole_module, "decode", slow)
    reader = PictureReader(engines, workers=2)
    calls = [reading(reader, plain(1)), reading(reader, gif(2, 3, 4, 5), frames=4)]
    await until(lambda: decoding.acquire(blocking=False))
    await until(lambda: decoding.acquire(blocking=False))
    closing = asyncio.create_task(reader.aclose())
    await some_turns()
    gate.set()
    await closing
    for call in calls:
        with pytest.raises(RuntimeError, match="closed"):
            await call
    assert not engines.begun
    assert not threads()


async def test_a_closed_reader_says_so() -> None:
    """Closing twice is fine, reading after it is not."""
    reader = PictureReader(Engines())
    await reader.aclose()
    await reader.aclose()
    with pytest.raises(RuntimeError, match="closed"):
        await read(reader, plain(1))


@pytest.mark.parametrize("seed", range(10))
async def test_any_mixture_of_calls_and_cancellations_ends_clean(seed: int) -> None:
    """Every call that was not cancelled is answered, and nothing is left: no task, no thread."""
    dice = random.Random(seed)
    pictures = [(plain(1), None), (plain(2), None), (gif(3, 4, 5), 3), (b"junk", None)]
    before = asyncio.all_tasks()
    reader = PictureReader(Engines(), workers=2)
    calls: list[tuple[int, bool, asyncio.Task[Content]]] = []
    for _ in range(60):
        which = dice.randrange(len(pictures))
        calls.append((which, dice.random() < 0.5, reading(reader, *pictures[which])))
        for _, unlucky, call in calls[-dice.randrange(1, 6) :]:
            if unlucky:
                call.cancel()
        await asyncio.sleep(dice.choice((0, 0, 0.0005)))
    outcomes = await asyncio.gather(*(call for *_, call in calls), return_exceptions=True)
    for (which, unlucky, _), outcome in zip(calls, outcomes, strict=True):
        if isinstance(outcome, asyncio.CancelledError):
            assert unlucky
        elif which == 3:
            assert isinstance(outcome, PictureError)
        else:
            assert isinstance(outcome, Content)
    await reader.aclose()
    assert asyncio.all_tasks() == before
    assert not threads()


async def test_what_a_picture_gives_page_by_page_is_made_in_one_turn() -> None:
    """The picture stays decoded between two pages, so the number of viewers at once is bounded."""
    reader = PictureReader(Engines(), workers=1)
    at_it: set[int] = set()
    most = 0

    def pages(viewer: int) -> Iterator[tuple[int, int]]:
        nonlocal most
        at_it.add(viewer)
        for page in range(3):
            most = max(most, len(at_it))
            yield viewer, page
        at_it.remove(viewer)

    made = await asyncio.gather(*(reader.lend_each(pages(viewer)) for viewer in range(6)))
    await reader.aclose()
    assert made == [[(viewer, page) for page in range(3)] for viewer in range(6)]
    assert most == 1


async def test_a_picture_is_read_between_two_pages_of_another() -> None:
    """Also if the other picture has many pages."""
    gate = threading.Event()
    begun_at: list[list[int]] = []
    engines = Engines()
    reader = PictureReader(engines, workers=1)

    def pages() -> Iterator[int]:
        for page in range(3):
            assert gate.wait(PATIENCE)
            begun_at.append([*engines.begun])
            yield page

    viewing = asyncio.create_task(reader.lend_each(pages()))
    await some_turns()
    other = reading(reader, plain(7))
    await some_turns()
    gate.set()
    assert await viewing == [0, 1, 2]
    await other
    await reader.aclose()
    assert begun_at == [[], [7], [7]]
