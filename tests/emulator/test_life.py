"""The emulator's life from start to stop, whoever is cancelled or interrupted on the way."""

from __future__ import annotations

import asyncio
import http.client
import signal
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from typing import Any

import pytest

from aliocr.emulator import Emulator
from aliocr.emulator.http.loop_thread import LoopThread
from tests.support.asking import IMAGE, PATIENCE, arrived, ask, body_of, gone, sign, until
from tests.support.raw import raw

POSIX = pytest.mark.skipif(
    not hasattr(signal, "pthread_kill"), reason="needs signals to a thread, as POSIX has them"
)


def port_of(emulator: Emulator) -> int:
    """Where it listens, or did."""
    return int(emulator.url.rpartition(":")[2])


def request(emulator: Emulator) -> bytes:
    """A good request as it stands on the wire."""
    body = body_of(IMAGE)
    return raw(body, sign(emulator, body))


def listens(emulator: Emulator) -> bool:
    """Whether anybody can connect."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port_of(emulator))) == 0


async def hanging(emulator: Emulator) -> asyncio.StreamWriter:
    """Start it, and have a request hang in it."""
    emulator.hang(times=1)
    await emulator.start()
    _, writer = await asyncio.open_connection("127.0.0.1", port_of(emulator))
    writer.write(request(emulator))
    await arrived(emulator, 1)
    return writer


async def cancelled_after(turns: int, doing: Coroutine[Any, Any, object]) -> bool:
    """Whether a task has been cancelled so many turns of the loop after its first step."""
    task = asyncio.create_task(doing)
    for _ in range(turns + 1):
        await asyncio.sleep(0)
    if task.done():
        await task
        return False
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return True


@pytest.mark.parametrize("grace", [0, 1000 * PATIENCE])
async def test_a_cancelled_stop_stops_all_the_same(grace: float) -> None:
    """Wherever the cancellation comes: nothing listens or runs on, and it can be started again."""
    before = asyncio.all_tasks()
    emulator = Emulator(requests_per_second=None)
    cancelled = 0
    for turns in range(12):
        emulator.reset()
        writer = await hanging(emulator)
        cancelled += await cancelled_after(turns, emulator.stop(grace))
        assert not listens(emulator)
        assert await emulator.stop() == 0
        writer.transport.abort()
        await gone(before)
    assert cancelled > 3


async def test_a_cancelled_start_leaves_nothing_behind() -> None:
    """Wherever the cancellation comes."""
    before = asyncio.all_tasks()
    emulator = Emulator()
    turns = 0
    while await cancelled_after(turns, emulator.start()):
        assert asyncio.all_tasks() == before
        turns += 1
    assert turns > 1
    assert await emulator.stop() == 0
    assert asyncio.all_tasks() == before


async def test_a_block_that_is_cancelled_at_its_end_still_ends() -> None:
    """As by a limit around the test that has passed when the block is left."""
    emulator = Emulator()

    async def use() -> None:
        task = asyncio.current_task()
        assert task is not None
        async with emulator:
            task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(use())
    assert not listens(emulator)


async def test_a_block_inside_a_cancelled_scope_of_anyio_ends() -> None:
    """Which cancels again and again until its tasks have ended."""
    anyio = pytest.importorskip("anyio")
    emulator = Emulator()
    with anyio.CancelScope() as scope:
        async with emulator:
            scope.cancel()
            await anyio.sleep_forever()
    assert scope.cancelled_caught
    assert not listens(emulator)


async def test_of_two_starts_the_second_is_refused() -> None:
    """However close they come, one emulator runs, and ends when it is stopped."""
    before = asyncio.all_tasks()
    emulator = Emulator()
    first, second = await asyncio.gather(emulator.start(), emulator.start(), return_exceptions=True)
    assert first is None
    assert isinstance(second, RuntimeError)
    assert (await ask(emulator)).codes == [200]
    await emulator.stop()
    assert not listens(emulator)
    await gone(before)


@pytest.mark.parametrize("turns", range(4))
async def test_stopping_while_it_starts_leaves_nothing(turns: int) -> None:
    """It waits for the start, and then stops it."""
    before = asyncio.all_tasks()
    emulator = Emulator()
    starting = asyncio.create_task(emulator.start())
    for _ in range(turns):
        await asyncio.sleep(0)
    await emulator.stop()
    await starting
    await emulator.stop()  # had the first come before the start
    assert not listens(emulator)
    await gone(before)


async def test_stopping_at_once_ends_a_stop_that_waits() -> None:
    """Both say how many requests were cut off, when all is stopped."""
    emulator = Emulator()
    writer = await hanging(emulator)
    patient = asyncio.create_task(emulator.stop(grace=1000 * PATIENCE))
    await until(lambda: not listens(emulator))
    assert await emulator.stop() == 1
    assert await patient == 1
    writer.close()


# --- in a thread, used from event loops -----------------------------------------------------------


def test_in_a_thread_the_service_can_go_away_and_come_back() -> None:
    """In the middle of a test, from whatever event loop; what hung is cut off."""
    threads = threading.active_count()
    with Emulator() as emulator:
        emulator.hang(times=1)

        async def meet() -> int:
            _, writer = await asyncio.open_connection("127.0.0.1", port_of(emulator))
            writer.write(request(emulator))
            await arrived(emulator, 1)
            cut_off = await emulator.stop()
            writer.close()
            return cut_off

        assert asyncio.run(meet()) == 1
        assert not listens(emulator)
        asyncio.run(emulator.start())
        with pytest.raises(RuntimeError, match="started already"):
            asyncio.run(emulator.start())
        assert asyncio.run(ask(emulator)).codes == [200]
    assert not listens(emulator)
    assert threading.active_count() == threads


def test_in_a_thread_a_cancelled_stop_stops_all_the_same() -> None:
    """The cancellation ends the grace, and comes when all is stopped."""
    with Emulator() as emulator:
        emulator.hang(times=1)

        async def meet() -> None:
            _, writer = await asyncio.open_connection("127.0.0.1", port_of(emulator))
            writer.write(request(emulator))
            await arrived(emulator, 1)
            stopping = asyncio.create_task(emulator.stop(grace=1000 * PATIENCE))
            await until(lambda: not listens(emulator))
            stopping.cancel()
            with pytest.raises(asyncio.CancelledError):
                await stopping
            assert emulator.under_way == 0
            writer.close()

        asyncio.run(meet())


async def test_another_loop_is_told_that_it_cannot_stop_it() -> None:
    """Instead of being kept waiting for ever; the emulator goes on where it is."""
    async with Emulator() as emulator:
        with pytest.raises(RuntimeError, match="another event loop"):
            await asyncio.to_thread(asyncio.run, emulator.stop())
        assert (await ask(emulator)).codes == [200]
    assert not listens(emulator)


@pytest.fixture
def heeds_ctrl_c() -> Iterator[None]:
    """Shells have what they run in the background ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupt() -> None:
    """Ctrl-C."""
    main = threading.main_thread().ident
    assert main is not None
    signal.pthread_kill(main, signal.SIGINT)


