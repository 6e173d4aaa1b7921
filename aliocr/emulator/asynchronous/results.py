"""The operation ImageAsyncScanResults: the answers for images that were submitted before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import attrs

from aliocr.emulator.asynchronous.tasks import SubmittedTask, Tasks, make_task_id
from aliocr.emulator.calls import Call
from aliocr.emulator.codes import image_error
from aliocr.emulator.fairness import LoopSlices
from aliocr.emulator.http.reply_writer import write_reply
from aliocr.emulator.http.visit import JSON, Serve, Visit
from aliocr.emulator.http.xml import XML
from aliocr.emulator.instructions import HttpReply, Instructions
from aliocr.protocol import async_wire, wire
from aliocr.protocol.wire import Task

_NO_IMAGE = Task(url="")


class Results:
    """Decodes and answers requests for results."""

    def __init__(self, tasks: Tasks, instructions: Instructions, slices: LoopSlices) -> None:
        self._tasks = tasks
        self._instructions = instructions
        self._slices = slices

    def decode(self, body: bytes, call: Call) -> Serve:
        """Decode and record the body of a request."""
        call.task_ids = async_wire.decode_results_request(body)
        return partial(self._serve, call.task_ids)

    async def _serve(self, task_ids: Sequence[str], visit: Visit) -> HttpReply:
        """Answer each id, in the order of the request."""
        call, xml = visit.call, visit.wants_xml
        items = self._items(task_ids, visit.account.uid)
        parts = await write_reply(
            reversed(tuple(items)) if self._instructions.reversed else items,
            self._slices,
            request_id=call.request_id,
            action=call.operation,
            xml=xml,
        )
        return HttpReply(wire.OK, parts, XML if xml else JSON, wire.OK)

    def _items(self, task_ids: Sequence[str], uid: str) -> Iterator[bytes]:
        """Encode the answers; unfinished images get 280, unknown and expired ids 594."""
        habits = self._tasks.habits
        for task_id in task_ids:
            task = self._tasks.find(task_id, uid)
            if task is None:
                if habits.unknown:
                    yield async_wire.encode_item(_NO_IMAGE, image_error(594), task_id)
            elif task.answer is None:
                yield attrs.evolve(task, answer=image_error(280)).encode(habits)
            else:
                yield from self._arranged(task)

    def _arranged(self, task: SubmittedTask) -> Iterator[bytes]:
        """Encode a finished answer as the script says: omitted, repeated, or beside another one."""
        if task.answer is None:
            return
        for image, answer in self._instructions.arrange([(task.image, task.answer)]):
            own = image is task.image
            told = attrs.evolve(task, image=image, answer=answer)
            yield (told if own else attrs.evolve(told, id=make_task_id())).encode(
                self._tasks.habits
            )
