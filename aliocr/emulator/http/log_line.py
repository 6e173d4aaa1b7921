"""What the log says of a request: one line that steers no terminal and holds no secret."""

from __future__ import annotations

from collections import Counter
from typing import Self

import attrs

from aliocr.emulator.calls import Call
from aliocr.emulator.chaos import ConnectionFault
from aliocr.protocol import wire

MOST = 120
"""Characters of what a client wrote, at most; the rest is cut off."""


@attrs.frozen
class LogLine:
    """A request as it stood when it was done with, in words.

    Attributes:
        request: Method and path, never the query; whatever is not printable is escaped.
        account: The account's number; None if no account signed it.
        answer: The HTTP status, the code if it says more, and what happened on the way.
        good: Whether the answer was 200 in every respect, and arrived whole.
        images: How many images were asked about.
        outcomes: How often each code was said of them.
        charged: As of `Call`.
        seconds: From arrival to answer.
    """

    request: str
    account: str | None
    answer: str
    good: bool
    images: int
    outcomes: tuple[tuple[int | str, int], ...]
    charged: int
    seconds: float

    @classmethod
    def of(cls, call: Call, *, seconds: float, broken: ConnectionFault | None = None) -> Self:
        """Of a request that is done with.

        Args:
            call: Its record.
            seconds: How long it took.
            broken: What happens to its answer on the way.
        """
        images = call.images
        outcomes = Counter(image.code for image in images if image.code is not None)
        return cls(
            request=f"{escaped(call.method)} {escaped(call.path)}",
            account=call.account,
            answer=_answer(call, broken),
            good=call.status == 200 and call.code in (wire.OK, None) and broken is None,
            images=len(images),
            outcomes=tuple(sorted(outcomes.items(), key=str)),
            charged=call.charged,
            seconds=seconds,
        )

    def __str__(self) -> str:
        """The whole line, without a time, which is the logger's business."""
        parts = [f"{self.request} {self.answer}", *self.cost, f"{1000 * self.seconds:.0f} ms"]
        if self.account is not None:
            parts.insert(1, f"account {self.account}")
        return " · ".join(parts)

    @property
    def cost(self) -> tuple[str, ...]:
        """What it asked for and what that was worth; empty if it asked for nothing."""
        if not self.images:
            return ()
        images = "1 image" if self.images == 1 else f"{self.images} images"
        if len(self.outcomes) == 1:
            images += f": {self.outcomes[0][0]}"
        elif self.outcomes:
            images += ": " + ", ".join(f"{count} × {code}" for code, count in self.outcomes)
        return images, f"{self.charged} charged"


def _answer(call: Call, broken: ConnectionFault | None) -> str:
    match broken:
        case ConnectionFault.DROP:
            return "connection closed"
        case ConnectionFault.HANG:
            return "not answered"
        case ConnectionFault.CUT:
            return f"{_said(call)}, cut off halfway"
        case ConnectionFault.STALL:
            return f"{_said(call)}, stalled halfway"
        case None:
            return _said(call)


def _said(call: Call) -> str:
    """Status and code, which are two numbers if the service itself refuses the request."""
    if call.status is None:
        return "not answered"
    if call.code is None or call.code == call.status:
        return str(call.status)
    return f"{call.status} {'code ' if isinstance(call.code, int) else ''}{escaped(str(call.code))}"


def escaped(text: str, most: int = MOST) -> str:
    """What a client wrote, with backslashes for all that is not printable, and not too long."""
    plain = "".join(
        c if c.isprintable() and c != "\\" else c.encode("unicode_escape").decode()
        for c in text[:most]
    )
    return f"{plain}…" if len(text) > most else plain
