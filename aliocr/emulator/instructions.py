"""The emulator's instructions: contents and faults, written by `script`, read by `endpoint`.

`contents` holds the texts of images permanently. A *queue* holds other instructions, in the order
in which they were given. Each is for a number of requests, or for a number of answers for each
image. For a request or image without an instruction, `chaos` may choose a fault.
"""

from __future__ import annotations

import enum
import time
from collections.abc import Sequence, Sized
from typing import Generic, TypeAlias, TypeVar

import attrs

from aliocr.checks import is_count, is_text
from aliocr.emulator.access.operations import Operation
from aliocr.emulator.access.refusal import Refusal
from aliocr.emulator.chaos import Chaos, ConnectionFault
from aliocr.emulator.codes import CODE_NAMES
from aliocr.emulator.content import Content
from aliocr.emulator.storage.refusal import StorageRefused
from aliocr.emulator.url_counts import URLCounts
from aliocr.errors import APIError, api_error
from aliocr.image_url import encoded
from aliocr.models import Image, Scan
from aliocr.protocol import wire
from aliocr.protocol.wire import Task

EVERY = "*"
"""Stands for every image, or every operation, that has no separate instruction."""

ImageAnswer: TypeAlias = tuple[Task, Scan | APIError]
"""A task, and its scan or its error."""

T = TypeVar("T")


@attrs.frozen
class HttpReply:
    """One HTTP reply of the emulator, in any form.

    Args:
        parts: The body; a long body in pieces that are sent separately.
        content_type: The content type, with its charset if there is a charset.
        code: The code of the service or gateway in the body; None for a body in another form.
        broken: The fault of the connection; None sends the whole reply.
        retry_after: Value of the header `x-acs-retry-after`, in seconds; None for no header.
    """

    status: int
    parts: tuple[bytes, ...] = attrs.field(repr=False)
    content_type: str
    code: int | str | None = None
    broken: ConnectionFault | None = None
    retry_after: float | None = None

    @property
    def length(self) -> int:
        """The size of the body, in bytes."""
        return sum(map(len, self.parts))

    @property
    def half(self) -> tuple[bytes, ...]:
        """The first half of the body, which is sent before the connection breaks."""
        left = self.length // 2
        parts: list[bytes] = []
        for part in self.parts:
            parts.append(part[:left])
            left -= len(parts[-1])
        return tuple(parts)


RequestFault: TypeAlias = Refusal | HttpReply | ConnectionFault
"""A fault of a request, which replaces its good reply."""


class Copies(enum.Enum):
    """A wrong number of answers for an image in a reply; the right number is 1."""

    NONE = "left out"
    CONTRARY = "two answers, and the second contradicts the first"


@attrs.define(eq=False)
class _Instruction(Generic[T]):
    what: T
    times: int
    uses: URLCounts = attrs.field(factory=URLCounts)


class _InstructionQueue(Generic[T]):
    """Instructions by URL: first the counted instructions in order, then the permanent instruction.

    Faults and delays of requests have the name of an operation in place of the URL.

    An instruction for a URL is removed after its last use. An instruction for every image counts
    the uses of each image separately, so it has no last use.

    Args:
        each: If False, an instruction for every image, too, counts all its uses together.
    """

    def __init__(self, *, each: bool = False) -> None:
        self._each = each
        self._counted: dict[str, list[_Instruction[T]]] = {}
        self._permanent: dict[str, T] = {}

    def __len__(self) -> int:
        return len(self._permanent) + sum(map(len, self._counted.values()))

    def put(self, what: T, times: int | None, url: str = EVERY) -> None:
        """Add an instruction for `times` uses; if None, replace the permanent instruction."""
        url = checked_url(url)
        if times is None:
            self._permanent[url] = what
        elif not is_count(times, 1):
            raise ValueError(f"times must be 1 or more, or None for always, not {times!r}")
        else:
            self._counted.setdefault(url, []).append(_Instruction(what, times))

    def end(self, url: str) -> None:
        """Remove the permanent instruction of a URL."""
        self._permanent.pop(encoded(url), None)

    def take(self, url: str = EVERY) -> T | None:
        """Return the next instruction, and count this use; None if there is no instruction."""
        for name in names(url):
            each = self._each and name == EVERY
            for instruction in self._counted.get(name, ()):
                uses = instruction.uses.count(url if each else name)
                if uses > instruction.times:
                    continue
                if uses == instruction.times and not each:
                    self._remove_first(name)
                return instruction.what
            if name in self._permanent:
                return self._permanent[name]
        return None

    def _remove_first(self, name: str) -> None:
        del self._counted[name][0]
        if not self._counted[name]:
            del self._counted[name]


