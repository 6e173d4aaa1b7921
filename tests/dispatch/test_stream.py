"""A stream that is told to stop: what is in a request still comes, and nothing else is sent."""

import asyncio
import inspect
import random
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from contextlib import aclosing

import pytest

import aliocr
from aliocr import Image, Limits, Session
from aliocr.dispatch.stream import ImageStream
from aliocr.emulator import Emulator
from tests.support.model import Character, ModelService, batcher_of

pytestmark = pytest.mark.usefixtures("virtual_clock")

Sessions = Callable[..., Session]


class _Source:
    """URLs without end, which remembers how many were drawn and that it was closed."""

    def __init__(self) -> None:
        self.drawn = 0
        self.closed = False

    def urls(self, count: int = 100_000) -> Generator[str, None, None]:
        try:
            for number in range(count):
                self.drawn += 1
                yield f"https://example.com/{number}.png"
        finally:
            self.closed = True


def _sent(emulator: Emulator) -> list[str]:
    return [task.url for call in emulator.calls for task in call.tasks]


def _ours() -> set[str]:
    return {task.get_name() for task in asyncio.all_tasks() if "aliocr" in task.get_name()}


async def test_what_is_under_way_still_comes(ocr: Session, emulator: Emulator) -> None:
    """Every image that was sent has its outcome, none is sent after, and the source is let go."""
    emulator.delay(0.5)
    source, stop, seen = _Source(), asyncio.Event(), []
    drawn = sent = 0
    async for outcome in ocr.stream(source.urls(), stop=stop):
        seen.append(outcome.image.url)
        if len(seen) == 150:
            assert ocr.stats.under_way > 100
            stop.set()
            drawn, sent = source.drawn, len(_sent(emulator))
    assert sorted(seen) == sorted(_sent(emulator))
    assert 150 < len(seen) == sent < drawn == source.drawn
    assert source.closed
    assert ocr.stats.under_way == 0
    assert _ours() == set()
    await asyncio.sleep(60)
    assert len(_sent(emulator)) == sent


async def test_another_may_tell_while_the_reader_waits(ocr: Session, emulator: Emulator) -> None:
    """Told by a signal's handler, say, while every request is slow."""
    emulator.delay(2.0)
    source, stop = _Source(), asyncio.Event()
    loop = asyncio.get_running_loop()
    began = loop.time()
    loop.call_later(0.25, stop.set)
    seen = [outcome.image.url async for outcome in ocr.stream(source.urls(), stop=stop)]
    assert sorted(seen) == sorted(_sent(emulator))
    assert len(seen) == 300
    assert loop.time() - began < 2.5


async def test_told_before_it_began_a_stream_is_empty(ocr: Session, emulator: Emulator) -> None:
    """Nothing is drawn or sent, and the source is let go."""
    stop = asyncio.Event()
    stop.set()
    source = _Source()
    generator = source.urls()
    assert [outcome async for outcome in ocr.stream(generator, stop=stop)] == []
    assert source.drawn == 0
    assert inspect.getgeneratorstate(generator) == inspect.GEN_CLOSED
    assert emulator.calls == []


async def test_told_after_its_end_or_twice_nothing_happens(
    ocr: Session, emulator: Emulator
) -> None:
    """The event may serve many streams, and may be set again."""
    stop = asyncio.Event()
    first = [outcome async for outcome in ocr.stream(_Source().urls(30), stop=stop)]
    assert len(first) == 30
    emulator.delay(0.5)
    stream = ocr.stream(_Source().urls(), stop=stop)
    await anext(stream)
    stop.set()
    rest = [outcome async for outcome in stream]
    stop.set()
    stop.clear()
    stop.set()
    assert 30 + 1 + len(rest) == len(_sent(emulator))
    assert _ours() == set()


async def test_who_never_tells_has_an_ordinary_stream(ocr: Session) -> None:
    """The event alone changes nothing, and nobody is left waiting for it."""
    stream = ocr.stream(_Source().urls(250), stop=asyncio.Event())
    assert len([outcome async for outcome in stream]) == 250
    assert _ours() == set()


async def test_an_image_that_rests_is_not_waited_for(ocr: Session, emulator: Emulator) -> None:
    """It has failed once and would go again: it ends without an outcome, and is not sent again."""
    emulator.fail("https://example.com/3.png", 500, times=1)
    stop = asyncio.Event()
    seen = []
    async for outcome in ocr.stream(_Source().urls(10), stop=stop):
        seen.append(outcome.image.url)
        if len(seen) == 9:
            await asyncio.sleep(0.01)
            stop.set()
    assert "https://example.com/3.png" not in seen
    await asyncio.sleep(60)
    assert len(emulator.calls) == 1


