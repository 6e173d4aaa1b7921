"""What arrived at the emulator: the record a test judges a client by."""

from __future__ import annotations

import time
from collections.abc import Iterable

import attrs
import msgspec

from aliocr.emulator.instructions import Answer
from aliocr.errors import APIError, without_query
from aliocr.models import Scan
from aliocr.protocol import wire
from aliocr.protocol.wire import Task


class CallImage(msgspec.Struct, frozen=True, gc=False):
    """What others may know of an image and its answer.

    Args:
        url: Without its query, which may be a key.
        data_id: As the request has it.
        code: Its answer's; None if it has none.
        frames: How many were read; of a picture of one frame 1.
    """

    # Not for the garbage collector, which would look at a hundred thousand of them.
    url: str
    data_id: str | None
    code: int | str | None = None
    frames: int = 0


@attrs.define(eq=False)
class Call:
    """One request, from its arrival on; what is not known yet, or never will be, is None or empty.

    Attributes:
        arrived: When its headers were there, in seconds of the event loop's clock.
        request_id: An upper-case UUID.
        method: As it came.
        path: As it came, without the query.
        time: When it arrived, in seconds since the epoch by this machine's clock.
        account: The number of the account that signed it, throttled or not; None if none did.
        tasks: What it asked for; empty if no account signed it, as strangers could fill the memory
            else, if its body could not be read, or once the call is brief.
        biz_type: The policy it named; None if it named none, or for the same reasons.
        status: HTTP status of the answer; None while there is none.
        code: The answer's code: 200, the envelope's, or the gateway's string; None for an answer
            that is not the service's.
        answers: What the reply said of each image, in the reply's order; empty once the call is
            brief.
        charged: Images, or frames of them, that were read and would have been charged, whatever
            became of the reply. That images are not charged for which the service answers with
            another code than 200 is not documented, but likely.
        answered: When the answer was ready to be sent, by the clock of `arrived`; None while it is
            not, and for one that never is.
    """

    arrived: float
    request_id: str
    method: str
    path: str
    time: float = attrs.field(factory=time.time)
    account: str | None = None
    tasks: tuple[Task, ...] = ()
    biz_type: str | None = None
    status: int | None = None
    code: int | str | None = None
    answers: tuple[Answer, ...] = ()
    charged: int = 0
    answered: float | None = None
    _brief: tuple[CallImage, ...] | None = attrs.field(default=None, init=False, repr=False)

    @property
    def images(self) -> tuple[CallImage, ...]:
        """Of each image what others may know, in the request's order."""
        if self._brief is not None:
            return self._brief
        # By identity, as nothing else tells tasks apart that were sent without a data id; reversed,
        # for the first of an image's answers is its own.
        became = {id(task): answer for task, answer in reversed(self.answers)}
        return tuple(_image_of(task, became.get(id(task))) for task in self.tasks)

    def make_brief(self) -> None:
        """Keep `images` alone of `tasks` and `answers`, which hold all that was read."""
        self._brief = self.images
        self.tasks = ()
        self.answers = ()


def _image_of(task: Task, answer: Scan | APIError | None) -> CallImage:
    url = without_query(task.url)
    match answer:
        case Scan():
            return CallImage(url, task.data_id, wire.OK, max(1, len(answer.frames)))
        case APIError():
            return CallImage(url, task.data_id, answer.code)
        case None:
            return CallImage(url, task.data_id)


def frames_charged(answers: Iterable[Answer]) -> int:
    """How many of these would be charged: each frame that was read. Source: "Billing"."""
    scans = (answer for _, answer in answers if isinstance(answer, Scan))
    return sum(max(1, len(scan.frames)) for scan in scans)


def busiest_second(calls: Iterable[Call]) -> int:
    """The most arrivals in any one second, refused ones included.

    A second begins with an arrival and ends just before its like a second later.
    """
    arrivals = sorted(call.arrived for call in calls)
    most = first = 0
    for last, arrived in enumerate(arrivals):
        while arrived - arrivals[first] >= 1:
            first += 1
        most = max(most, last - first + 1)
    return most
