"""Start and stop of the emulator, also when cancelled or interrupted."""

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
from tests.support.asking import PATIENCE, arrived, ask, gone, port_of, until
from tests.support.raw import request_of

POSIX = pytest.mark.skipif(
    not hasattr(signal, "pthread_kill"), reason="needs signals to a thread, as POSIX has them"
)


def listens(emulator: Emulator) -> bool:
    """Return True if a client can connect."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port_of(emulator))) == 0


async def hanging(emulator: Emulator) -> asyncio.StreamWriter:
    """Start it, and let a request hang in it."""
    emulator.hang(times=1)
    await emulator.start()
    _, writer = await asyncio.open_connection("127.0.0.1", port_of(emulator))
    writer.write(request_of(emulator))
    await arrived(emulator, 1)
    return writer


async def cancelled_after(turns: int, doing: Coroutine[Any, Any, object]) -> bool:
    """Cancel a task this many loop iterations after its start; return True if it was cancelled."""
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
    """At any point of the stop: nothing listens or runs on, and it can be started again."""
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
    """At any point of the start."""
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
    """For example by a timeout around the test."""
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
    """Such a scope cancels again and again until its tasks have ended."""
    anyio = pytest.importorskip("anyio")
    emulator = Emulator()
    with anyio.CancelScope() as scope:
        async with emulator:
            scope.cancel()
            await anyio.sleep_forever()
    assert scope.cancelled_caught
    assert not listens(emulator)


async def test_of_two_starts_the_second_is_refused() -> None:
    """However close together: one emulator runs, and ends when it is stopped."""
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
    """It waits for the start, then stops."""
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
    """Both return the number of requests that were cut off, when all is stopped."""
    emulator = Emulator()
    writer = await hanging(emulator)
    patient = asyncio.create_task(emulator.stop(grace=1000 * PATIENCE))
    await until(lambda: not listens(emulator))
    assert await emulator.stop() == 1
    assert await patient == 1
    writer.close()


# --- in a thread, used from event loops -----------------------------------------------------------


def test_in_a_thread_the_service_can_go_away_and_come_back() -> None:
    """In the middle of a test, from any event loop; hanging requests are cut off."""
    threads = threading.active_count()
    with Emulator() as emulator:
        emulator.hang(times=1)

        async def meet() -> int:
            _, writer = await asyncio.open_connection("127.0.0.1", port_of(emulator))
            writer.write(request_of(emulator))
            await arrived(emulator, 1)
            cut_off = await emulator.stop()
            writer.close()
            return cut_off

        assert asyncio.run(meet()) == 1
        assert not listens(emulator)
        asyncio.run(emulator.start())
        with pytest.raises(RuntimeError, match="already started"):
            asyncio.run(emulator.start())
        assert asyncio.run(ask(emulator)).codes == [200]
    assert not listens(emulator)
    assert threading.active_count() == threads


def test_in_a_thread_a_cancelled_stop_stops_all_the_same() -> None:
    """The cancellation ends the grace, and is raised when all is stopped."""
    with Emulator() as emulator:
        emulator.hang(times=1)

        async def meet() -> None:
            _, writer = await asyncio.open_connection("127.0.0.1", port_of(emulator))
            writer.write(request_of(emulator))
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
    """With an error instead of a wait for ever; the emulator goes on."""
    async with Emulator() as emulator:
        with pytest.raises(RuntimeError, match="another event loop"):
            await asyncio.to_thread(asyncio.run, emulator.stop())
        assert (await ask(emulator)).codes == [200]
    assert not listens(emulator)


@pytest.fixture
def heeds_ctrl_c() -> Iterator[None]:
    """Return True unless SIGINT is ignored, as for background jobs of a shell."""
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
    """The work is cancelled, and ends before the thread."""
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
    """Return True when no more threads than these are left, after a short wait."""
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
        """Wait for the gate, then return no text."""
        self.begun.set()
        assert self.gate.wait(PATIENCE)
        return ()


@pytest.fixture
def picture() -> bytes:
    """Return a picture as a file."""
    pytest.importorskip("PIL")
    from PIL import Image

    from tests.support.drawing import RED, encoded

    return encoded(Image.new("RGB", (20, 20), RED))


def drop(emulator: Emulator, picture: bytes) -> None:
    """Send a picture as the page does, and ignore the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port_of(emulator))
    connection.request("POST", "/_emulator/read", picture)
    with suppress(OSError, http.client.HTTPException):
        connection.getresponse()
    connection.close()


def in_background(doing: Callable[..., None], *args: object) -> threading.Thread:
    """Run the function in a thread, and return the thread."""
    thread = threading.Thread(target=doing, args=args, daemon=True)
    thread.start()
    return thread


@POSIX
@pytest.mark.usefixtures("heeds_ctrl_c")
def test_ctrl_c_while_it_stops_ends_everything(picture: bytes) -> None:
    """It waits for the picture being read; no thread remains, and it can start again."""
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
    """No engine thread outlives the stop, however often the stop is cancelled."""
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