class Instructions:
    """All instructions of one emulator, with the number of uses of each.

    Attributes:
        contents: The contents of images, by URL.
        sunk: Refusals of requests, by the URL of an image in the request.
        faults: Faults of requests, by the name of the operation.
        delays: Delays of replies, in seconds, by the name of the operation.
        unsubmitted: Failures of images when they are submitted, by URL.
        result_delays: Seconds from the submission of an image to its answer, by URL.
        foreign: Answers about an image that is not in the request.
        upload_faults: Faults of uploads.
        upload_delays: Delays of uploads, in seconds.
        refused_versions: Refusals of signatures of uploads, by version, `"4"` or `"1"`.
        reversed: If True, each reply has its answers in reverse order, the last image first.
        skew: Seconds by which the emulator's clock is ahead of this machine's clock.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Remove all instructions."""
        self.contents: dict[str, Content] = {}
        self.failures: _InstructionQueue[APIError] = _InstructionQueue(each=True)
        self.copies: _InstructionQueue[Copies] = _InstructionQueue(each=True)
        self.sunk: _InstructionQueue[Refusal] = _InstructionQueue()
        self.faults: _InstructionQueue[RequestFault] = _InstructionQueue()
        self.delays: _InstructionQueue[float] = _InstructionQueue()
        self.unsubmitted: _InstructionQueue[APIError] = _InstructionQueue(each=True)
        self.result_delays: _InstructionQueue[float] = _InstructionQueue(each=True)
        self.foreign: _InstructionQueue[ImageAnswer] = _InstructionQueue()
        self.upload_faults: _InstructionQueue[StorageRefused | ConnectionFault] = (
            _InstructionQueue()
        )
        self.upload_delays: _InstructionQueue[float] = _InstructionQueue()
        self.refused_versions: _InstructionQueue[StorageRefused] = _InstructionQueue()
        self.reversed = False
        self.skew = 0.0
        self.chaos: Chaos | None = None

    def describe(self) -> dict[str, object]:
        """Return the number of instructions in force, the clock's skew, and whether chaos is on."""
        of_images = (self.contents, self.failures, self.copies, self.sunk)
        of_requests = (self.faults, self.delays, self.foreign)
        of_tasks = (self.unsubmitted, self.result_delays)
        of_uploads = (self.upload_faults, self.upload_delays, self.refused_versions)
        given: tuple[Sized, ...] = (*of_images, *of_requests, *of_tasks, *of_uploads)
        return {
            "instructions": sum(map(len, given)) + self.reversed,
            "skew": self.skew,
            "chaos": self.chaos is not None,
        }

    def now(self) -> float:
        """Return the seconds since the epoch, by the emulator's clock with its skew."""
        return time.time() + self.skew

    def next_fault(self, operation: Operation, tasks: Sequence[Task]) -> RequestFault | None:
        """Return the fault of the request with these tasks; None for no fault."""
        sunk = (self.sunk.take(task.url) for task in tasks)
        fault = self.faults.take(operation.action) or next(filter(None, sunk), None)
        if fault is not None or self.chaos is None:
            return fault
        chosen = self.chaos.next_fault()
        if isinstance(chosen, str):
            return checked_refusal(int(chosen) if chosen.isdecimal() else chosen)
        return chosen

    def next_delay(self, operation: Operation) -> float:
        """Return the delay of the reply to a request, in seconds."""
        delay = self.delays.take(operation.action)
        if delay is None and self.chaos is not None:
            return self.chaos.next_delay()
        return delay or 0.0

    def next_outcome(self, url: str) -> Content | APIError | None:
        """Return the content or failure of this image; None if it has no instruction."""
        outcome = self.failures.take(url)
        if outcome is None and self.chaos is not None:
            code = self.chaos.next_failure(url)
            outcome = None if code is None else checked_failure(code)
        return outcome or next(filter(None, map(self.contents.get, names(url))), None)

    def arrange(self, answers: Sequence[ImageAnswer]) -> tuple[ImageAnswer, ...]:
        """Return the reply's answers as instructed: some omitted, repeated, added or reordered."""
        given: list[ImageAnswer] = []
        for task, answer in answers:
            copies = self.copies.take(task.url)
            if copies is not Copies.NONE:
                given.append((task, answer))
            if copies is Copies.CONTRARY:
                read = isinstance(answer, Scan)
                given.append((task, checked_failure(500) if read else _NOTHING_READ))
        foreign = self.foreign.take()
        if foreign:
            given.append(foreign)
        return tuple(reversed(given)) if self.reversed else tuple(given)


