"""Reads pictures on a few threads; equal pictures share one read (single flight).

The rules:

* A *read* is one task of the event loop for one picture. It waits for a slot, then has the picture
  decoded and recognized frame by frame, each by the next free worker. A frame is decoded only when
  the frame before it is at a worker, so even a long animation has few frames in memory.
* The number of slots bounds the pictures in memory. A worker is taken before work is given to it,
  so no work waits in the thread pool. Slots and workers are first come, first served: a GIF of a
  hundred frames and its neighbour alternate.
* There is one slot more than workers, and pictures that may have several frames leave one slot
  free: a small picture is read between two frames of the long animations.
* A worker cannot be stopped, so its work is small: to decode or to recognize one frame of bounded
  size. A read without waiters is cancelled while it waits for a slot or a worker; later it runs to
  its end, and its content is kept for the next caller.
* The contents most recently asked for are kept. Failures are not kept.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from functools import partial
from itertools import chain
from typing import Any, TypeVar

import attrs

from aliocr.emulator.content import Content
from aliocr.emulator.engine import Engine
from aliocr.emulator.reading.recognized import RecognizedFrame, combine_frames
from aliocr.emulator.shielded import shielded
from aliocr.pictures.picture import PictureFrame, decode
from aliocr.pictures.size_limits import PictureError

MAX_WORKERS = 4
"""An engine holds about half a gigabyte, and more threads gain little on a shared machine."""

KEPT_CONTENTS = 256
"""Contents kept; a page of text is some 10 kB."""

HASHED_AT_ONCE = 256 * 1024
"""Bytes hashed before other tasks run: less than a millisecond's work."""

T = TypeVar("T")


class _ClosedError(RuntimeError):
    """The reader was closed before a worker was done."""

    def __init__(self) -> None:
        super().__init__("the picture reader is closed")


@attrs.frozen
class _ReadKey:
    """Calls with equal keys share one read."""

    sha256: bytes
    interval: int | None
    max_frames: int | None


@attrs.define(eq=False)
class _SharedRead:
    """One picture being read for so many waiting calls.

    While it is queued, its task waits for a slot or a worker, so cancellation wastes nothing.
    """

    key: _ReadKey
    task: asyncio.Task[Content] = attrs.field(init=False)
    waiters: int = 0
    queued: bool = True


