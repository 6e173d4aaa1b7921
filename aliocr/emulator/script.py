"""What a test tells the emulator beforehand: what images say, and what goes wrong when.

Two nouns. A *table* holds what an image says, for good. A *queue* holds what is to happen, in the
order it was told, each so many times: to whole requests, or to each image by itself.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Sequence
from typing import Generic, TypeAlias, TypeVar

import attrs

from aliocr import wire
from aliocr.emulator.content import Content
from aliocr.emulator.gateway import Refusal
from aliocr.errors import APIError, api_error
from aliocr.models import Image, Region, Scan
from aliocr.wire import Task

__all__ = ["EVERY_IMAGE", "Answer", "Breakage", "Reply", "Script"]

EVERY_IMAGE = "*"
"""Stands for every URL that no other instruction names."""

# What an image's answer says besides the code. Source: "Common error codes".
CODE_NAMES = {
    280: "PROCESSING",
    400: "BAD_REQUEST",
    401: "NOT_ALLOWED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    480: "DOWNLOAD_FAILED",
    500: "GENERAL_ERROR",
    503: "ServiceUnavailable",
    580: "DB_FAILED",
    581: "TIMEOUT",
    585: "CACHE_FAILED",
    586: "ALGO_FAILED",
    587: "MQ_FAILED",
    588: "EXCEED_QUOTA",
    589: "TOO_LARGE",
    590: "BAD_FORMAT",
    591: "CONNECTION_POOL_FULL",
    592: "DOWNLOAD_TIMEOUT",
    594: "EXPIRED",
    595: "CATCH_FRAME_FAILED",
    596: "PERMISSION_DENY",
}

Answer: TypeAlias = tuple[Task, Scan | APIError]
"""A task and what became of it."""

T = TypeVar("T")


class Breakage(enum.Enum):
    """What can happen to an answer on its way."""

    CUT = "half of it sent"
    DROP = "the connection closed instead"
    HANG = "silence for as long as the client waits"
    STALL = "half of it sent, then silence for as long as the client waits"


@attrs.frozen
class Reply:
    """One HTTP answer, which need not be the service's own.

    Args:
        status: HTTP status.
        body: All of it.
        content_type: With its charset, if it has one.
        code: The service's or the gateway's code in it; None if it is somebody else's.
        broken: What happens once half of the body is sent, `CUT` or `STALL`; None sends all.
        retry_after: Seconds for the header `x-acs-retry-after`; None leaves it out.
    """

    status: int
    body: bytes = attrs.field(repr=False)
    content_type: str
    code: int | str | None = None
    broken: Breakage | None = None
    retry_after: float | None = None


class _Copies(enum.Enum):
    """How often an image's answer stands in a reply, other than once."""

    NONE = "left out"
    CONTRARY = "twice, the second time to the contrary of the first"


@attrs.define(eq=False)
class _Instruction(Generic[T]):
    """Something to happen so many times, to each URL by itself; None for always."""

    what: T
    times: int | None
    done: Counter[str] = attrs.field(factory=Counter)


class _Queue(Generic[T]):
    """Instructions by URL that take effect one after the other."""

    def __init__(self) -> None:
        self._instructions: dict[str, list[_Instruction[T]]] = {}

    def put(self, what: T, times: int | None, url: str = EVERY_IMAGE) -> None:
        if times is not None and times < 1:
            raise ValueError(f"times must be 1 or more, or None for always, not {times}")
        self._instructions.setdefault(url, []).append(_Instruction(what, times))

    def take(self, url: str = "") -> T | None:
        """What is to happen now, and once less from here on; None for nothing."""
        for name in (url, EVERY_IMAGE):
            for instruction in self._instructions.get(name, ()):
                if instruction.times is None or instruction.done[url] < instruction.times:
                    instruction.done[url] += 1
                    return instruction.what
        return None


