"""Records of the requests that arrived, so that a test can check its client."""

from __future__ import annotations

import time
from collections.abc import Iterable

import attrs
import msgspec

from aliocr.emulator.instructions import ImageAnswer
from aliocr.errors import APIError
from aliocr.models import Scan
from aliocr.protocol import wire
from aliocr.protocol.wire import Task
from aliocr.redaction import without_query


class CallImage(msgspec.Struct, frozen=True, gc=False):
    """The public facts about one image of a request, and about the answer for this image.

    Args:
        url: The URL without the query, because the query may give access to the image.
        data_id: The data id in the request.
        code: The code of the answer; None if there is no answer.
        frames: Number of frames read; 1 for a picture of one frame.
    """

    # There may be a hundred thousand of these objects. With gc=False the garbage collector does not
    # have to visit them.
    url: str
    data_id: str | None
    code: int | str | None = None
    frames: int = 0


@attrs.define(eq=False)
class Call:
    """The record of one request. Facts that are unknown, or not known yet, are None or empty.

    Attributes:
        arrived: Time at which all headers had arrived, in seconds of the event loop's clock.
        request_id: An upper-case UUID.
        method: HTTP method, as received.
        path: Path as received, without the query.
        time: Time of arrival, in seconds since the epoch by this machine's clock.
        account: The number of the account that signed the request, even if the request was
            throttled; None if no account signed the request.
        operation: The action name of the operation, such as `ImageSyncScan`; None if no account
            signed the request.
        tasks: The images of the request. Empty after `make_brief`, or if the body could not be
            decoded. Also empty if no account signed the request, so that strangers cannot fill the
            memory.
        biz_type: The policy that the request names; None if the request names no policy, no account
            signed the request, or the body could not be decoded.
        status: HTTP status of the reply; None before the reply.
        code: Code of the reply: 200, the envelope's code, or the gateway's string; None for a reply
            that is not in the service's form.
        answers: The answer for each image, in the reply's order; empty after `make_brief`. Images
            that were submitted have their answers here as soon as they are read.
        task_ids: The ids that a reply gave to submitted images, or that a request for results has.
        charged: Number of images or frames that were read and that the service would charge, even
            if the reply was lost. Images with a code other than 200 are not counted: they are
            probably free, although the documents do not say this.
        answered: Time at which the reply was ready to be sent, by the same clock as `arrived`; None
            if there is no reply, or no reply yet.
    """

    arrived: float
    request_id: str
    method: str
    path: str
    time: float = attrs.field(factory=time.time)
    account: str | None = None
    operation: str | None = None
    tasks: tuple[Task, ...] = ()
    biz_type: str | None = None
    status: int | None = None
    code: int | str | None = None
    answers: tuple[ImageAnswer, ...] = ()
    task_ids: tuple[str, ...] = ()
    charged: int = 0
    answered: float | None = None
    _brief: tuple[CallImage, ...] | None = attrs.field(default=None, init=False, repr=False)

    @property
    def images(self) -> tuple[CallImage, ...]:
        """The facts about each image that anyone may see, in the order of the request."""
        if self._brief is not None:
            return self._brief
        # The key is the identity of the task, because two tasks without a data id can be equal. If
        # a task has two answers, the first is right. Reversed, so that the first answer is kept.
        became = {id(task): answer for task, answer in reversed(self.answers)}
        return tuple(_image_of(task, became.get(id(task))) for task in self.tasks)

    def add_answer(self, answer: ImageAnswer, *, charged: int) -> None:
        """Add the answer for a submitted image, which is read after the reply."""
        self.charged += charged
        if self._brief is None:
            self.answers += (answer,)
            return
        told = _image_of(*answer)
        waiting = (told.url, told.data_id, None)
        for place, image in enumerate(self._brief):
            if (image.url, image.data_id, image.code) == waiting:
                self._brief = (*self._brief[:place], told, *self._brief[place + 1 :])
                break

    def make_brief(self) -> None:
        """Replace `tasks` and `answers` by `images`, to free the memory of the text."""
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
    """Return the number of frames read; each frame is charged. Source: documents, "Billing"."""
    scans = (answer for _, answer in answers if isinstance(answer, Scan))
    return sum(max(1, len(scan.frames)) for scan in scans)


def busiest_second(calls: Iterable[Call]) -> int:
    """Return the largest number of requests that arrived within one second.

    Refused requests count too. Each second that is examined begins with an arrival. A request that
    arrives exactly one second later is outside it.
    """
    arrivals = sorted(call.arrived for call in calls)
    most = first = 0
    for last, arrived in enumerate(arrivals):
        while arrived - arrivals[first] >= 1:
            first += 1
        most = max(most, last - first + 1)
    return most
