"""Reads submitted images in the background, and has their answers pushed."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Coroutine, Sequence

from aliocr.emulator.access.account import Account
from aliocr.emulator.asynchronous.push import Pusher
from aliocr.emulator.asynchronous.tasks import MAX_UNFINISHED, SubmittedTask, Tasks
from aliocr.emulator.calls import Call, count_charged
from aliocr.emulator.codes import image_error
from aliocr.emulator.instructions import ImageAnswer, Instructions
from aliocr.emulator.reading.service import Service
from aliocr.protocol.async_wire import Callback
from aliocr.redaction import without_queries

MAX_PUSHES = 10_000
"""Maximum number of results that wait for their confirmation, so that a callback whose host does
not answer cannot fill the memory. Others are not pushed, and can still be asked for."""

_log = logging.getLogger("aliocr.emulator")


class LaterReader:
    """Reads images that were submitted, as many at the same time as the account's quota allows.

    `aclose` ends the reading; images that are unfinished then get code 500.
    """

    def __init__(
        self, service: Service, instructions: Instructions, tasks: Tasks, pusher: Pusher
    ) -> None:
        self._service = service
        self._instructions = instructions
        self._tasks = tasks
        self._pusher = pusher
        self._unfinished = 0
        self._running: set[asyncio.Task[None]] = set()

    @property
    def room(self) -> int:
        """The number of images that can be taken now."""
        return MAX_UNFINISHED - self._unfinished

    def take(
        self,
        tasks: Sequence[SubmittedTask],
        call: Call,
        account: Account,
        *,
        frames_at: str,
        callback: Callback | None,
    ) -> None:
        """Begin to read the images of one request; they are released from the account's quota."""
        self._unfinished += len(tasks)

        async def settle(place: int, answer: ImageAnswer) -> None:
            await self._settle(tasks[place], answer, call, account, callback)

        images = [task.image for task in tasks]
        reading = self._service.answer_each(
            images,
            request_id=call.request_id,
            uid=account.uid,
            frames_at=frames_at,
            settle=settle,
        )
        work = self._keep(reading)
        work.add_done_callback(lambda _: self._abandon(tasks, account))

    async def _settle(
        self,
        task: SubmittedTask,
        answer: ImageAnswer,
        call: Call,
        account: Account,
        callback: Callback | None,
    ) -> None:
        """Give a task its answer, not before the moment that the script says."""
        delay = self._instructions.result_delays.take(task.image.url)
        if delay is not None:
            await self._tasks.clock.wait_until(task.submitted + delay)
        task.answer = answer[1]
        self._finish(account)
        call.add_answer(answer, charged=count_charged([answer]))
        if callback is None or task.forgotten:
            return
        if self._pusher.waiting < MAX_PUSHES:
            _ = self._keep(self._pusher.push(task, callback))
        else:
            _log.info("a result is not pushed: %s others are not confirmed", MAX_PUSHES)

    def _abandon(self, tasks: Sequence[SubmittedTask], account: Account) -> None:
        """End the tasks that have no answer when their reading has ended."""
        for task in tasks:
            if task.answer is None:
                task.answer = image_error(500)
                self._finish(account)

    def _finish(self, account: Account) -> None:
        self._unfinished -= 1
        account.release_images(1)

    def _keep(self, coroutine: Coroutine[object, object, None]) -> asyncio.Task[None]:
        work = asyncio.create_task(coroutine)
        self._running.add(work)
        work.add_done_callback(self._done)
        return work

    def _done(self, work: asyncio.Task[None]) -> None:
        self._running.discard(work)
        if not work.cancelled() and (error := work.exception()) is not None:
            words = without_queries("".join(traceback.format_exception(error)))
            _log.error("an error in the emulator made a submitted image fail\n%s", words)

    async def aclose(self) -> None:
        """Cancel the reading and the pushes, and wait until they have ended."""
        running = tuple(self._running)
        for work in running:
            work.cancel()
        await asyncio.gather(*running, return_exceptions=True)