class Script:
    """The instructions to one emulator. They may be given at any time and hold from then on.

    A URL is matched exactly; `"*"` is every image. `times` is how often, None always: for requests,
    how many in turn; for images, how many answers of each image, which then is read as usual.
    Faults of requests meet those that pass the gateway, so a request that is wrongly signed or too
    early uses up none.
    """

    def __init__(self) -> None:
        self._contents: dict[str, Content] = {}
        self._failures: _Queue[APIError] = _Queue()
        self._copies: _Queue[_Copies] = _Queue()
        self._sunk: _Queue[Refusal] = _Queue()
        self._faults: _Queue[Refusal | Reply | Breakage] = _Queue()
        self._delays: _Queue[float] = _Queue()
        self._foreign: _Queue[Answer] = _Queue()
        self._reversed = False

    def text(self, url: str, text: str, regions: Sequence[Region] | None = None) -> None:
        """Have an image say this from now on.

        Args:
            url: The image's, or `"*"`.
            text: Empty for an image without text.
            regions: The pieces of the text; None for one that holds it all.
        """
        content = Content.of_text(text)
        if regions is not None:
            content = attrs.evolve(content, regions=tuple(regions))
        self._contents[url] = content

    def fail(self, url: str, code: int, times: int | None = None, *, message: str = "") -> None:
        """Have an image fail.

        Args:
            url: The image's, or `"*"`.
            code: The service's, anything but 200.
            times: So many times; None for ever.
            message: The service's words; the code's name if left out.
        """
        if code == wire.OK:
            raise ValueError("200 is not the code of a failure")
        error = api_error(code, message or CODE_NAMES.get(code, ""))
        self._failures.put(error, times, url)

    def omit(self, url: str, times: int | None = 1) -> None:
        """Leave the image's answer out of the reply."""
        self._copies.put(_Copies.NONE, times, url)

    def repeat(self, url: str, times: int | None = 1) -> None:
        """Answer for the image twice, the second time to the contrary of the first."""
        self._copies.put(_Copies.CONTRARY, times, url)

    def sink(self, url: str, code: int | str, times: int | None = None) -> None:
        """Refuse every request that holds this image, whatever else it holds.

        Args:
            url: The image's.
            code: As of `refuse`.
            times: So many requests; None for all.
        """
        self._sunk.put(_refusal(code), times, url)

    def delay(self, seconds: float, times: int | None = None) -> None:
        """Hold every answer back for so many seconds once it is ready, faults included."""
        if seconds < 0:
            raise ValueError(f"seconds must be 0 or more, not {seconds}")
        self._delays.put(seconds, times)

    def refuse(
        self,
        code: int | str,
        message: str = "",
        times: int | None = 1,
        *,
        retry_after: float | None = None,
    ) -> None:
        """Refuse the request.

        Args:
            code: An int is refused by the service, in HTTP 200; a string by the gateway in front of
                it, in the code's documented status.
            message: The words; those documented, or the code's name, if left out.
            times: So many requests; None for all.
            retry_after: Tell the client to come again after so many seconds.
        """
        refusal = attrs.evolve(_refusal(code, message), retry_after=retry_after)
        self._faults.put(refusal, times)

    def respond(
        self, status: int, body: bytes | str, content_type: str, times: int | None = 1
    ) -> None:
        """Answer the request with this, whatever it is; such as a proxy's page."""
        data = body.encode() if isinstance(body, str) else body
        self._faults.put(Reply(status, data, content_type), times)

    def truncate_body(self, times: int | None = 1) -> None:
        """Announce the whole answer, send half, and close the connection."""
        self._faults.put(Breakage.CUT, times)

    def drop_connection(self, times: int | None = 1) -> None:
        """Close the connection instead of answering."""
        self._faults.put(Breakage.DROP, times)

    def hang(self, times: int | None = 1) -> None:
        """Do not answer for as long as the client waits."""
        self._faults.put(Breakage.HANG, times)

    def stall(self, times: int | None = 1) -> None:
        """Send the headers and half of the answer, and no more for as long as the client waits."""
        self._faults.put(Breakage.STALL, times)

    def add_foreign(self, times: int | None = 1) -> None:
        """Add the answer to an image that nobody asked about."""
        self._foreign.put((_FOREIGN_TASK, api_error(500, CODE_NAMES[500])), times)

    def reverse(self) -> None:
        """Give the answers of every reply in another order: from the last image to the first."""
        self._reversed = True

    def next_fault(self, tasks: Sequence[Task]) -> Refusal | Reply | Breakage | None:
        """What happens to the request of these tasks instead of a good answer; None for nothing."""
        sunk = (self._sunk.take(task.url) for task in tasks)
        return self._faults.take() or next(filter(None, sunk), None)

    def next_delay(self) -> float:
        """Seconds to hold this request's answer back."""
        return self._delays.take() or 0.0

    def next_outcome(self, url: str) -> Content | APIError | None:
        """What becomes of this image this time; None if nothing was said about it."""
        failure = self._failures.take(url)
        return failure or self._contents.get(url) or self._contents.get(EVERY_IMAGE)

    def arrange(self, answers: Sequence[Answer]) -> tuple[Answer, ...]:
        """The answers as this reply will give them."""
        given: list[Answer] = []
        for task, answer in answers:
            copies = self._copies.take(task.url)
            if copies is not _Copies.NONE:
                given.append((task, answer))
            if copies is _Copies.CONTRARY:
                given.append((task, _contrary(answer)))
        foreign = self._foreign.take()
        if foreign:
            given.append(foreign)
        return tuple(reversed(given)) if self._reversed else tuple(given)


def _refusal(code: int | str, message: str = "") -> Refusal:
    if code == wire.OK:
        raise ValueError("200 is not the code of a refusal")
    return Refusal.of(code, message or (CODE_NAMES.get(code, "") if isinstance(code, int) else ""))


# Given to answers that are about no image of the request; on the wire the task alone says which
# image is meant.
_FOREIGN_IMAGE = Image("https://example.com/of-somebody-else.png", "of-somebody-else")
_FOREIGN_TASK = Task(url=_FOREIGN_IMAGE.url, data_id=_FOREIGN_IMAGE.data_id)


def _contrary(answer: Scan | APIError) -> Scan | APIError:
    """A failure to a success, and the other way round."""
    if isinstance(answer, Scan):
        return api_error(500, CODE_NAMES[500])
    return Scan(_FOREIGN_IMAGE, "")
