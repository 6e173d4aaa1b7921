"""The service behind the gateway, which answers each task of a request before the deadline."""

from __future__ import annotations

import asyncio
import random
import string
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

import attrs

from aliocr.emulator.codes import image_error
from aliocr.emulator.content import Content
from aliocr.emulator.fairness import LoopSlices
from aliocr.emulator.instructions import ImageAnswer, Instructions
from aliocr.emulator.storage.objects import ObjectStore, StoredObject, is_stored
from aliocr.errors import APIError
from aliocr.image_url import check
from aliocr.models import MAX_DATA_ID_CHARACTERS, Image, Scan, undecoded_regions, with_lazy_regions
from aliocr.protocol.wire import Task

if TYPE_CHECKING:
    from aliocr.emulator.reading.recognition import Recognition

PLACES_AT_READER = 4
"""Maximum number of pictures of one request that the reader has at the same time. Four pictures
keep all workers busy. A picture of another client waits only for these four pictures, not for all
hundred pictures of the request."""

NOT_DONE = "not read before the deadline of its request; ask again, because reading may continue"
"""Message of an image with code 581."""

WIRE_NAMES = {
    "url": "[task.url]",
    "data_id": "[task.dataId]",
    "interval": "[task.interval]",
    "max_frames": "[task.maxFrames]",
}
"""The names that the service's messages use for the fields of an image."""

Settle: TypeAlias = Callable[[int, ImageAnswer], Awaitable[None]]
"""Takes the place of a task in its request, from 0, and its answer."""

_Outcome: TypeAlias = Scan | APIError
_Read: TypeAlias = asyncio.Task[_Outcome]


@attrs.frozen
class _Request:
    """What the images of a request have in common; `places` limits its pictures at the reader."""

    id: str
    uid: str
    frames_at: str
    places: asyncio.Semaphore = attrs.field(
        factory=lambda: asyncio.Semaphore(PLACES_AT_READER), init=False
    )


class Service:
    """The service, which answers the tasks of requests that have passed the gateway.

    `recognition` reads the images for which `instructions` have no answer. If `recognition` is
    None, the text of such an image is `text of {url}`. `objects` has the uploaded images.
    """

    def __init__(
        self,
        instructions: Instructions,
        recognition: Recognition | None,
        slices: LoopSlices,
        objects: ObjectStore,
    ) -> None:
        self._objects = objects
        self._instructions = instructions
        self._slices = slices
        self._recognition = recognition

    async def answer(
        self,
        tasks: Sequence[Task],
        *,
        request_id: str,
        uid: str,
        frames_at: str,
        until: float | None,
    ) -> tuple[ImageAnswer, ...]:
        """Return one answer for each task of a request, in the order of the tasks.

        `uid` is the number of the account, whose uploaded images may be read.

        The addresses of frames begin with `frames_at`. `until` is the deadline by the clock of the
        event loop; None means no deadline. A task that is not done before the deadline gets the
        answer 581.
        """
        request = _Request(request_id, uid, frames_at)
        begun: list[_Outcome | _Read] = []
        try:
            async with self._slices.take(request_id):
                for task in tasks:  # not a list at once: after an error, these are cancelled
                    begun.append(self._begin(task, request))  # noqa: PERF401
            if reads := _reads(begun):
                now = asyncio.get_running_loop().time()
                await asyncio.wait(reads, timeout=None if until is None else until - now)
                async with self._slices.take(id(reads)):
                    pass  # wait, because twenty requests of a hundred images may end together
        finally:
            # No read may run after its request has ended.
            for read in _reads(begun):
                read.cancel()
            await asyncio.gather(*_reads(begun), return_exceptions=True)
        return tuple(zip(tasks, map(_outcome, begun), strict=True))

    async def answer_each(
        self, tasks: Sequence[Task], *, request_id: str, uid: str, frames_at: str, settle: Settle
    ) -> None:
        """Answer the tasks of a request without a deadline, each as soon as it is done.

        The other arguments are as in `answer`.
        """
        request = _Request(request_id, uid, frames_at)

        async def answer_one(place: int, task: Task) -> None:
            async with self._slices.take(request_id):
                begun = self._begin(task, request)
            outcome = await begun if isinstance(begun, asyncio.Task) else begun
            await settle(place, (task, outcome))

        async with asyncio.TaskGroup() as group:
            for place, task in enumerate(tasks):
                group.create_task(answer_one(place, task))

    def _begin(self, task: Task, request: _Request) -> _Outcome | _Read:
        """Return the outcome of a task, or the asyncio task that reads its image."""
        image = _image(task)
        if isinstance(image, APIError):
            return image
        try:
            stored = self._objects.find(task.url, request.uid) if is_stored(task.url) else None
        except APIError as error:
            return error.with_traceback(None)
        outcome = self._instructions.next_outcome(task.url)
        if isinstance(outcome, APIError):
            return outcome
        if outcome is None and self._recognition is not None:
            return asyncio.create_task(_read(self._recognition, image, request, stored))
        return _scan(image, outcome or Content.of_text(f"text of {task.url}"), request.id)


def _reads(begun: Sequence[_Outcome | _Read]) -> list[_Read]:
    return [read for read in begun if isinstance(read, asyncio.Task)]


def problem_of(task: Task) -> APIError | None:
    """Return what is wrong with a task before anything is downloaded; None if it is valid."""
    image = _image(task)
    return image if isinstance(image, APIError) else None


def _image(task: Task) -> Image | APIError:
    """Return the image of a task; if the task is invalid, return the error."""
    try:
        check(task.url)  # as it came: a client must encode the URL
        return Image(task.url, task.data_id, task.interval, task.max_frames)
    except ValueError as error:
        field, _, problem = str(error).partition(" ")
    if len(task.data_id or "") > MAX_DATA_ID_CHARACTERS:
        # This is exactly the message of the service.
        return image_error(400, f"[task.dataId] is too long(>{MAX_DATA_ID_CHARACTERS})")
    if problem.startswith("and "):
        return image_error(400, "[task.interval] and [task.maxFrames] must be used together")
    return image_error(400, f"{WIRE_NAMES[field]} {problem}")


async def _read(
    recognition: Recognition, image: Image, request: _Request, stored: StoredObject | None
) -> _Outcome:
    try:
        content = await recognition.read(image, request.places, request.frames_at, stored)
        return _scan(image, content, request.id)
    except APIError as error:
        # The emulator stores this error with the call. A stored traceback would keep the bytes of
        # the image in memory.
        error.__context__ = None
        return error.with_traceback(None)


def _outcome(begun: _Outcome | _Read) -> _Outcome:
    if not isinstance(begun, asyncio.Task):
        return begun
    return image_error(581, NOT_DONE) if begun.cancelled() else begun.result()


def _scan(image: Image, content: Content, request_id: str) -> Scan:
    """Return the scan with this content.

    Any text gets the suggestion `review`, because accounts of the emulator have no policies, which
    could decide otherwise. Source: "result".
    """
    read = undecoded_regions(content)
    # The id has the form of the documents' samples, `img5A@k7a@B4q@6K@d9nfKgOs-1s****`.
    letters = "".join(random.choices(string.ascii_letters + string.digits, k=26))
    scan = Scan(
        image=image,
        text=content.text,
        regions=() if read else content.regions,
        frames=content.frames,
        label="ocr" if content.text else "normal",
        suggestion="review" if content.text else "pass",
        rate=content.rate,
        task_id=f"img{letters[:22]}-1s{letters[22:]}",
        request_id=request_id,
        width=content.width,
        height=content.height,
        turn=content.turn,
    )
    return with_lazy_regions(scan, read) if read else scan