@POSIX
@pytest.mark.usefixtures("heeds_ctrl_c")
def test_ctrl_c_ends_what_a_thread_is_waited_for() -> None:
    """It is cancelled, and has ended when the thread has."""
    threads = threading.active_count()
    done: list[str] = []

    async def serve() -> None:
        interrupt()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            done.append("cleaned up")

    thread = LoopThread()
    with pytest.raises(KeyboardInterrupt):
        thread.run(serve())
    thread.close()
    assert done == ["cleaned up"]
    assert threading.active_count() == threads
    with pytest.raises(RuntimeError, match="has ended"):
        thread.run(serve())


def ended(threads: int) -> bool:
    """Whether there are no more threads than these, or soon will be."""
    patience = threading.Event()
    return any(
        threading.active_count() <= threads or patience.wait(0.01)
        for _ in range(int(100 * PATIENCE))
    )


class Gated:
    """An engine that reads nothing until its gate is open."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.gate = threading.Event()

    def recognize(self, picture: object) -> tuple[()]:  # noqa: ARG002
        """Nothing, in its time."""
        self.begun.set()
        assert self.gate.wait(PATIENCE)
        return ()


@pytest.fixture
def picture() -> bytes:
    """A file that an engine is given to read."""
    pytest.importorskip("PIL")
    from PIL import Image

    from tests.support.drawing import RED, encoded

    return encoded(Image.new("RGB", (20, 20), RED))


def drop(emulator: Emulator, picture: bytes) -> None:
    """Have a picture read as the page does it, whatever comes of that."""
    connection = http.client.HTTPConnection("127.0.0.1", port_of(emulator))
    connection.request("POST", "/_emulator/read", picture)
    with suppress(OSError, http.client.HTTPException):
        connection.getresponse()
    connection.close()


def in_background(doing: Callable[..., None], *args: object) -> threading.Thread:
    """Do it in a thread, which is to be joined."""
    thread = threading.Thread(target=doing, args=args, daemon=True)
    thread.start()
    return thread


@POSIX
@pytest.mark.usefixtures("heeds_ctrl_c")
def test_ctrl_c_while_it_stops_ends_everything(picture: bytes) -> None:
    """With a picture in work, whose end it waits for: no thread stays, and it can start again."""
    threads = threading.active_count()
    engine = Gated()
    emulator = Emulator(lambda: engine)

    def interrupt_the_stop() -> None:
        while listens(emulator):
            threading.Event().wait(0.001)
        interrupt()
        engine.gate.set()

    emulator.__enter__()
    client = in_background(drop, emulator, picture)
    assert engine.begun.wait(PATIENCE)
    other = in_background(interrupt_the_stop)
    with pytest.raises(KeyboardInterrupt):
        emulator.__exit__(None, None, None)
    client.join(PATIENCE)
    other.join(PATIENCE)
    assert ended(threads), "an interrupt of the last wait leaves the thread to end by itself"
    with emulator:
        assert listens(emulator)
    assert ended(threads)


async def test_a_cancelled_stop_waits_for_the_picture_in_work(picture: bytes) -> None:
    """No thread of an engine outlives the stop, however often it is cancelled."""
    threads = threading.active_count()
    engine = Gated()
    emulator = Emulator(lambda: engine)
    await emulator.start()
    client = in_background(drop, emulator, picture)
    await until(engine.begun.is_set)
    stopping = asyncio.create_task(emulator.stop())
    await until(lambda: not listens(emulator))
    for _ in range(3):
        stopping.cancel()
        await asyncio.sleep(0)
    assert not stopping.done()
    engine.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    client.join(PATIENCE)
    assert threading.active_count() == threads
