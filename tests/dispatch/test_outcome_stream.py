"""The iterator that a caller of a stream holds: it loses nothing, and leaves nothing behind."""

import asyncio
import gc
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, suppress
from itertools import accumulate

import pytest

import aliocr
from aliocr import Credentials, Outcome, OutcomeStream, Session
from aliocr.emulator import Emulator
from aliocr.protocol.transport import HttpResponse, Transport

pytestmark = pytest.mark.usefixtures("virtual_clock")

Sessions = Callable[..., Session]


def _urls(count: int) -> list[str]:
    return [f"https://example.com/{number}.png" for number in range(count)]


def _sent(emulator: Emulator) -> list[str]:
    return [task.url for call in emulator.calls for task in call.tasks]


def _ours() -> set[str]:
    return {task.get_name() for task in asyncio.all_tasks() if "aliocr" in task.get_name()}


async def _with_heartbeat(stream: OutcomeStream, seconds: float) -> tuple[list[Outcome], int]:
    """Read a stream, and count the heartbeats in between."""
    outcomes: list[Outcome] = []
    beats = 0
    while True:
        try:
            outcomes.append(await asyncio.wait_for(anext(stream), seconds))
        except TimeoutError:
            beats += 1
        except StopAsyncIteration:
            return outcomes, beats


@pytest.mark.parametrize("seconds", [0.0001, 0.013, 0.1, 0.3])
async def test_a_heartbeat_loses_nothing(ocr: Session, emulator: Emulator, seconds: float) -> None:
    """`wait_for` around each step, shorter than any answer: each outcome once, each paid once."""
    emulator.delay(0.3)
    stop = asyncio.Event()
    outcomes, beats = await _with_heartbeat(ocr.stream(_urls(350), stop=stop), seconds)
    assert sorted(outcome.image.url for outcome in outcomes) == sorted(_urls(350))
    assert all(outcome.ok for outcome in outcomes)
    assert sorted(_sent(emulator)) == sorted(_urls(350))
    assert beats or seconds == 0.3
    assert ocr.stats.given_up == 0
    assert _ours() == set()


async def test_each_image_is_told_before_its_request_leaves(
    ocr: Session, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In every try; and what is called soon after that is called before the request leaves."""
    marked: list[str] = []
    at_post: list[int] = []
    post = Transport.post

    async def watched(transport: Transport, body: bytes, key: Credentials) -> HttpResponse:
        at_post.append(len(marked))
        return await post(transport, body, key)

    monkeypatch.setattr(Transport, "post", watched)
    emulator.fail(_urls(250)[3], 586, times=1)
    stream = ocr.stream(_urls(250))
    loop = asyncio.get_running_loop()
    stream.tell_sent(lambda image: loop.call_soon(marked.append, image.url))
    assert all([outcome.ok async for outcome in stream])
    assert sorted(marked) == sorted(_sent(emulator))
    assert len(marked) == 251
    assert at_post == list(accumulate(len(call.tasks) for call in emulator.calls))


async def test_a_step_cancelled_at_any_moment_loses_nothing(
    ocr: Session, emulator: Emulator
) -> None:
    """Also in the round in which the outcome comes, and by a task that is cancelled itself."""
    emulator.delay(0.05)
    stream = ocr.stream(_urls(120))
    seen: list[str] = []

    async def step() -> None:
        outcome = await anext(stream)
        seen.append(outcome.image.url)

    for rounds in range(400):
        task = asyncio.create_task(step())
        for _ in range(rounds % 20):
            await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError, StopAsyncIteration):
            await task
    seen += [outcome.image.url async for outcome in stream]
    assert sorted(seen) == sorted(_urls(120))


async def test_a_heartbeat_loses_no_error(ocr: Session) -> None:
    """The source's, though the source takes long to let go; from then on it is the end."""

    async def source() -> AsyncIterator[str]:
        try:
            for url in _urls(3):
                yield url
            yield "no-image"
        finally:
            await asyncio.sleep(1)

    stream = ocr.stream(source())
    with pytest.raises(ValueError, match="image 3: url must start"):
        await _with_heartbeat(stream, 0.1)
    for _ in range(3):
        assert await anext(stream, None) is None


async def test_a_heartbeat_hears_of_a_refused_account(
    session: Sessions, emulator: Emulator
) -> None:
    """Though the source takes long to let go of."""

    async def source() -> AsyncIterator[str]:
        try:
            for url in _urls(3):
                yield url
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(1)

    emulator.delay(0.5)
    async with session(credentials=aliocr.Credentials("nobody", "x")) as ocr:
        stream = ocr.stream(source())
        with pytest.raises(aliocr.AuthError):
            await _with_heartbeat(stream, 0.1)
        assert await anext(stream, None) is None
        assert _ours() == set()


async def test_it_is_an_iterator_and_a_context_manager(ocr: Session, emulator: Emulator) -> None:
    """Nothing happens before the first step; the end of the block, or `aclose`, is its end."""
    emulator.delay(0.3)
    assert isinstance(ocr.stream([]), AsyncIterator)
    drawn: list[str] = []

    def source() -> Iterator[str]:
        try:
            for url in _urls(100_000):
                drawn.append(url)
                yield url
        finally:
            drawn.append("closed")

    never = ocr.stream(source())
    await asyncio.sleep(1)
    assert drawn == _sent(emulator) == []
    await never.aclose()
    assert [outcome async for outcome in never] == []
    begun = source()
    next(begun)
    await ocr.stream(begun).aclose()
    assert drawn.pop() == "closed"
    for closing in (lambda stream: stream, aclosing):
        drawn.clear()
        async with closing(ocr.stream(source())) as stream:
            assert (await anext(stream)).ok
            sent = len(_sent(emulator))
        assert drawn[-1] == "closed"
        await stream.aclose()
        for _ in range(2):
            with pytest.raises(StopAsyncIteration):
                await anext(stream)
        await asyncio.sleep(5)
        assert len(_sent(emulator)) == sent
        assert _ours() == set()


async def test_one_task_may_step_at_a_time(ocr: Session) -> None:
    """As with a generator; the first is not disturbed."""
    stream = ocr.stream(_urls(3))
    first = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="another task already waits"):
        await anext(stream)
    assert (await first).ok
    assert len([outcome async for outcome in stream]) == 2