@pytest.mark.parametrize("fault", ["throttled", "refused", "timed out", "sunk", "over the quota"])
async def test_what_comes_back_to_go_again_is_not_waited_for(
    ocr: Session, emulator: Emulator, fault: str
) -> None:
    """However long it would have to wait: nothing is sent any more, and the stream ends."""
    emulator.delay(1.0)
    match fault:
        case "throttled":
            emulator.throttle(times=None, retry_after=50)
        case "refused":
            emulator.refuse(500, times=None)
        case "timed out":
            emulator.hang(times=None)
        case "sunk":
            emulator.sink("https://example.com/3.png", 401)
        case _:
            emulator.allow_images(images_per_second=0.001)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    began = loop.time()
    loop.call_later(0.05, stop.set)
    seen = [outcome async for outcome in ocr.stream(_Source().urls(50), stop=stop)]
    assert loop.time() - began < 8
    assert len(emulator.calls) == 1
    assert all(outcome.ok for outcome in seen)
    assert len(seen) <= 1
    assert ocr.stats.under_way == 0


async def test_a_lasting_failure_under_way_is_given_out(ocr: Session, emulator: Emulator) -> None:
    """It is an outcome like any other."""
    emulator.delay(1.0)
    emulator.fail("https://example.com/3.png", 404)
    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(0.5, stop.set)
    outcomes = [outcome async for outcome in ocr.stream(_Source().urls(10), stop=stop)]
    assert [outcome.image.url for outcome in outcomes if not outcome.ok] == [
        "https://example.com/3.png"
    ]
    assert len(outcomes) == 10


async def test_a_refused_key_is_raised_while_it_ends(session: Sessions, emulator: Emulator) -> None:
    """Being told to stop hides nothing that is wrong with the account."""
    emulator.delay(1.0)
    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(0.5, stop.set)
    async with session(credentials=aliocr.Credentials("nobody", "x")) as ocr:
        with pytest.raises(aliocr.AuthError):
            await anext(ocr.stream(_Source().urls(10), stop=stop))


async def test_others_are_not_stopped(ocr: Session, emulator: Emulator) -> None:
    """An equal image of another caller, and another stream, go on."""
    emulator.delay(0.2)
    stop = asyncio.Event()
    first = asyncio.create_task(ocr.scan("https://example.com/first.png"))
    await asyncio.sleep(0.01)
    loop = asyncio.get_running_loop()
    loop.call_later(0.02, stop.set)
    stream = ocr.stream(_Source().urls(50), stop=stop)
    stopped = asyncio.ensure_future(anext(stream, None))
    await asyncio.sleep(0.01)
    wanted = asyncio.create_task(ocr.scan("https://example.com/7.png"))
    other = asyncio.create_task(ocr.scan_many(f"https://example.com/{n}.jpg" for n in range(10)))
    assert await stopped is None
    assert (await first).ok
    assert (await wanted).image.url == "https://example.com/7.png"
    assert all(outcome.ok for outcome in await other)
    assert len(_sent(emulator)) == 12


async def test_a_source_that_waits_is_ended(ocr: Session, emulator: Emulator) -> None:
    """A queue that nobody fills any more: its `finally` runs to its end, once."""
    closed: list[str] = []

    async def source() -> AsyncIterator[str]:
        try:
            yield "https://example.com/a.png"
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.1)
            closed.append("closed")

    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(1.0, stop.set)
    assert len([outcome async for outcome in ocr.stream(source(), stop=stop)]) == 1
    assert closed == ["closed"]
    assert len(emulator.calls) == 1


async def test_a_source_may_tell_itself(ocr: Session, emulator: Emulator) -> None:
    """What it gives from then on is not sent, not even what it gives with it."""
    stop = asyncio.Event()

    def source() -> Iterator[str]:
        for number in range(10):
            if number == 5:
                stop.set()
            yield f"https://example.com/{number}.png"

    async for _ in ocr.stream(source(), stop=stop):
        pass
    assert set(_sent(emulator)) <= {f"https://example.com/{number}.png" for number in range(5)}


async def test_a_source_that_failed_before_is_heard_of(ocr: Session, emulator: Emulator) -> None:
    """Its exception comes after what is under way; a source that lets go slowly is let finish."""
    emulator.delay(1.0)

    async def source() -> AsyncIterator[str]:
        try:
            yield "https://example.com/a.png"
            await asyncio.sleep(0.1)
            yield "no-image"
        finally:
            await asyncio.sleep(0.5)

    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(0.3, stop.set)
    stream = ocr.stream(source(), stop=stop)
    assert (await anext(stream)).ok
    with pytest.raises(ValueError, match="image 1: url must start"):
        await anext(stream)


