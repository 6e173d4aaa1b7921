"""What arrived at the emulator: the record a test judges a client by."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from aliocr.emulator.script import Answer
from aliocr.wire import Task

__all__ = ["Call", "busiest_second"]


@attrs.define(eq=False)
class Call:
    """One request, from its arrival on; what is not known yet, or never will be, is None or empty.

    Attributes:
        arrived: When its headers were there, in seconds of the event loop's clock.
        request_id: An upper-case UUID.
        tasks: What it asked for; empty if its body could not be read.
        biz_type: The policy it named; None if it named none, or its body could not be read.
        status: HTTP status of the answer; None while there is none.
        code: The answer's code: 200, the envelope's, or the gateway's string; None for an answer
            that is not the service's.
        answers: What the reply said of each image, in the reply's order.
    """

    arrived: float
    request_id: str
    tasks: tuple[Task, ...] = ()
    biz_type: str | None = None
    status: int | None = None
    code: int | str | None = None
    answers: tuple[Answer, ...] = ()


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
