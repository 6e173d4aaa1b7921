"""The service behind the gateway: tasks in, one answer for each out, before the deadline."""

from __future__ import annotations

import asyncio
import random
import string
from collections.abc import Sequence
from typing import TYPE_CHECKING

from aliocr.emulator.codes import image_error
from aliocr.emulator.content import Content
from aliocr.emulator.fairness import LoopSlices
from aliocr.emulator.instructions import ImageAnswer, Instructions
from aliocr.errors import APIError
from aliocr.models import MAX_DATA_ID_CHARACTERS, Image, Scan, unread, with_unread
from aliocr.protocol.wire import Task

if TYPE_CHECKING:
    from aliocr.emulator.reading.recognition import Recognition

PLACES_AT_READER = 4
"""Pictures of one request at the reader at once: enough to keep every worker busy, few enough that
another client's picture waits for four and not for a hundred."""

NOT_DONE = "not read by the deadline of its request; ask again, what was begun is being finished"

WIRE_NAMES = {
    "url": "[task.url]",
    "data_id": "[task.dataId]",
    "interval": "[task.interval]",
    "max_frames": "[task.maxFrames]",
}
"""Fields of an image as the service's messages spell them."""


class Service:
    """Answers the tasks of requests that passed the gateway.

    Args:
        instructions: Asked first what becomes of an image.
        recognition: Reads the images without an instruction; None for
            `text of {url}` instead.
        slices: Shared with whatever else holds the event loop for some milliseconds.
    """

    def __init__(
        self, instructions: Instructions, recognition: Recognition | None, slices: LoopSlices
    ) -> None:
        self._instructions = instructions
        self._slices = slices
        self._recognition = recognition

    async def answer(
        self, tasks: Sequence[Task], *, request_id: str, until: float | None
    ) -> tuple[ImageAnswer, ...]:
        """One answer for each task, in order.

        Args:
            tasks: Of one request.
            request_id: The request's.
            until: When to stop, by the event loop's clock: tasks that are not done by then are
                answered with 581. None waits for all.
        """
        places = asyncio.Semaphore(PLACES_AT_READER)
        begun: list[Scan | APIError | asyncio.Task[Scan | APIError]] = []
        try:
            async with self._slices.take(request_id):
                for task in tasks:  # one by one: if one fails, those before it have begun
                    begun.append(self._begin(task, request_id, places))  # noqa: PERF401
            await self._wait(_reads(begun), until)
        finally:
            # Whatever came between: no read is under way when its request is not.
            for read in _reads(begun):
                read.cancel()
            await asyncio.gather(*_reads(begun), return_exceptions=True)
        answers = [_settled(read) if isinstance(read, asyncio.Task) else read for read in begun]
        return tuple(zip(tasks, answers, strict=True))

    def _begin(
        self, task: Task, request_id: str, places: asyncio.Semaphore
    ) -> Scan | APIError | asyncio.Task[Scan | APIError]:
        """The answer, or what will have it if the image must be read."""
        image = _image(task)
        if isinstance(image, APIError):
            return image
        outcome = self._instructions.next_outcome(task.url)
        if isinstance(outcome, APIError):
            return outcome
        if outcome is None and self._recognition is not None:
            return asyncio.create_task(_read(self._recognition, image, request_id, places))
        return _scan(image, outcome or Content.of_text(f"text of {task.url}"), request_id)

    async def _wait(
        self, reads: Sequence[asyncio.Task[Scan | APIError]], until: float | None
    ) -> None:
        """Wait for all reads, or till then."""
        if not reads:
            return
        timeout = None if until is None else max(0.0, until - asyncio.get_running_loop().time())
        await asyncio.wait(reads, timeout=timeout)
        async with self._slices.take(id(reads)):
            pass  # twenty requests may end in the same instant, a hundred images each


def _reads(
    begun: Sequence[Scan | APIError | asyncio.Task[Scan | APIError]],
) -> list[asyncio.Task[Scan | APIError]]:
    """What must be waited for, of what was begun."""
    return [read for read in begun if isinstance(read, asyncio.Task)]


def _image(task: Task) -> Image | APIError:
    """The image that a task names, or what is wrong with the task."""
    if task.url.lower().startswith("oss://"):
        return image_error(403, "[task.url] the OSS path is not authorised: nobody here has any")
    try:
        return Image(task.url, task.data_id, task.interval, task.max_frames)
    except ValueError as error:
        field, _, problem = str(error).partition(" ")
    if len(task.data_id or "") > MAX_DATA_ID_CHARACTERS:
        # The service's own words, where they are known.
        return image_error(400, f"[task.dataId] is too long(>{MAX_DATA_ID_CHARACTERS})")
    if problem.startswith("and "):
        return image_error(400, "[task.interval] and [task.maxFrames] go together")
    return image_error(400, f"{WIRE_NAMES[field]} {problem}")


async def _read(
    recognition: Recognition, image: Image, request_id: str, places: asyncio.Semaphore
) -> Scan | APIError:
    try:
        return _scan(image, await recognition.read(image, places), request_id)
    except APIError as error:
        # Those who keep calls would keep what the frames of its way here hold: the whole file.
        error.__context__ = None
        return error.with_traceback(None)


def _settled(read: asyncio.Task[Scan | APIError]) -> Scan | APIError:
    return image_error(581, NOT_DONE) if read.cancelled() else read.result()


def _scan(image: Image, content: Content, request_id: str) -> Scan:
    """Text is always to be reviewed, as no policy of one's own is emulated. Source: "result"."""
    read = unread(content)
    scan = Scan(
        image=image,
        text=content.text,
        regions=() if read else content.regions,
        frames=content.frames,
        label="ocr" if content.text else "normal",
        suggestion="review" if content.text else "pass",
        rate=content.rate,
        task_id=_task_id(),
        request_id=request_id,
    )
    return with_unread(scan, read) if read else scan


def _task_id() -> str:
    """Of the form of the documents' samples, `img5A@k7a@B4q@6K@d9nfKgOs-1s****`."""
    letters = random.choices(string.ascii_letters + string.digits, k=26)
    return f"img{''.join(letters[:22])}-1s{''.join(letters[22:])}"
