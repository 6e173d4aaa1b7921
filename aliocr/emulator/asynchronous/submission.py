"""The operation ImageAsyncScan: images are accepted, and read after the reply."""

from __future__ import annotations

from functools import partial

from aliocr.emulator.access.refusal import Refusal
from aliocr.emulator.asynchronous.later import LaterReader
from aliocr.emulator.asynchronous.tasks import SubmittedTask, Tasks
from aliocr.emulator.calls import Call
from aliocr.emulator.codes import image_error
from aliocr.emulator.http.frame_sender import FRAMES
from aliocr.emulator.http.visit import Serve, Visit, in_form, refused
from aliocr.emulator.instructions import HttpReply, Instructions
from aliocr.emulator.reading.service import problem_of
from aliocr.errors import APIError
from aliocr.protocol import async_wire, callback_digest, wire
from aliocr.protocol.async_wire import SubmitRequest
from aliocr.protocol.wire import BadRequest, Task


class Submission:
    """Decodes and answers requests to scan later."""

    def __init__(self, tasks: Tasks, later: LaterReader, instructions: Instructions) -> None:
        self._tasks = tasks
        self._later = later
        self._instructions = instructions

    def decode(self, body: bytes, call: Call) -> Serve:
        """Decode and record the body of a request."""
        asked = async_wire.decode_submit(body)
        callback = asked.callback
        if callback is not None and not callback_digest.has_digest(callback.crypt_type):
            raise BadRequest(f"[cryptType] the emulator's OpenSSL has no {callback.crypt_type}")
        call.tasks, call.biz_type = asked.scan.tasks, asked.scan.biz_type
        return partial(self._serve, asked)

    async def _serve(self, asked: SubmitRequest, visit: Visit) -> HttpReply:
        """Accept the images that the account's quota allows; the others are answered with 588."""
        images = asked.scan.tasks
        room = min(visit.granted, max(0, self._later.room))
        if not room and not asked.offline:
            visit.call.answers = tuple((image, image_error(588)) for image in images)
            return refused(Refusal.of(588, "EXCEED_QUOTA"), visit.request, visit.call)
        accepted: list[SubmittedTask] = []
        replies: list[SubmittedTask | APIError] = []
        for place, image in enumerate(images):
            problem = self._problem(image) if place < room else image_error(588)
            if problem is None:
                accepted.append(self._tasks.submit(image, visit.account.uid))
            replies.append(problem or accepted[-1])
        visit.call.task_ids = tuple(task.id for task in accepted)
        visit.call.answers = tuple(
            (image, reply)
            for image, reply in zip(images, replies, strict=True)
            if isinstance(reply, APIError)
        )
        items = list(map(self._encode, images, replies))
        if self._instructions.reversed:
            items.reverse()
        visit.granted -= len(accepted)  # these are released when they are read
        self._later.take(
            accepted,
            visit.call,
            visit.account,
            frames_at=f"{visit.base_url}{FRAMES}",
            callback=asked.callback,
        )
        body = b"".join(wire.reply_parts(items, request_id=visit.call.request_id))
        return in_form(body, visit.request, visit.call)

    def _problem(self, image: Task) -> APIError | None:
        """Return why an image is not accepted; such an answer has no task id."""
        return problem_of(image) or self._instructions.unsubmitted.take(image.url)

    def _encode(self, image: Task, reply: SubmittedTask | APIError) -> bytes:
        habits = self._tasks.habits
        failed = reply if isinstance(reply, APIError) else None
        return async_wire.encode_item(
            image,
            failed,
            None if isinstance(reply, APIError) else reply.id,
            message=habits.message,
            with_url=habits.with_url,
        )
