"""The operation ImageSyncScan: images are read, and the reply has their texts."""

from __future__ import annotations

from functools import partial

from aliocr.emulator.calls import Call, count_charged
from aliocr.emulator.codes import image_error
from aliocr.emulator.fairness import LoopSlices
from aliocr.emulator.http.frame_sender import FRAMES
from aliocr.emulator.http.reply_writer import write_reply
from aliocr.emulator.http.visit import JSON, Serve, Visit
from aliocr.emulator.http.xml import XML
from aliocr.emulator.instructions import HttpReply, Instructions
from aliocr.emulator.reading.service import Service
from aliocr.protocol import wire
from aliocr.protocol.wire import ScanRequest

ANSWERING = 0.2
"""Time before a request's deadline that is reserved for writing the reply, in seconds."""


class ImageScan:
    """Decodes and answers requests to scan images; `deadline` is as in `Emulator`."""

    def __init__(
        self,
        service: Service,
        instructions: Instructions,
        slices: LoopSlices,
        *,
        deadline: float | None,
    ) -> None:
        self._service = service
        self._instructions = instructions
        self._slices = slices
        self._deadline = deadline

    def decode(self, body: bytes, call: Call) -> Serve:
        """Decode and record the body of a request."""
        asked = wire.decode_request(body)
        call.tasks, call.biz_type = asked.tasks, asked.biz_type
        return partial(self._serve, asked)

    async def _serve(self, asked: ScanRequest, visit: Visit) -> HttpReply:
        """Read the images that the account's quota allows; the others are answered with 588."""
        call = visit.call
        until = None if self._deadline is None else call.arrived + self._deadline - ANSWERING
        answers = await self._service.answer(
            asked.tasks[: visit.granted],
            request_id=call.request_id,
            uid=visit.account.uid,
            frames_at=f"{visit.base_url}{FRAMES}",
            until=until,
        )
        async with self._slices.take(call.request_id):
            call.charged = count_charged(answers)
            over = tuple((task, image_error(588)) for task in asked.tasks[visit.granted :])
            call.answers = self._instructions.arrange(answers + over)
        xml = visit.wants_xml
        parts = await write_reply(
            (wire.encode_answer(*answer) for answer in call.answers),
            self._slices,
            request_id=call.request_id,
            action=call.operation,
            xml=xml,
        )
        return HttpReply(wire.OK, parts, XML if xml else JSON, wire.OK)
