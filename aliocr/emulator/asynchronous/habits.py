"""What the documents of asynchronous scanning leave open, and the emulator's choice."""

from __future__ import annotations

import attrs

KEPT = 3600.0
"""Time for which an answer is kept after its image was submitted, in seconds. Source:
"Asynchronous detection", at most 1 hour."""

GAP = 10.0
"""Time between two pushes of one result, in seconds. We chose this value: it is not published."""

REPEATS = 16
"""Maximum number of times that a result is pushed again. Source: "Asynchronous detection"."""


@attrs.frozen
class Habits:
    """How the emulator replies and pushes.

    Attributes:
        kept: Time for which an answer is kept after its image was submitted, in seconds.
        unknown: If True, an id that is unknown or expired gets 594; if False, it is left out.
        with_url: If True, replies have the field `url`.
        message: The field `msg` of good answers.
        push_delay: Time between an answer and its first push, in seconds.
        push_gap: Time between two pushes of an answer, in seconds.
        pushes: How often an answer is pushed although it was confirmed.
    """

    kept: float = KEPT
    unknown: bool = True
    with_url: bool = True
    message: str = "OK"
    push_delay: float = 0.0
    push_gap: float = GAP
    pushes: int = 1