async def test_a_task_that_waits_is_told_when_the_stream_is_closed(
    ocr: Session, emulator: Emulator
) -> None:
    """It must not take what it has for everything."""
    emulator.delay(1.0)
    for source in (_urls(3), _urls(100_000)):
        stream = ocr.stream(source)
        reader = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0.5)
        await stream.aclose()
        with pytest.raises(aliocr.OCRError, match="the stream was closed"):
            await reader
        assert await anext(stream, None) is None


async def _leave(ocr: Session) -> None:
    async for _ in ocr.stream(_urls(100_000)):
        break


async def _fail(ocr: Session) -> None:
    async for _ in ocr.stream(_urls(100_000)):
        raise OSError


async def _be_cancelled(ocr: Session) -> None:
    async with asyncio.timeout(0.1):
        async for _ in ocr.stream(_urls(100_000)):
            pass


async def _make_circle(ocr: Session) -> None:
    stream = ocr.stream(_urls(100_000))
    stream.itself = stream  # type: ignore[attr-defined]
    await anext(stream)
    del stream
    _in_a_thread(gc.collect)


@pytest.mark.parametrize("way", [_leave, _fail, _be_cancelled, _make_circle])
async def test_a_stream_that_nobody_holds_ends(
    ocr: Session, emulator: Emulator, way: Callable[[Session], Awaitable[None]]
) -> None:
    """Left by `break`, by an error that is kept, in a circle that another thread collects."""
    emulator.delay(0.3)
    kept: list[OSError] = []
    try:
        await way(ocr)
    except OSError as error:  # a TimeoutError is one
        kept.append(error)
    await asyncio.sleep(0.31)
    assert _ours() == set()
    sent = len(_sent(emulator))
    await asyncio.sleep(5)
    assert len(_sent(emulator)) == sent
    assert ocr.stats.waiting == ocr.stats.under_way == 0


def _in_a_thread(call: Callable[[], object]) -> None:
    """Not in one of the loop's: on the virtual clock, the loop does not wait for their end."""
    thread = threading.Thread(target=call)
    thread.start()
    thread.join()


def test_a_stream_of_a_loop_that_has_ended_is_let_go(session: Sessions) -> None:
    """Collected later, in whatever thread: nothing complains."""
    held: list[OutcomeStream] = []
    with Emulator() as emulator:

        async def main() -> None:
            async with session(endpoint=emulator.url, credentials=emulator.credentials) as ocr:
                held.append(ocr.stream(_urls(1000)))
                await anext(held[0])

        _in_a_thread(lambda: asyncio.run(main()))
    held.clear()
    gc.collect()


async def test_mistakes_are_said_at_the_call(ocr: Session, session: Sessions) -> None:
    """Before the first step."""
    for bad in ("https://example.com/a.png", None, 5):
        with pytest.raises(ValueError, match="images must be a list"):
            ocr.stream(bad)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="stop must be"):
        ocr.stream([], stop=True)  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="open the session first"):
        session().stream([])


async def test_a_stream_is_for_the_loop_that_made_it(ocr: Session) -> None:
    """A step on another loop says so."""
    stream = ocr.stream(_urls(1))

    raised: list[str] = []

    async def step() -> None:
        try:
            await anext(stream)
        except RuntimeError as error:
            raised.append(str(error))

    _in_a_thread(lambda: asyncio.run(step()))
    assert "made on another event loop" in raised[0]


async def test_it_can_be_wrapped(ocr: Session) -> None:
    """In a generator of the caller's own, in a comprehension, or with `anext` and a default."""

    async def texts() -> AsyncGenerator[str, None]:
        async for outcome in ocr.stream(_urls(5)):
            yield outcome.text if outcome.ok else ""

    assert sorted([text async for text in texts()]) == [f"text of {url}" for url in _urls(5)]
    assert await anext(ocr.stream([]), None) is None
    assert {outcome.ok async for outcome in aiter(ocr.stream(_urls(2)))} == {True}