class PictureReader:
    """Reads pictures on its own threads, so that the event loop stays free.

    Threads and engines start with the first pictures. Close the reader with `aclose()`, on the
    event loop that used it.

    Args:
        engine_factory: Makes an engine, in the worker thread that will use the engine.
        workers: Threads, each with its own engine; None for one per core, at most 4.
    """

    def __init__(self, engine_factory: Callable[[], Engine], workers: int | None = None) -> None:
        if workers is None:
            workers = min(MAX_WORKERS, os.cpu_count() or 1)
        self._engine_factory = engine_factory
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="aliocr-reader")
        self._thread_local = threading.local()
        self._slots = asyncio.Semaphore(workers + 1)
        self._long_slots = asyncio.Semaphore(workers)
        self._hashing = asyncio.Lock()  # many pictures' slices in one loop turn would be a stall
        self._workers = asyncio.Semaphore(workers)
        self._running: set[asyncio.Future[Any]] = set()
        self._reads: dict[_ReadKey, _SharedRead] = {}
        self._contents: OrderedDict[_ReadKey, Content] = OrderedDict()
        self._closed = False

    async def start(self) -> None:
        """Make the first engine now; the first picture would otherwise wait seconds for it.

        Raises:
            ImportError: The `emulator` extra is not installed.
        """
        await asyncio.get_running_loop().run_in_executor(self._pool, self._engine)

    async def read(self, data: bytes, *, interval: int | None, max_frames: int | None) -> Content:
        """Read the frames of a picture that an `Image` with this interval and maximum chooses.

        Empty bytes are refused as no picture. Cancelling a call never disturbs another call for the
        same picture.

        Raises:
            PictureError: The picture is refused or damaged, or (586) the engine failed at it.
            ImportError: The `emulator` extra is not installed.
            RuntimeError: The reader was closed before the picture was read.
        """
        async with self._hashing:
            key = _ReadKey(await _sha256(data), interval, max_frames)
        if self._closed:
            raise _ClosedError
        if (content := self._contents.get(key)) is not None:
            self._contents.move_to_end(key)
            return content
        read = self._reads.get(key)
        if read is None:
            read = self._reads[key] = _SharedRead(key)
            read.task = asyncio.get_running_loop().create_task(self._work(read, data))
            read.task.add_done_callback(partial(self._keep_content, read))
        read.waiters += 1
        try:
            # `await task` would cancel the task with this call, and this call with the task.
            await asyncio.wait((read.task,))
        finally:
            read.waiters -= 1
            if not read.waiters and read.queued:
                self._forget(read)
                read.task.cancel()
        if read.task.cancelled():
            raise _ClosedError
        return read.task.result()

    async def lend(self, function: Callable[..., T], *args: object) -> T:
        """Have a worker call another function for a picture, within one slot.

        The function may work as long as for one frame, as it cannot be stopped.

        Raises:
            PictureError: Raised by the function, or (586) the function failed.
            RuntimeError: The reader is closed.
        """
        async with self._slots:
            return await self._lend(function, *args)

    async def lend_each(self, making: Iterator[T]) -> list[T]:
        """Have workers run an iterator to its end for a picture, within one slot.

        With a slot for each step, the decoded picture would stay in memory beyond its slot. Each
        step may work as long as for one frame; the errors are those of `lend`.
        """
        made: list[T] = []
        async with self._long_slots, self._slots:
            while (one := await self._lend(next, making, None)) is not None:
                made.append(one)
        return made

    async def _lend(self, function: Callable[..., T], *args: object) -> T:
        await self._workers.acquire()
        if self._closed:
            self._workers.release()
            raise _ClosedError
        return await _result(self._submit(function, *args))

    async def aclose(self) -> None:
        """Cancel queued reads, wait for the work that workers have begun, end the threads.

        Waiting calls of `read` raise `RuntimeError` unless their picture is finished by then.
        Cancelling this call does not shorten it, or the threads would stay.
        """
        self._closed = True
        await shielded(asyncio.create_task(self._shut_down()))

    async def _shut_down(self) -> None:
        tasks = [read.task for read in self._reads.values()]
        for read in self._reads.values():
            if read.queued:
                read.task.cancel()
        if pending := {*tasks, *self._running}:
            await asyncio.wait(pending)
        self._contents.clear()
        # The idle workers free their engines as they end, which takes 30 ms.
        with ThreadPoolExecutor(1) as closer:
            await asyncio.get_running_loop().run_in_executor(closer, self._pool.shutdown)

    def _keep_content(self, read: _SharedRead, done: asyncio.Task[Content]) -> None:
        self._forget(read)
        # `exception()` also marks a failure as retrieved, as there may be no waiter left.
        if done.cancelled() or done.exception():
            return
        self._contents[read.key] = done.result()
        if len(self._contents) > KEPT_CONTENTS:
            self._contents.popitem(last=False)

    def _forget(self, read: _SharedRead) -> None:
        """Let no further call join the read; the same picture may have a new read already."""
        if self._reads.get(read.key) is read:
            del self._reads[read.key]

    async def _work(self, read: _SharedRead, data: bytes) -> Content:
        async with AsyncExitStack() as slots:
            if (read.key.max_frames or 1) > 1:
                await self._take(self._long_slots, read)
                slots.callback(self._long_slots.release)
            await self._take(self._slots, read)
            slots.callback(self._slots.release)
            opened = await _result(await self._submit_for(read, self._open, data, read.key))
            if isinstance(opened, RecognizedFrame):
                return combine_frames((opened,))
            recognized: list[asyncio.Future[RecognizedFrame]] = []
            while (
                frame := await _result(await self._submit_for(read, next, opened, None))
            ) is not None:
                recognized.append(await self._submit_for(read, self._recognize, frame))
                del frame  # only the worker holds it while the next frame is decoded
            await asyncio.wait(recognized)
            # To combine a thousand frames takes a while, so a worker does it; it is done even
            # without waiters, as all frames are read.
            await self._workers.acquire()
            frames = [future.result() for future in recognized]
            return await _result(self._submit(combine_frames, frames))

    async def _take(self, semaphore: asyncio.Semaphore, read: _SharedRead) -> None:
        """Wait for a slot or a worker; a read without waiters is cancelled instead."""
        if self._closed or not read.waiters:
            self._forget(read)
            raise asyncio.CancelledError
        read.queued = True
        await semaphore.acquire()
        read.queued = False

    async def _submit_for(
        self, read: _SharedRead, function: Callable[..., T], *args: object
    ) -> asyncio.Future[T]:
        """Take a worker for a read and give it work; see `_result` for how to wait for the end."""
        await self._take(self._workers, read)
        return self._submit(function, *args)

    def _submit(self, function: Callable[..., T], *args: object) -> asyncio.Future[T]:
        """Give work to a taken worker, which is free again afterwards."""
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._pool, partial(_failing_as_documented, function, *args))
        self._running.add(future)
        future.add_done_callback(self._release_worker)
        return future

    def _release_worker(self, future: asyncio.Future[Any]) -> None:
        self._running.discard(future)
        self._workers.release()
        if not future.cancelled():
            future.exception()  # marked as retrieved, as a dropped read never asks for it

    def _open(self, data: bytes, key: _ReadKey) -> Iterator[PictureFrame] | RecognizedFrame:
        """Begin to decode a picture, in a worker; recognize a single frame at once.

        A single frame has no work for other workers.
        """
        frames = decode(data, interval=key.interval, max_frames=key.max_frames)
        first = next(frames)
        second = next(frames, None)
        if second is not None:
            return chain((first, second), frames)
        if self._closed:
            raise _ClosedError
        return self._recognize(first)

    def _engine(self) -> Engine:
        """The engine of the calling worker thread."""
        if not hasattr(self._thread_local, "engine"):
            self._thread_local.engine = self._engine_factory()
        engine: Engine = self._thread_local.engine
        return engine

    def _recognize(self, frame: PictureFrame) -> RecognizedFrame:
        return RecognizedFrame.of(frame, self._engine().recognize(frame.picture))


async def _sha256(data: bytes) -> bytes:
    """Hash any number of bytes in slices, so that other tasks run in between."""
    digest = hashlib.sha256()
    view = memoryview(data)
    for start in range(0, len(view), HASHED_AT_ONCE):
        if start:
            await asyncio.sleep(0)
        digest.update(view[start : start + HASHED_AT_ONCE])
    return digest.digest()


async def _result(future: asyncio.Future[T]) -> T:
    """Wait for a worker; plain `await` would cancel the future and hide that the worker goes on."""
    await asyncio.wait((future,))
    return future.result()


def _failing_as_documented(function: Callable[..., T], *args: object) -> T:
    """Call a function; any unexpected exception becomes the service's 586, "algorithm failed"."""
    try:
        return function(*args)
    except (PictureError, ImportError, _ClosedError):
        raise
    except BaseException as error:  # SystemExit from a library would end the event loop
        raise PictureError(586, f"the engine failed ({type(error).__name__})") from error
