"""An event loop in a thread of its own, for those who have none or must not be kept waiting."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Coroutine
from typing import Any, Generic, TypeVar

import attrs

from aliocr.emulator.shielded import shielded

T = TypeVar("T")


@attrs.define(eq=False)
class _LoopCall(Generic[T]):
    """A coroutine to be run on the loop, and what comes of it, for another thread.

    The futures that asyncio makes for this say "cancelled" before the task has ended.
    """

    loop: asyncio.AbstractEventLoop
    coroutine: Coroutine[Any, Any, T]
    outcome: concurrent.futures.Future[T] = attrs.field(factory=concurrent.futures.Future)
    task: asyncio.Task[T] | None = None

    def begin(self) -> asyncio.Task[T]:
        """Make the task; on the loop."""
        self.task = task = self.loop.create_task(self.coroutine)
        task.add_done_callback(self._settle)
        return task

    def cancel(self) -> None:
        """Cancel the task, from any thread, unless it has ended."""
        if not self.outcome.done():
            self.loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        if self.task is None:  # interrupted before it was sent: it would have begun by now
            self.coroutine.close()
        else:
            self.task.cancel()

    def _settle(self, task: asyncio.Task[T]) -> None:
        if task.cancelled():
            self.outcome.cancel()
        elif (error := task.exception()) is not None:
            self.outcome.set_exception(error)
        else:
            self.outcome.set_result(task.result())


class LoopThread:
    """A running event loop in a thread. Close it with `close()`.

    The thread is a daemon: a program that forgets to close it ends all the same.
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._errands: set[asyncio.Task[Any]] = set()
        self._closing = asyncio.Event()
        self._open = True
        self._gate = threading.Lock()
        self._thread = threading.Thread(target=self._live, name="aliocr-emulator", daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop, and wait for what it gives or raises.

        If the wait is interrupted, by Ctrl-C for one, the coroutine is cancelled; `close` waits for
        its end then.
        """
        errand = _LoopCall(self._loop, coroutine)
        try:
            self._send(errand)
            return errand.outcome.result()
        except BaseException:
            # An interrupt comes wherever it likes, also while it is being sent.
            if not self._loop.is_closed():
                errand.cancel()
            raise

    async def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The same for whoever has an event loop, be it this one.

        A cancellation is passed on to the coroutine, and raised when that has ended.
        """
        if asyncio.get_running_loop() is self._loop:
            return await coroutine
        errand = _LoopCall(self._loop, coroutine)
        self._send(errand)
        return await shielded(asyncio.wrap_future(errand.outcome), on_cancel=errand.cancel)

    def close(self) -> None:
        """End the loop and the thread, when what it was to run has ended.

        Whatever else runs on it is cancelled. If the wait is interrupted, it ends all the same.
        """
        with self._gate:
            if self._open:
                self._open = False
                self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join()

    def _send(self, errand: _LoopCall[Any]) -> None:
        with self._gate:  # nothing is sent that the loop would not begin before it ends
            if self._open:
                self._loop.call_soon_threadsafe(self._begin, errand)
                return
        errand.coroutine.close()
        raise RuntimeError("the emulator's thread has ended")

    def _begin(self, errand: _LoopCall[Any]) -> None:
        task = errand.begin()
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    def _live(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._until_closed())

    async def _until_closed(self) -> None:
        await self._closing.wait()
        while self._errands:
            await asyncio.wait(self._errands)
