"""Reads pictures on a few threads; calls for equal pictures share one read (single flight).

The rules:

* A *read* is one task of the event loop for one picture. A *worker* is a thread with an engine. A
  *slot* is the right to hold one picture in memory.
* A read waits for a slot. Then workers decode and recognize the picture frame by frame; each step
  is done by the next free worker. A frame is decoded only when a worker has the frame before, so
  even a long animation has few frames in memory.
* The number of slots limits the pictures in memory. A read takes a worker before it submits work,
  so no work waits in the thread pool. Reads get slots and workers in the order in which they ask,
  so a GIF of a hundred frames and another picture use the workers in turn.
* There is one slot more than workers. Pictures that may have several frames leave one slot free, so
  that a small picture is read between two frames of long animations.
* A worker cannot be stopped, so each piece of its work is small: it decodes or recognizes one frame
  of limited size.
* If no call waits for a read any more, the read is cancelled when it next waits for a slot or a
  worker. If it does not wait any more, it goes on to its end, and its content is kept.
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
from aliocr.emulator.reading.recognized import RecognizedFrame
from aliocr.emulator.reading.whole import Parts, frame_parts, whole_parts
from aliocr.emulator.shielded import shielded
from aliocr.pictures.picture import PictureFrame
from aliocr.pictures.size_limits import PictureError

MAX_WORKERS = 4
"""Maximum number of workers by default. Reason: an engine uses about half a gigabyte of memory, and
more threads make little difference on a shared machine."""

KEPT_CONTENTS = 256
"""Maximum number of kept contents. The content of a page of text needs about 10 kB of memory."""

HASHED_AT_ONCE = 256 * 1024
"""Number of bytes that are hashed before other tasks can run. To hash these bytes takes less than a
millisecond."""

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

    `queued` is True while the read waits for a slot or a worker. Only then is it cancelled.
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
        whole_pictures: As in `aliocr.emulator.Emulator`.
    """

    def __init__(
        self,
        engine_factory: Callable[[], Engine],
        workers: int | None = None,
        *,
        whole_pictures: bool = False,
    ) -> None:
        if workers is None:
            workers = min(MAX_WORKERS, os.cpu_count() or 1)
        self._engine_factory = engine_factory
        self._parts = whole_parts if whole_pictures else frame_parts
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="aliocr-reader")
        self._thread_local = threading.local()
        self._slots = asyncio.Semaphore(workers + 1)
        self._long_slots = asyncio.Semaphore(workers)
        self._hashing = asyncio.Lock()  # to hash many pictures at a time would block the loop
        self._workers = asyncio.Semaphore(workers)
        self._running: set[asyncio.Future[Any]] = set()
        self._reads: dict[_ReadKey, _SharedRead] = {}
        self._contents: OrderedDict[_ReadKey, Content] = OrderedDict()
        self._closed = False

    async def start(self) -> None:
        """Make the first engine now, so that the first picture does not wait seconds for an engine.

        Raises:
            ImportError: The `emulator` extra is not installed.
        """
        await asyncio.get_running_loop().run_in_executor(self._pool, self._engine)

    async def read(self, data: bytes, *, interval: int | None, max_frames: int | None) -> Content:
        """Read a picture and return its content.

        `interval` and `max_frames` choose the frames, as in an `Image`. Empty bytes are refused,
        because they are not a picture. If a call is cancelled, other calls for the same picture go
        on.

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
            # `await task` cannot be used here: if this call is cancelled, it would cancel the task,
            # and if the task is cancelled, it would cancel this call.
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
        """Let a worker call a function for a picture, within one slot, and return its result.

        A running function cannot be stopped, so it must not take longer than reading one frame.

        Raises:
            PictureError: The function raised this error or an unexpected error (code 586).
            RuntimeError: The reader is closed.
        """
        async with self._slots:
            return await self._lend(function, *args)

    async def lend_each(self, making: Iterator[T]) -> list[T]:
        """Let workers run an iterator for a picture, step by step, and return all its results.

        One slot is held for all steps, because the decoded picture stays in memory until the end.
        A step must not take longer than reading one frame. Errors are the same as in `lend`.
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
        is cancelled, it still waits for the threads; if it did not, the threads would stay.
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
        # When a worker ends, its engine is freed, which takes 30 ms. Another thread waits for this,
        # so that the event loop stays free.
        with ThreadPoolExecutor(1) as closer:
            await asyncio.get_running_loop().run_in_executor(closer, self._pool.shutdown)

    def _keep_content(self, read: _SharedRead, done: asyncio.Task[Content]) -> None:
        self._forget(read)
        # `exception()` also marks a failure as retrieved. Without this, asyncio would log the
        # failure of a read for which no call waits any more.
        if done.cancelled() or done.exception():
            return
        self._contents[read.key] = done.result()
        if len(self._contents) > KEPT_CONTENTS:
            self._contents.popitem(last=False)

    def _forget(self, read: _SharedRead) -> None:
        """Remove the read, so that no new call joins it; keep a newer read with the same key."""
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
            if isinstance(opened, Content):
                return opened
            recognized: list[asyncio.Future[RecognizedFrame]] = []
            while (
                frame := await _result(await self._submit_for(read, next, opened.frames, None))
            ) is not None:
                recognized.append(await self._submit_for(read, self._recognize, frame))
                del frame  # so that only the worker has this frame while the next frame is decoded
            await asyncio.wait(recognized)
            # A worker combines the frames, because a thousand frames take some time. The frames are
            # combined even if no call waits any more, because all frames have already been read.
            frames = [future.result() for future in recognized]
            combining = opened.combined(frames, self._recognize)
            while True:
                await self._workers.acquire()
                if content := await _result(self._submit(lambda: next(combining))):
                    return content

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
        """Wait for a free worker, and submit the function; use `_result` to wait for its result."""
        await self._take(self._workers, read)
        return self._submit(function, *args)

    def _submit(self, function: Callable[..., T], *args: object) -> asyncio.Future[T]:
        """Submit work to a worker that is already taken; when the work ends, the worker is free."""
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._pool, partial(_failing_as_documented, function, *args))
        self._running.add(future)
        future.add_done_callback(self._release_worker)
        return future

    def _release_worker(self, future: asyncio.Future[Any]) -> None:
        self._running.discard(future)
        self._workers.release()
        if not future.cancelled():
            future.exception()  # marks the error as retrieved; a cancelled read does not do this

    def _open(self, data: bytes, key: _ReadKey) -> Parts | Content:
        """Begin to decode a picture, in a worker.

        If the picture has only one frame, the same worker recognizes the frame immediately, because
        there is nothing that another worker could do at the same time.
        """
        parts = self._parts(data, key.interval, key.max_frames)
        first = next(parts.frames)
        second = next(parts.frames, None)
        if second is not None:
            return Parts(chain((first, second), parts.frames), parts.combined)
        if self._closed:
            raise _ClosedError
        recognized = (self._recognize(first),)
        return next(filter(None, parts.combined(recognized, self._recognize)))

    def _engine(self) -> Engine:
        """Return the engine of the current worker thread; make the engine if there is none."""
        if not hasattr(self._thread_local, "engine"):
            self._thread_local.engine = self._engine_factory()
        engine: Engine = self._thread_local.engine
        return engine

    def _recognize(self, frame: PictureFrame) -> RecognizedFrame:
        found = self._engine().recognize(frame.picture)
        return RecognizedFrame.of(frame, found, getattr(found, "turn", None))


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
    """Return a worker's result.

    If a plain `await` were cancelled, the future would be cancelled, but the worker would go on.
    """
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
