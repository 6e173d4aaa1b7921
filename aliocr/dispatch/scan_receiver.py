"""The caller of one scan, as its receiver."""

from __future__ import annotations

import asyncio
import math

from aliocr.dispatch.pending_image import State, Waiter
from aliocr.models import Outcome
from aliocr.protocol.deadline import ROUNDS


class ScanReceiver:
    """The caller of one scan: a future that may have been cancelled already.

    Args:
        outcome: The future.
    """

    def __init__(self, outcome: asyncio.Future[Outcome]) -> None:
        self.outcome = outcome

    def deliver(self, waiter: Waiter, outcome: Outcome) -> None:  # noqa: ARG002
        """Set the outcome, unless the caller is gone."""
        if not self.outcome.done():
            self.outcome.set_result(outcome)

    def rounds_to_wait(self, waiter: Waiter) -> float:
        """Return the rounds for which a scan goes on after its time limit; see `Deadline`."""
        pending = waiter.pending
        if self.outcome.done() or pending.answered:
            return math.inf
        return ROUNDS if pending.state is State.SENT else 0
