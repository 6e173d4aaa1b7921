"""An event loop in its own thread, for callers that block and for tests with their own loop."""

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
    """A coroutine that runs on the loop, and whose result is for another thread.

    `asyncio.run_coroutine_threadsafe` is not enough: if its future is cancelled, the future is done
    before the task has ended.
    """

    loop: asyncio.AbstractEventLoop
    coroutine: Coroutine[Any, Any, T]
    outcome: concurrent.futures.Future[T] = attrs.field(factory=concurrent.futures.Future)
    task: asyncio.Task[T] | None = None

    def begin(self, running: set[asyncio.Task[Any]]) -> None:
        """Create the task on the loop, and keep the task in `running` until the task ends."""
        self.task = task = self.loop.create_task(self.coroutine)
        task.add_done_callback(self._settle)
        running.add(task)
        task.add_done_callback(running.discard)

    def cancel(self) -> None:
        """Cancel the task, from any thread, unless it has ended."""
        if not self.outcome.done():
            self.loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        if self.task is None:  # the call was interrupted before the coroutine was sent
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
    """An event loop that runs in a thread until `close()`.

    The thread is a daemon, so that a program that forgets `close()` can end.
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closing = asyncio.Event()
        self._open = True
        self._gate = threading.Lock()
        self._thread = threading.Thread(target=self._run_loop, name="aliocr-emulator", daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop, block until it ends, and return its result.

        If the wait is interrupted, for example by Ctrl-C, the coroutine is cancelled, and `close`
        waits until the coroutine has ended.
        """
        call = _LoopCall(self._loop, coroutine)
        try:
            self._send(call)
            return call.outcome.result()
        except BaseException:
            # An interrupt may happen at any point, also inside `_send`.
            if not self._loop.is_closed():
                call.cancel()
            raise

    async def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop, and await its result on any event loop.

        If this wait is cancelled, the coroutine is cancelled too. `CancelledError` is raised when
        the coroutine has ended.
        """
        if asyncio.get_running_loop() is self._loop:
            return await coroutine
        call = _LoopCall(self._loop, coroutine)
        self._send(call)
        return await shielded(asyncio.wrap_future(call.outcome), on_cancel=call.cancel)

    def close(self) -> None:
        """Wait for the coroutines of `run` and `call`, then end the loop and the thread.

        Other tasks on the loop are cancelled. If this wait is interrupted, the loop and the thread
        still end when the coroutines have ended.
        """
        with self._gate:
            if self._open:
                self._open = False
                self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join()

    def _send(self, call: _LoopCall[Any]) -> None:
        with self._gate:  # so that a sent coroutine begins before the loop ends
            if self._open:
                self._loop.call_soon_threadsafe(call.begin, self._tasks)
                return
        call.coroutine.close()
        raise RuntimeError("the emulator's thread has ended")

    def _run_loop(self) -> None:
        async def until_closed() -> None:
            await self._closing.wait()
            while self._tasks:
                await asyncio.wait(self._tasks)

        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(until_closed())