async def test_leaving_while_it_ends_leaves_nothing_behind(
    ocr: Session, emulator: Emulator
) -> None:
    """Broken off or cancelled between being told and its end."""
    emulator.delay(1.0)

    async def read(stop: asyncio.Event) -> None:
        async for _ in ocr.stream(_Source().urls(), stop=stop):
            pass

    for told in (0.0, 0.5, 0.99):
        stop = asyncio.Event()
        asyncio.get_running_loop().call_later(told, stop.set)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.0):
                await read(stop)
        await asyncio.sleep(2)
        assert (_ours(), ocr.stats.under_way) == (set(), 0)
    stop = asyncio.Event()
    async with aclosing(ocr.stream(_Source().urls(), stop=stop)) as stream:
        await anext(stream)
        stop.set()
        await anext(stream)
    await asyncio.sleep(2)
    assert _ours() == set()


async def test_a_session_that_closes_meanwhile_fails_what_is_under_way(
    session: Sessions, emulator: Emulator
) -> None:
    """Each image that was sent is told of, and the stream ends as it was told to."""
    emulator.delay(5.0)
    stop = asyncio.Event()
    async with session() as ocr:
        stream = ocr.stream(_Source().urls(30), stop=stop)
        reader = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0.5)
        stop.set()
        await asyncio.sleep(0.5)
        assert ocr.stats.under_way == 30
    outcomes = [await reader, *[outcome async for outcome in stream]]
    assert len(outcomes) == 30
    assert not any(outcome.ok for outcome in outcomes)
    assert ocr.stats.under_way == 0


async def test_only_an_event_can_tell(ocr: Session) -> None:
    """Anything else is a mistake, and said to be one."""
    with pytest.raises(ValueError, match=r"stop must be .*, not True"):
        await anext(ocr.stream(["https://example.com/a.png"], stop=True))  # type: ignore[arg-type]


# --- whatever the service is like -----------------------------------------------------------------


class _Diary(ModelService):
    """Remembers what became of each image in its last request."""

    def __init__(self, character: Character, seed: int) -> None:
        super().__init__(character, seed)
        self.last: dict[str, aliocr.Scan | aliocr.OCRError | None] = {}

    async def _send(self, images: Sequence[Image]) -> list[aliocr.Scan | aliocr.OCRError]:
        self.last |= dict.fromkeys([image.url for image in images])
        try:
            answers = await super()._send(images)
        except aliocr.OCRError as error:
            self.last |= dict.fromkeys([image.url for image in images], error)
            raise
        self.last |= {image.url: answer for image, answer in zip(images, answers, strict=True)}
        return answers


@pytest.mark.parametrize("seed", range(60))
async def test_whatever_happens_what_was_sent_last_is_told(seed: int) -> None:
    """At any moment, with any faults: one outcome at most, nothing sent after, nobody left."""
    chance = random.Random(seed)
    random.seed(seed)
    character = Character(
        images_per_second=chance.choice([None, None, 60]),
        images_in_flight=chance.choice([None, 50]),
        jitter=chance.choice([0, 0.2]),
        answers=chance.choice([(0.05, 0.05), (0.2, 3.0)]),
        lost=chance.choice([0, 0.2]),
        broken=chance.choice([0, 0.2]),
        slow=chance.choice([0, 0.1]),
        missing=chance.choice([0, 0.1]),
    )
    service = _Diary(character, seed)
    limits = Limits(images_per_request=chance.choice([1, 7, 100]))
    batcher = batcher_of(service, limits)
    stop = asyncio.Event()
    source = (Image(f"https://example.com/{number}.png") for number in range(20_000))
    feed = ImageStream(batcher, source, limits.images_per_request, stop)
    told: list[float] = []
    loop = asyncio.get_running_loop()

    def tell() -> None:
        stop.set()
        told.append(loop.time())

    loop.call_later(chance.uniform(0, 6), tell)
    outcomes = [outcome async for _, outcome in feed]
    await feed.close()
    urls = [outcome.image.url for outcome in outcomes]
    assert len(set(urls)) == len(urls)
    assert set(urls) <= set(service.last)
    for url in set(service.last) - set(urls):  # those that would have gone again
        answer = service.last[url]
        assert isinstance(answer, aliocr.OCRError)
        assert answer.transient
    assert batcher.tally.under_way == 0
    await asyncio.sleep(60)
    assert all(when <= told[0] for when, _ in service.departures)
    await batcher.close()
