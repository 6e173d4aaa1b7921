"""What is to happen, as an emulator was told it: asked by what answers, written by the script.

`contents` hold what images say, for good. Each *queue* holds what is to happen, in the order it was
told, so many times: to whole requests, or to each image by itself. Where neither has anything to
say, chance may.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Sequence, Sized
from typing import Generic, TypeAlias, TypeVar

import attrs

from aliocr.checks import is_count, is_text
from aliocr.emulator.access.refusal import Refusal
from aliocr.emulator.chaos import Breakage, Chaos
from aliocr.emulator.codes import CODE_NAMES
from aliocr.emulator.content import Content
from aliocr.errors import APIError, api_error
from aliocr.models import Image, Scan
from aliocr.protocol import wire
from aliocr.protocol.wire import Task

EVERY_IMAGE = "*"
"""Stands for every URL that no other instruction names."""

Answer: TypeAlias = tuple[Task, Scan | APIError]
"""A task and what became of it."""

T = TypeVar("T")


@attrs.frozen
class Reply:
    """One HTTP answer, which need not be the service's own.

    Args:
        status: HTTP status.
        parts: All of its body; of a long one, in pieces that are sent one by one.
        content_type: With its charset, if it has one.
        code: The service's or the gateway's code in it; None if it is somebody else's.
        broken: What happens to it on its way; None sends it whole.
        retry_after: Seconds for the header `x-acs-retry-after`; None leaves it out.
    """

    status: int
    parts: tuple[bytes, ...] = attrs.field(repr=False)
    content_type: str
    code: int | str | None = None
    broken: Breakage | None = None
    retry_after: float | None = None

    @property
    def length(self) -> int:
        """Bytes of the body."""
        return sum(map(len, self.parts))

    @property
    def half(self) -> tuple[bytes, ...]:
        """As many bytes of it as a connection that breaks halfway brings."""
        left = self.length // 2
        parts: list[bytes] = []
        for part in self.parts:
            parts.append(part[:left])
            left -= len(parts[-1])
        return tuple(parts)


Fault: TypeAlias = Refusal | Reply | Breakage
"""What happens to a request instead of a good answer."""


class Copies(enum.Enum):
    """How often an image's answer stands in a reply, other than once."""

    NONE = "left out"
    CONTRARY = "twice, the second time to the contrary of the first"


@attrs.define(eq=False)
class _Instruction(Generic[T]):
    """Something to happen so many times."""

    what: T
    times: int
    done: Counter[str] = attrs.field(factory=Counter)


class _Queue(Generic[T]):
    """Instructions by URL: those for so many times one after the other, then what holds always.

    Args:
        each: Count for each URL by itself; else whatever was asked about.
    """

    def __init__(self, *, each: bool = True) -> None:
        self._each = each
        self._instructions: dict[str, list[_Instruction[T]]] = {}
        self._always: dict[str, T] = {}

    def __len__(self) -> int:
        return len(self._always) + sum(map(len, self._instructions.values()))

    def put(self, what: T, times: int | None, url: str = EVERY_IMAGE) -> None:
        """Have it happen so many times; None for always, instead of what held always before.

        Raises:
            ValueError: The URL is none, or it is to happen less than once.
        """
        checked_url(url)
        if times is None:
            self._always[url] = what
        elif not is_count(times, 1):
            raise ValueError(f"times must be 1 or more, or None for always, not {times!r}")
        else:
            self._instructions.setdefault(url, []).append(_Instruction(what, times))

    def end(self, url: str) -> None:
        """Nothing holds always any more."""
        self._always.pop(url, None)

    def take(self, url: str = "") -> T | None:
        """What is to happen now, and once less from here on; None for nothing."""
        for name in (url, EVERY_IMAGE):
            for instruction in self._instructions.get(name, ()):
                key = url if self._each else ""
                if instruction.done[key] < instruction.times:
                    instruction.done[key] += 1
                    return instruction.what
            if name in self._always:
                return self._always[name]
        return None


