"""Reads pictures on a few threads, each once however many ask for it.

The rules:

* A picture's *job* is one task of the event loop. It waits for its turn, then has the picture
  decoded and read frame by frame, each by whichever worker is free. No frame is decoded before the
  one ahead of it is at a worker: of an animation a few are in memory, however long it is.
* There are a few turns only, so that only so many pictures are in memory; and a worker is
  taken before anything is handed to it, so that nothing queues where it cannot be seen. Turns and
  workers go first come, first served: a GIF of a hundred frames and its neighbour alternate.
* There is one turn more than workers, and pictures that may have several frames leave one: however
  many long animations are in work, a small picture is read between two of their frames.
* What a worker has begun cannot be stopped, so it is little: one frame to decode, of bounded size,
  or to read. A job nobody waits for any more is cancelled if it
  waits for a turn or a worker; else it runs on, and its reading is there for the next who asks.
* Equal pictures in work are one job; those read are kept, the most recently asked for first.
  Failures are not kept.
"""

from __future__ import annotations

import asyncio
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
from aliocr.emulator.reading.digest import sha256
from aliocr.emulator.reading.recognized import Seen, content_of
from aliocr.emulator.shielded import shielded
from aliocr.pictures.bounds import PictureError
from aliocr.pictures.picture import PictureFrame, decode

MAX_WORKERS = 4
"""Engines hold about half a gigabyte each, and neighbours on the machine halve the gain anyway."""

KEPT_READINGS = 256
"""Readings remembered; a page of text is some 10 kB."""

CLOSED = "the picture reader is closed"

T = TypeVar("T")


class _ClosedError(RuntimeError):
    """The reader was closed before a worker was done."""

    def __init__(self) -> None:
        super().__init__(CLOSED)


@attrs.frozen
class _Key:
    """What makes two calls the same work."""

    sha256: bytes
    interval: int | None
    max_frames: int | None


@attrs.define(eq=False)
class _Job:
    """One picture in work.

    Args:
        key: What it is known by while callers may join it.
        task: What does the work; set as soon as the job exists.
        callers: How many wait for the reading.
        queued: The task waits for a turn or a worker, so cancelling it wastes nothing.
    """

    key: _Key
    task: asyncio.Task[Content] = attrs.field(init=False)
    callers: int = 0
    queued: bool = True


