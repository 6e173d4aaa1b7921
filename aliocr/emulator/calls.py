"""The record of every request that arrived: a test judges a client by it."""

from __future__ import annotations

import time
from collections.abc import Iterable

import attrs
import msgspec

from aliocr.emulator.instructions import ImageAnswer
from aliocr.errors import APIError, without_query
from aliocr.models import Scan
from aliocr.protocol import wire
from aliocr.protocol.wire import Task


class CallImage(msgspec.Struct, frozen=True, gc=False):
    """The public facts of an image and its answer.

    Args:
        url: Without the query, which may be a key to the image.
        data_id: As in the request.
        code: The answer's; None without an answer.
        frames: Number of frames read; 1 for a picture of one frame.
    """

    # gc=False: the garbage collector would visit a hundred thousand of these.
    url: str
    data_id: str | None
    code: int | str | None = None
    frames: int = 0


@attrs.define(eq=False)
class Call:
    """One request from its arrival on; facts that are not known, or not yet, are None or empty.

    Attributes:
        arrived: Time when the headers had arrived, in seconds of the event loop's clock.
        request_id: An upper-case UUID.
        method: As received.
        path: As received, without the query.
        time: Time of arrival, in seconds since the epoch by this machine's clock.
        account: The number of the account that signed the request, throttled or not; None if no
            account did.
        tasks: The images asked for. Empty if no account signed the request, since requests from
            anywhere could fill the memory; if the body could not be read; once the call is brief.
        biz_type: The policy named by the request; None if it named none, or as for `tasks`.
        status: HTTP status of the reply; None while there is none.
        code: The reply's code: 200, the envelope's, or the gateway's string; None for a reply that
            is not in the service's form.
        answers: The reply's answer for each image, in the reply's order; empty once the call is
            brief.
        charged: Images, or frames of them, that were read and would have been charged, even if the
            reply was lost. That the service charges nothing for images with another code than 200
            is not documented, but likely.
        answered: Time when the reply was ready to be sent, by the clock of `arrived`; None while
            it is not ready, and for a reply that never is.
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
    answers: tuple[ImageAnswer, ...] = ()
    charged: int = 0
    answered: float | None = None
    _brief: tuple[CallImage, ...] | None = attrs.field(default=None, init=False, repr=False)

    @property
    def images(self) -> tuple[CallImage, ...]:
        """The public facts of each image, in the request's order."""
        if self._brief is not None:
            return self._brief
        # By identity: tasks without a data id have nothing else to tell them apart. Reversed: the
        # first of an image's answers is the right one.
        became = {id(task): answer for task, answer in reversed(self.answers)}
        return tuple(_image_of(task, became.get(id(task))) for task in self.tasks)

    def make_brief(self) -> None:
        """Replace `tasks` and `answers`, which hold all text that was read, by `images`."""
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


def count_charged(answers: Iterable[ImageAnswer]) -> int:
    """Count the frames that would be charged: each frame that was read. Source: "Billing"."""
    scans = (answer for _, answer in answers if isinstance(answer, Scan))
    return sum(max(1, len(scan.frames)) for scan in scans)


def busiest_second(calls: Iterable[Call]) -> int:
    """Return the most arrivals in any one second, refused requests included.

    A second begins with an arrival and does not include an arrival exactly one second later.
    """
    arrivals = sorted(call.arrived for call in calls)
    most = first = 0
    for last, arrived in enumerate(arrivals):
        while arrived - arrivals[first] >= 1:
            first += 1
        most = max(most, last - first + 1)
    return most