class Plan:
    """Everything one emulator was told, and how far it has come with it.

    Attributes:
        contents: What images say, by URL.
        failures: Of images.
        copies: Of images' answers.
        sunk: Requests, by one of their images.
        faults: Of requests.
        delays: Of answers, in seconds.
        foreign: Answers to nobody's image.
        reversed: Whether answers come from the last image to the first.
        skew: Seconds that the emulator's clock is ahead of this machine's.
        chaos: What happens by chance; None for nothing.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew: from here on nothing was ever told."""
        self.contents: dict[str, Content] = {}
        self.failures: _Queue[APIError] = _Queue()
        self.copies: _Queue[Copies] = _Queue()
        self.sunk: _Queue[Refusal] = _Queue(each=False)
        self.faults: _Queue[Fault] = _Queue()
        self.delays: _Queue[float] = _Queue()
        self.foreign: _Queue[Answer] = _Queue()
        self.reversed = False
        self.skew = 0.0
        self.chaos: Chaos | None = None

    def described(self) -> dict[str, object]:
        """What is in force: how many instructions, the clock's skew, and whether chance reigns."""
        queues: tuple[Sized, ...] = (
            self.failures,
            self.copies,
            self.sunk,
            self.faults,
            self.delays,
            self.foreign,
        )
        told = sum(len(queue) for queue in queues) + len(self.contents) + self.reversed
        return {
            "instructions": told,
            "skew": self.skew,
            "chaos": self.chaos is not None,
        }

    def next_fault(self, tasks: Sequence[Task]) -> Fault | None:
        """What happens to the request of these tasks; None for nothing."""
        sunk = (self.sunk.take(task.url) for task in tasks)
        told = self.faults.take() or next(filter(None, sunk), None)
        if told is None and self.chaos is not None:
            return _fault(self.chaos.next_fault())
        return told

    def next_delay(self) -> float:
        """Seconds to hold this request's answer back."""
        told = self.delays.take()
        if told is None and self.chaos is not None:
            return self.chaos.next_delay()
        return told or 0.0

    def next_outcome(self, url: str) -> Content | APIError | None:
        """What becomes of this image this time; None if nothing was said about it."""
        told = self.failures.take(url)
        if told is None and self.chaos is not None:
            code = self.chaos.next_failure(url)
            told = None if code is None else failure(code)
        return told or self.contents.get(url) or self.contents.get(EVERY_IMAGE)

    def arrange(self, answers: Sequence[Answer]) -> tuple[Answer, ...]:
        """The answers as this reply will give them."""
        given: list[Answer] = []
        for task, answer in answers:
            copies = self.copies.take(task.url)
            if copies is not Copies.NONE:
                given.append((task, answer))
            if copies is Copies.CONTRARY:
                given.append((task, _contrary(answer)))
        foreign = self.foreign.take()
        if foreign:
            given.append(foreign)
        return tuple(reversed(given)) if self.reversed else tuple(given)


def checked_url(url: str) -> str:
    """The URL itself, if it can be one.

    Raises:
        ValueError: It is not.
    """
    if not is_text(url):
        # Not the value: its query may be a key to the image.
        kind = type(url).__name__
        raise ValueError(f"url must be a string that UTF-8 can hold, or '*', not this {kind}")
    return url


def failure(code: int, message: str = "") -> APIError:
    """An image's failure, in the documented words unless others are given.

    Raises:
        ValueError: The code is 200, or none of the service's; or the words cannot be sent.
    """
    _check_number(code, "a failure")
    return api_error(code, _checked_words(message) or CODE_NAMES.get(code, ""))


def refusal(code: int | str, message: str = "") -> Refusal:
    """A request's refusal, in the documented words unless others are given.

    Raises:
        ValueError: The code is 200, or neither a number of the service's nor a word of the
            gateway's; or the words cannot be sent.
    """
    words = _checked_words(message)
    if not isinstance(code, str):
        _check_number(code, "a refusal")
        return Refusal.of(code, words or CODE_NAMES.get(code, ""))
    if not code or code.isdecimal() or not is_text(code):
        raise ValueError(
            f"{code!r} is not the code of a refusal: the gateway's is a word, such as "
            "'Throttling.User', the service's a number, such as 503"
        )
    return Refusal.of(code, words)


def _check_number(code: int, what: str) -> None:
    """Refuse what is no code of the service's: those have three digits."""
    if not is_count(code, 100) or code > 999 or code == wire.OK:
        raise ValueError(
            f"{code!r} is not the code of {what}: the service's is a number of three digits and "
            "not 200, such as 592"
        )


def _checked_words(message: str) -> str:
    if not is_text(message):
        raise ValueError(f"message must be a string that UTF-8 can hold, not {message!r}")
    return message


def _fault(drawn: Breakage | str | None) -> Fault | None:
    """What chance has drawn: a way to break, or a code."""
    if drawn is None or isinstance(drawn, Breakage):
        return drawn
    return refusal(int(drawn) if drawn.isdecimal() else drawn)


# Given to answers that are about no image of the request; on the wire the task alone says which
# image is meant.
_FOREIGN_IMAGE = Image("https://example.com/of-somebody-else.png", "of-somebody-else")
FOREIGN_TASK = Task(url=_FOREIGN_IMAGE.url, data_id=_FOREIGN_IMAGE.data_id)


def _contrary(answer: Scan | APIError) -> Scan | APIError:
    """A failure to a success, and the other way round."""
    if isinstance(answer, Scan):
        return failure(500)
    return Scan(_FOREIGN_IMAGE, "")