class PictureReader:
    """Reads pictures on threads of its own, so that the event loop goes on.

    Threads and engines start with the first pictures. Close it with `aclose()`, on the event loop
    it was used on.

    Args:
        engine_factory: Makes an engine, in the worker thread that will use it.
        workers: Threads, each with an engine of its own; None for one per core, at most 4.
    """

    def __init__(self, engine_factory: Callable[[], Engine], workers: int | None = None) -> None:
        if workers is None:
            workers = min(MAX_WORKERS, os.cpu_count() or 1)
        self._engine_factory = engine_factory
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="aliocr-reader")
        self._of_thread = threading.local()
        self._turns = asyncio.Semaphore(workers + 1)
        self._long_turns = asyncio.Semaphore(workers)
        self._hashing = asyncio.Lock()  # or many pictures' slices would add up to a stall
        self._workers = asyncio.Semaphore(workers)
        self._at_work: set[asyncio.Future[Any]] = set()
        self._jobs: dict[_Key, _Job] = {}
        self._kept: OrderedDict[_Key, Content] = OrderedDict()
        self._closed = False

    async def start(self) -> None:
        """Make the first engine now, which would otherwise cost the first picture seconds.

        Raises:
            ImportError: The `emulator` extra is not installed.
        """
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._pool, self._engine)

    async def read(self, data: bytes, *, interval: int | None, max_frames: int | None) -> Content:
        """Read the chosen frames of a picture.

        Cancelling a call never disturbs another call for the same picture.

        Args:
            data: The file's bytes; may be empty, which is no picture.
            interval: One frame of every `interval`; None, with `max_frames`, for the first only.
            max_frames: At most so many frames.

        Raises:
            PictureError: The picture is refused or damaged, or (586) the engine failed at it.
            ImportError: The `emulator` extra is not installed.
            RuntimeError: The reader is closed, or was before the picture was read.
        """
        async with self._hashing:
            key = _Key(await sha256(data), interval, max_frames)
        if self._closed:
            raise _ClosedError
        if (kept := self._kept.get(key)) is not None:
            self._kept.move_to_end(key)
            return kept
        job = self._jobs.get(key) or self._begin(key, data)
        job.callers += 1
        try:
            # Unlike awaiting the task, this neither cancels it with the caller nor takes its
            # cancellation for the caller's own.
            await asyncio.wait((job.task,))
        finally:
            job.callers -= 1
            if not job.callers and job.queued:
                self._forget(job)
                job.task.cancel()
        if job.task.cancelled():
            raise _ClosedError
        return job.task.result()

    async def lend(self, function: Callable[..., T], *args: object) -> T:
        """Have a worker do something else for a picture, in its turn.

        Args:
            function: What to do, in a thread; no more than for one frame, as nothing stops it.
            args: What it is called with.

        Raises:
            PictureError: As the function says, or (586) it failed.
            RuntimeError: The reader is closed.
        """
        async with self._turns:
            return await self._lent(function, *args)

    async def lend_each(self, making: Iterator[T]) -> list[T]:
        """Have workers make one thing after the other for a picture, all in its one turn.

        In a turn for each of them it would be held decoded meanwhile, beside any number of others.

        Args:
            making: Makes the next one, in a thread; no more than for one frame.

        Raises:
            PictureError: As of `lend`.
            RuntimeError: The same.
        """
        made: list[T] = []
        async with self._long_turns, self._turns:
            while (one := await self._lent(next, making, None)) is not None:
                made.append(one)
        return made

    async def _lent(self, function: Callable[..., T], *args: object) -> T:
        await self._workers.acquire()
        if self._closed:
            self._workers.release()
            raise _ClosedError
        future = self._given(function, *args)
        await asyncio.wait((future,))
        return future.result()

    async def aclose(self) -> None:
        """Drop what is queued, wait for what the workers have begun, end the threads.

        Waiting calls of `read` get a `RuntimeError` unless their picture is finished by then.
        Cancelling this does not shorten it: the threads would stay.
        """
        self._closed = True
        await shielded(asyncio.create_task(self._end()))

    async def _end(self) -> None:
        tasks = [job.task for job in self._jobs.values()]
        for job in self._jobs.values():
            if job.queued:
                job.task.cancel()
        if pending := {*tasks, *self._at_work}:
            await asyncio.wait(pending)
        self._kept.clear()
        # The workers are idle by now, but ending they free their engines, which takes 30 ms.
        with ThreadPoolExecutor(1) as closer:
            await asyncio.get_running_loop().run_in_executor(closer, self._pool.shutdown)

    def _begin(self, key: _Key, data: bytes) -> _Job:
        job = self._jobs[key] = _Job(key)
        job.task = asyncio.get_running_loop().create_task(self._work(job, data))
        job.task.add_done_callback(lambda _: self._settle(job))
        return job

    def _settle(self, job: _Job) -> None:
        """Keep a reading. A failure is marked as seen, since its callers may all have gone."""
        self._forget(job)
        if job.task.cancelled() or job.task.exception():
            return
        self._kept[job.key] = job.task.result()
        if len(self._kept) > KEPT_READINGS:
            self._kept.popitem(last=False)

    def _forget(self, job: _Job) -> None:
        """Let nobody join the job any more; the same picture may be a new job already."""
        if self._jobs.get(job.key) is job:
            del self._jobs[job.key]

    async def _work(self, job: _Job, data: bytes) -> Content:
        async with AsyncExitStack() as turns:
            if (job.key.max_frames or 1) > 1:
                await self._take(self._long_turns, job)
                turns.callback(self._long_turns.release)
            await self._take(self._turns, job)
            turns.callback(self._turns.release)
            opening = await self._hand_over(
                job, self._open, data, job.key.interval, job.key.max_frames
            )
            await asyncio.wait((opening,))
            opened = opening.result()
            if isinstance(opened, Seen):
                return content_of((opened,))
            seen: list[asyncio.Future[Seen]] = []
            while (frame := await self._decoded(job, opened)) is not None:
                seen.append(await self._hand_over(job, self._see, frame))
                del frame  # at the worker; the next one is decoded without it in memory
            await asyncio.wait(seen)
            # Of a thousand frames even this takes a while. It is not dropped for want of callers:
            # what was read is all there.
            await self._workers.acquire()
            whole = self._given(content_of, [each.result() for each in seen])
            await asyncio.wait((whole,))
            return whole.result()

    async def _decoded(self, job: _Job, frames: Iterator[PictureFrame]) -> PictureFrame | None:
        """The next frame, from a worker; None if there is none."""
        decoding: asyncio.Future[PictureFrame | None]
        decoding = await self._hand_over(job, next, frames, None)
        await asyncio.wait((decoding,))
        return decoding.result()

    async def _take(self, places: asyncio.Semaphore, job: _Job) -> None:
        """Queue for a turn or a worker, unless nobody waits for the job any more."""
        if self._closed or not job.callers:
            self._forget(job)
            raise asyncio.CancelledError
        job.queued = True
        await places.acquire()
        job.queued = False

    async def _hand_over(
        self, job: _Job, function: Callable[..., T], *args: object
    ) -> asyncio.Future[T]:
        """Take a worker and give it something to do; the worker is free again when that is done.

        Returns:
            Its result. To be waited for with `asyncio.wait`: cancelling it would only hide that
            the worker goes on.
        """
        await self._take(self._workers, job)
        return self._given(function, *args)

    def _given(self, function: Callable[..., T], *args: object) -> asyncio.Future[T]:
        """Give something to the worker that was taken."""
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._pool, partial(_failing_as_documented, function, *args))
        self._at_work.add(future)
        future.add_done_callback(self._worker_is_free)
        return future

    def _worker_is_free(self, future: asyncio.Future[Any]) -> None:
        self._at_work.discard(future)
        self._workers.release()
        if not future.cancelled():
            future.exception()  # seen, though a dropped job never asks for it

    def _open(
        self, data: bytes, interval: int | None, max_frames: int | None
    ) -> Iterator[PictureFrame] | Seen:
        """Begin to decode a picture in a worker, and read it too if it has one frame only.

        A single frame gives other workers nothing to share, and what is begun is then finished.
        """
        frames = decode(data, interval=interval, max_frames=max_frames)
        first = next(frames)
        second = next(frames, None)
        if second is not None:
            return chain((first, second), frames)
        if self._closed:
            raise _ClosedError
        return self._see(first)

    def _engine(self) -> Engine:
        """The engine of the worker thread this is called in."""
        if not hasattr(self._of_thread, "engine"):
            self._of_thread.engine = self._engine_factory()
        engine: Engine = self._of_thread.engine
        return engine

    def _see(self, frame: PictureFrame) -> Seen:
        """Read a frame in a worker."""
        return Seen.of(frame, self._engine().recognize(frame.picture))


def _failing_as_documented(function: Callable[..., T], *args: object) -> T:
    """Call a function; what nobody foresaw becomes the service's "algorithm failed"."""
    try:
        return function(*args)
    except (PictureError, ImportError, _ClosedError):
        raise
    except BaseException as error:  # a library's SystemExit would end the event loop
        raise PictureError(586, f"the engine failed ({type(error).__name__})") from error