def names(url: str) -> tuple[str, ...]:
    """Return the names by which an instruction may mean this image; the nearest name comes first.

    An instruction without a query is also for the image with any query, because a signed URL has
    another query after each signing.
    """
    url = encoded(url)
    return tuple(dict.fromkeys((url, url.partition("?")[0], EVERY)))


def checked_url(url: str) -> str:
    """Return the URL as it is sent; raise ValueError if no request can hold it."""
    if not is_text(url):
        # The message names the type, not the URL: a URL's query may give access to the image.
        kind = type(url).__name__
        raise ValueError(f"url must be a string that UTF-8 can encode, or '*', not this {kind}")
    return encoded(url)


def checked_failure(code: int, message: str = "") -> APIError:
    """Return the failure of an image; the default message is the documented message."""
    _check_service_code(code, "a failure")
    return api_error(code, _checked_message(message) or CODE_NAMES.get(code, ""))


def checked_refusal(code: int | str, message: str = "") -> Refusal:
    """Return the refusal of a request; the default message is the documented message.

    The codes of the service are numbers of three digits; the codes of the gateway are words.
    """
    words = _checked_message(message)
    if not isinstance(code, str):
        _check_service_code(code, "a refusal")
        return Refusal.of(code, words or CODE_NAMES.get(code, ""))
    if not code or code.isdecimal() or not is_text(code):
        raise ValueError(
            f"{code!r} is not the code of a refusal: a code of the gateway is a word, such as "
            "'Throttling.User', and a code of the service is a number, such as 503"
        )
    return Refusal.of(code, words)


def _check_service_code(code: int, what: str) -> None:
    if not is_count(code, 100) or code > 999 or code == wire.OK:
        raise ValueError(
            f"{code!r} is not the code of {what}: a code of the service is a number of three "
            "digits other than 200, such as 592"
        )


def _checked_message(message: str) -> str:
    if not is_text(message):
        raise ValueError(f"message must be a string that UTF-8 can encode, not {message!r}")
    return message


# The image of answers that are about an image not in the request. A reply contains only its task.
_FOREIGN_IMAGE = Image("https://example.com/of-somebody-else.png", "of-somebody-else")
FOREIGN_TASK = Task(url=_FOREIGN_IMAGE.url, data_id=_FOREIGN_IMAGE.data_id)
_NOTHING_READ = Scan(_FOREIGN_IMAGE, "", label="normal", suggestion="pass")
