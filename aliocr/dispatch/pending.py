"""The images that are not done yet, and who wait for each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import attrs

from aliocr.dispatch.queue import Caller, Journey, Lane, Queue, Ticket
from aliocr.errors import OCRError
from aliocr.models import Failure, Image, Outcome, Scan
from aliocr.stats import Tally

Answer: TypeAlias = Scan | OCRError
"""What the service made of one image."""


class Journeys:
    """Every image from when it is asked for until its outcome is given out, once.

    Args:
        queue: Where those that wait stand.
        tally: Where outcomes are counted.
        company: The most images a request may carry.
    """

    def __init__(self, queue: Queue, tally: Tally, company: int) -> None:
        self._queue = queue
        self._tally = tally
        self._company = company
        self._open: dict[Journey, None] = {}
        self._equals: dict[Image, Journey] = {}

    def __contains__(self, journey: Journey) -> bool:
        return journey in self._open

    def __iter__(self) -> Iterator[Journey]:
        """Those that are open now; they may end while one looks at them."""
        return iter(list(self._open))

    def begin(
        self,
        image: Image,
        caller: Caller,
        lane: Lane,
        *,
        number: int,
        deadline: float,
        now: float,
    ) -> Ticket:
        """Queue an image, or have its caller join one that is equal and not done.

        An image that a caller has named is equal to no other.

        Args:
            image: The image.
            caller: Who gets its outcome.
            lane: Its lane.
            number: The caller's own number for it.
            deadline: When the caller leaves, in seconds of the loop's clock.
            now: The time, by the same clock.
        """
        journey = Journey(image, lane, self._company, now)
        if image.data_id is None:
            equal = self._equals.setdefault(image, journey)
            if equal is not journey:
                return self._join(equal, Ticket(image, caller, equal, number, deadline), lane)
        ticket = Ticket(image, caller, journey, number, deadline)
        journey.tickets[ticket] = None
        self._open[journey] = None
        self._queue.add(journey)
        return ticket

    def _join(self, journey: Journey, ticket: Ticket, lane: Lane) -> Ticket:
        self._tally.shared += 1
        journey.tickets[ticket] = None
        if lane < journey.lane:
            self._queue.promote(journey, lane)
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Its caller wants nothing any more; the image goes on only if another does."""
        ticket.caller = None
        journey = ticket.journey
        journey.tickets.pop(ticket, None)
        if journey in self._open and not journey.tickets:
            self._forget(journey)
            # One that travels is counted when it arrives.
            self._tally.given_up += journey.maybe_charged and not journey.travelling

    def depart(self, journey: Journey) -> None:
        """It leaves the queue in a request."""
        self._tally.images_sent += 1
        self._tally.charged_again += journey.maybe_charged
        self._tally.retried += journey.failures > 0
        if not journey.travelled:
            for ticket in list(journey.tickets):
                if ticket.caller is not None:
                    ticket.caller.taken(ticket)
        journey.travelled = journey.travelling = True
        self._tally.under_way += 1

    def arrive(self, journey: Journey) -> None:
        """Its request is over, whatever became of it; also if nobody wants it any more."""
        journey.travelling = False
        self._tally.under_way -= 1
        self._tally.given_up += journey not in self._open

    def go_again(self, journey: Journey) -> bool:
        """Whether anybody still wants it, now that it takes another try."""
        for ticket in list(journey.tickets):
            if ticket.caller is not None:
                ticket.caller.returned(ticket)
        return journey in self._open

    def fail(self, journey: Journey, error: OCRError) -> None:
        """Its one outcome is a failure; it says whether any try may have been charged."""
        charged = journey.maybe_charged or journey.travelling or error.maybe_charged
        self._finish(journey, error, maybe_charged=charged)

    def succeed(self, journey: Journey, scan: Scan) -> None:
        """Its one outcome is a scan."""
        self._finish(journey, scan)

    def _finish(self, journey: Journey, answer: Answer, *, maybe_charged: bool = False) -> None:
        if journey not in self._open:  # a caller withdrew it while another was told
            return
        self._forget(journey)
        for ticket in list(journey.tickets):
            caller, ticket.caller = ticket.caller, None
            if caller is None:
                continue
            self._tally.outcomes[type(answer).__name__] += 1
            outcome: Outcome
            if isinstance(answer, Scan):
                same = ticket.image is answer.image
                outcome = answer if same else attrs.evolve(answer, image=ticket.image)
            else:
                outcome = Failure(ticket.image, _own(answer, maybe_charged))
            caller.deliver(ticket, outcome)

    def _forget(self, journey: Journey) -> None:
        del self._open[journey]
        self._queue.discard(journey)
        if journey.image.data_id is None:
            del self._equals[journey.image]


def _own(error: OCRError, maybe_charged: bool) -> OCRError:  # noqa: FBT001 - what it is of the copy
    """An exception for one caller: one that many tasks raise grows with each."""
    own = type(error).__new__(type(error), *error.args)
    own.__dict__.update(error.__dict__)
    own.__cause__ = error.__cause__
    own.maybe_charged = maybe_charged
    return own
