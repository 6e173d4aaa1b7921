"""Reads pictures on a few threads; equal pictures share one read (single flight).

The rules:

* A *read* is one task of the event loop for one picture. A *worker* is a thread with an engine. A
  *slot* is the right to hold one picture in memory.
* A read waits for a slot. Then workers decode and recognize the picture frame by frame; the next
  free worker does each step. A frame is decoded only when the frame before is at a worker, so even
  a long animation has few frames in memory.
* The number of slots limits the pictures in memory. A read takes a worker before it submits work,
  so no work waits in the thread pool. Slots and workers are first come, first served, so a GIF of
  a hundred frames and another picture alternate.
* There is one slot more than workers. Pictures that may have several frames leave one slot free, so
  that a small picture is read between two frames of long animations.
* A worker cannot be stopped, so its work is small: decode or recognize one frame of limited size.
* A read without waiting calls is cancelled at its next wait for a slot or a worker. If no such wait
  is left, the read is finished, and its content is kept for the next call.
* The most recently requested contents are kept. Failures are not kept.
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
"""Maximum number of workers by default. Reason: an engine uses about half a gigabyte of memory, and
more threads make little difference on a shared machine."""

KEPT_CONTENTS = 256
"""Maximum number of kept contents. A page of text needs about 10 kB."""

HASHED_AT_ONCE = 256 * 1024
"""Number of bytes that are hashed before other tasks run: less than a millisecond of work."""

T = TypeVar("T")


class _ClosedError(RuntimeError):
    """The reader was closed before a worker had finished."""

    def __init__(self) -> None:
        super().__init__("the picture reader is closed")


@attrs.frozen
class _ReadKey:
    """The key of a read. Calls with equal keys share one read."""

    sha256: bytes
    interval: int | None
    max_frames: int | None


@attrs.define(eq=False)
class _SharedRead:
    """One read of a picture, and the number of calls that wait for this read.

    A queued read waits for a slot or a worker, so its cancellation wastes no work.
    """

    key: _ReadKey
    task: asyncio.Task[Content] = attrs.field(init=False)
    waiters: int = 0
    queued: bool = True


class PictureReader:
    """A reader of pictures, which works on its own threads so that the event loop stays free.

    Threads and engines start with the first pictures. Close the reader with `aclose()`, on the
    event loop that used the reader.

    Args:
        engine_factory: A function that makes an engine in the worker thread that uses the engine.
        workers: Number of threads, each with a separate engine. None means one thread per core, but
            at most 4.
    """

    def __init__(self, engine_factory: Callable[[], Engine], workers: int | None = None) -> None:
        if workers is None:
            workers = min(MAX_WORKERS, os.cpu_count() or 1)
        self._engine_factory = engine_factory
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="aliocr-reader")
        self._thread_local = threading.local()
        self._slots = asyncio.Semaphore(workers + 1)
        self._long_slots = asyncio.Semaphore(workers)
        self._hashing = asyncio.Lock()  # hashing of many pictures would block the loop
        self._workers = asyncio.Semaphore(workers)
        self._running: set[asyncio.Future[Any]] = set()
        self._reads: dict[_ReadKey, _SharedRead] = {}
        self._contents: OrderedDict[_ReadKey, Content] = OrderedDict()
        self._closed = False

    async def start(self) -> None:
        """Make the first engine now; otherwise the first picture would wait seconds for the engine.

        Raises:
            ImportError: The `emulator` extra is not installed.
        """
        await asyncio.get_running_loop().run_in_executor(self._pool, self._engine)

    async def read(self, data: bytes, *, interval: int | None, max_frames: int | None) -> Content:
        """Read a picture and return its content.

        `interval` and `max_frames` choose the frames, as in an `Image`. Empty bytes are refused,
        because they are not a picture. Cancelling a call does not affect other calls for the same
        picture.

        Raises:
            PictureError: The picture is refused or damaged, or the engine failed (code 586).
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
            # `wait` is needed, because `await task` would cancel the task with this call, and this
            # call with the task.
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
        """Return the result of a function for a picture; a worker calls the function, in one slot.

        The function cannot be stopped, so it may take as long as one frame, but not longer.

        Raises:
            PictureError: The function raised this error, or failed otherwise (code 586).
            RuntimeError: The reader is closed.
        """
        async with self._slots:
            return await self._lend(function, *args)

    async def lend_each(self, making: Iterator[T]) -> list[T]:
        """Return all results of an iterator for a picture; workers run each step, within one slot.

        One slot is held for all steps, because the decoded picture stays in memory until the end.
        A step may take as long as one frame. Errors are the same as in `lend`.
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
        """Cancel queued reads, wait for the work that workers have begun, and end the threads.

        Waiting calls of `read` raise `RuntimeError` if their picture is not finished. If this call
        is cancelled, it still waits for the threads, because otherwise the threads would stay.
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
        # Ending a worker frees its engine, which takes 30 ms, so another thread waits for the end.
        with ThreadPoolExecutor(1) as closer:
            await asyncio.get_running_loop().run_in_executor(closer, self._pool.shutdown)

    def _keep_content(self, read: _SharedRead, done: asyncio.Task[Content]) -> None:
        self._forget(read)
        # `exception()` also marks a failure as retrieved: if no call waits for this read any more,
        # asyncio would log the failure otherwise.
        if done.cancelled() or done.exception():
            return
        self._contents[read.key] = done.result()
        if len(self._contents) > KEPT_CONTENTS:
            self._contents.popitem(last=False)

    def _forget(self, read: _SharedRead) -> None:
        """Remove the read, so that no new call joins it; keep a newer read of the same picture."""
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
                del frame  # so that only the worker has this frame while the next frame is decoded
            await asyncio.wait(recognized)
            # A worker combines the frames, because a thousand frames take some time. The frames are
            # combined even if no call waits, because all frames are read.
            await self._workers.acquire()
            frames = [future.result() for future in recognized]
            return await _result(self._submit(combine_frames, frames))

    async def _take(self, semaphore: asyncio.Semaphore, read: _SharedRead) -> None:
        """Wait for a slot or a worker; cancel the read if no call waits for the read."""
        if self._closed or not read.waiters:
            self._forget(read)
            raise asyncio.CancelledError
        read.queued = True
        await semaphore.acquire()
        read.queued = False

    async def _submit_for(
        self, read: _SharedRead, function: Callable[..., T], *args: object
    ) -> asyncio.Future[T]:
        """Wait for a free worker, and submit the function; `_result` waits for its result."""
        await self._take(self._workers, read)
        return self._submit(function, *args)

    def _submit(self, function: Callable[..., T], *args: object) -> asyncio.Future[T]:
        """Submit work to a worker that was taken; the worker is free after the work."""
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._pool, partial(_failing_as_documented, function, *args))
        self._running.add(future)
        future.add_done_callback(self._release_worker)
        return future

    def _release_worker(self, future: asyncio.Future[Any]) -> None:
        self._running.discard(future)
        self._workers.release()
        if not future.cancelled():
            future.exception()  # marks the error as retrieved, because an abandoned read does not

    def _open(self, data: bytes, key: _ReadKey) -> Iterator[PictureFrame] | RecognizedFrame:
        """Begin to decode a picture, in a worker.

        Recognize a single frame immediately, because there is no work for other workers.
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
        """Return the engine of the current worker thread; make the engine if there is none."""
        if not hasattr(self._thread_local, "engine"):
            self._thread_local.engine = self._engine_factory()
        engine: Engine = self._thread_local.engine
        return engine

    def _recognize(self, frame: PictureFrame) -> RecognizedFrame:
        return RecognizedFrame.of(frame, self._engine().recognize(frame.picture))


async def _sha256(data: bytes) -> bytes:
    """Return the SHA-256 of the data; hash slice by slice, so that other tasks can run."""
    digest = hashlib.sha256()
    view = memoryview(data)
    for start in range(0, len(view), HASHED_AT_ONCE):
        if start:
            await asyncio.sleep(0)
        digest.update(view[start : start + HASHED_AT_ONCE])
    return digest.digest()


async def _result(future: asyncio.Future[T]) -> T:
    """Return a worker's result; plain `await` would cancel the future, but not the worker."""
    await asyncio.wait((future,))
    return future.result()


def _failing_as_documented(function: Callable[..., T], *args: object) -> T:
    """Call a function; turn any unexpected exception into code 586, "algorithm failed"."""
    try:
        return function(*args)
    except (PictureError, ImportError, _ClosedError):
        raise
    except BaseException as error:  # SystemExit from a library would end the event loop
        raise PictureError(586, f"the engine failed ({type(error).__name__})") from error
