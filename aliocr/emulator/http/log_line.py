"""The log line of a request, without control characters and without secrets."""

from __future__ import annotations

from collections import Counter
from typing import Self

import attrs

from aliocr.emulator.calls import Call
from aliocr.emulator.chaos import ConnectionFault
from aliocr.protocol import wire

MOST = 120
"""Maximum length of a text from a client, such as a path, in characters; the rest is cut off."""

_HALFWAY: dict[ConnectionFault | None, str] = {
    ConnectionFault.CUT: ", cut off halfway",
    ConnectionFault.STALL: ", stalled halfway",
}


@attrs.frozen
class LogLine:
    """The log line of a finished request.

    Attributes:
        request: Method and path without the query, with escapes for unprintable characters.
        account: The account's number; None if no account signed the request.
        answer: The HTTP status; the code, if it differs from the status; the connection's fault.
        good: True if status and code were 200 and the whole reply was sent.
        images: The number of images.
        outcomes: Each code that images got, with the number of images that got this code.
        charged: The number of images or frames charged.
        seconds: Time from arrival to reply, in seconds.
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
        """Return the log line of a finished request."""
        if broken is ConnectionFault.DROP:
            answer = "connection closed"
        elif call.status is None:
            answer = "not answered"
        else:
            answer = str(call.status)
            if call.code not in (None, call.status):  # such as a refusal by the service
                word = "code " if isinstance(call.code, int) else ""
                answer += f" {word}{escaped(str(call.code))}"
            answer += _HALFWAY.get(broken, "")
        images = call.images
        outcomes = Counter(image.code for image in images if image.code is not None)
        return cls(
            request=f"{escaped(call.method)} {escaped(call.path)}",
            account=call.account,
            answer=answer,
            good=call.status == 200 and call.code in (wire.OK, None) and broken is None,
            images=len(images),
            outcomes=tuple(sorted(outcomes.items(), key=str)),
            charged=call.charged,
            seconds=seconds,
        )

    def __str__(self) -> str:
        """Return the whole line without the date and time, because the logger adds these."""
        parts = [f"{self.request} {self.answer}", *self.cost, f"{1000 * self.seconds:.0f} ms"]
        if self.account is not None:
            parts.insert(1, f"account {self.account}")
        return " · ".join(parts)

    @property
    def cost(self) -> tuple[str, ...]:
        """Two texts: how many images got each code, and the number charged; empty if no images."""
        if not self.images:
            return ()
        images = "1 image" if self.images == 1 else f"{self.images} images"
        if len(self.outcomes) == 1:
            images += f": {self.outcomes[0][0]}"
        elif self.outcomes:
            images += ": " + ", ".join(f"{count} × {code}" for code, count in self.outcomes)
        return images, f"{self.charged} charged"


def escaped(text: str, most: int = MOST) -> str:
    """Return a client's text, shortened, with escapes for unprintable characters."""
    plain = "".join(
        c if c.isprintable() and c != "\\" else c.encode("unicode_escape").decode()
        for c in text[:most]
    )
    return f"{plain}…" if len(text) > most else plain
