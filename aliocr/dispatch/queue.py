"""The queue of waiting images, and the chunker that takes a batch of them.

Pure: it knows neither a loop nor who waits.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator
from enum import IntEnum
from itertools import islice
from typing import Protocol

import attrs

from aliocr.models import Image, Outcome


class Lane(IntEnum):
    """Who is served first; each lane is first in, first out."""

    INTERACTIVE = 0
    BULK = 1


class Caller(Protocol):
    """Whoever waits for an image."""

    def taken(self, ticket: Ticket) -> None:
        """The image has left the queue for its first try; not called if it had when one joined."""

    def returned(self, ticket: Ticket) -> None:
        """The image has come back from a try and is to go again, at once or after a rest.

        Who wants no other try withdraws his ticket now.
        """

    def deliver(self, ticket: Ticket, outcome: Outcome) -> None:
        """The one outcome of the image. Must not raise."""


@attrs.define(eq=False)
class Ticket:
    """One caller's part in a journey.

    Args:
        image: As this caller gave it.
        caller: Who gets the outcome; None once it was given, or is not wanted any more.
        journey: The journey.
        number: The caller's own number for it.
        deadline: When the caller leaves, in seconds of the loop's clock.
    """

    image: Image
    caller: Caller | None
    journey: Journey
    number: int = 0
    deadline: float = math.inf


@attrs.define(eq=False)
class Journey:
    """One image on its way from its callers to its outcome.

    Args:
        image: The image.
        lane: Its lane.
        company: The most images its next request may carry, itself included.
        since: When it first joined the queue, in seconds of the loop's clock.
        tickets: Of those who wait for it: one, unless equal images share it.
        failures: Tries that failed, throttled ones left out.
        refusals: Tries in which the image itself was refused for the quota.
        refused_at: When it was throttled first.
        travelled: It has left the queue at least once.
        travelling: It is in a request now.
        maybe_charged: A try that is over may have been charged.
    """

    image: Image
    lane: Lane
    company: int
    since: float
    tickets: dict[Ticket, None] = attrs.field(factory=dict, repr=False)
    failures: int = 0
    refusals: int = 0
    refused_at: float = math.inf
    travelled: bool = False
    travelling: bool = False
    maybe_charged: bool = False

    @property
    def deadline(self) -> float:
        """When nobody will wait for it any more, in seconds of the loop's clock."""
        return max([ticket.deadline for ticket in self.tickets], default=-math.inf)


class Queue:
    """Waiting images in their lanes, and the chunker that takes a batch of them.

    Interactive images go first. While they alone could fill every batch, bulk images are owed a
    tenth of the places; what cannot be given at once is owed on, up to a whole batch, so that no
    size of batch and no company of others starves them.
    """

    # How far past images that cannot share the batch it looks for others that can, in batches.
    LOOKAHEAD = 4
    BULK_SHARE = 0.1
    REFUSALS_IN_FRONT = 3

    def __init__(self) -> None:
        # Ordered dicts: the one standard container with cheap ends and removal from the middle.
        self._lanes: dict[Lane, OrderedDict[Journey, None]] = {lane: OrderedDict() for lane in Lane}
        self._owed = 0.0

    def __len__(self) -> int:
        interactive, bulk = self._lanes.values()
        return len(interactive) + len(bulk)

    def __iter__(self) -> Iterator[Journey]:
        for lane in self._lanes.values():
            yield from lane

    def add(self, journey: Journey) -> None:
        """Join at the end, or at the front when coming back from a try.

        One that was refused again and again has had its turns: at the front it could be all that is
        ever sent, where the quota lets a request carry one image.
        """
        lane = self._lanes[journey.lane]
        lane[journey] = None
        if journey.travelled and journey.refusals < self.REFUSALS_IN_FRONT:
            lane.move_to_end(journey, last=False)

    def promote(self, journey: Journey, lane: Lane) -> None:
        """Move to another lane, whether it is in the queue now or comes back later."""
        queued = journey in self._lanes[journey.lane]
        self.discard(journey)
        journey.lane = lane
        if queued:
            self.add(journey)

    def discard(self, journey: Journey) -> None:
        """Leave the queue, if in it."""
        self._lanes[journey.lane].pop(journey, None)

    def take(self, most: int) -> list[Journey]:
        """The next batch: at most `most` images, 1 or more, no data id twice.

        Images in reduced company share only with others of the same: they are suspects, and would
        endanger those that are not.
        """
        batch: list[Journey] = []
        data_ids: set[str | None] = set()
        for lane, room in self._turns(most):
            self._choose(lane, min(room, most), batch, data_ids)
        return batch

    def _turns(self, most: int) -> list[tuple[Lane, int]]:
        """The lanes in the order in which they choose, and how full the batch may be then."""
        bulk = len(self._lanes[Lane.BULK])
        if not bulk or not self._lanes[Lane.INTERACTIVE]:
            return [(Lane.INTERACTIVE, most), (Lane.BULK, most)]
        self._owed = min(self._owed + self.BULK_SHARE * most, float(most))
        if self._owed >= most:
            self._owed = 0.0  # a turn of its own settles all, however few it can use it for
            return [(Lane.BULK, most), (Lane.INTERACTIVE, most)]
        return [(Lane.INTERACTIVE, most - min(bulk, int(self._owed))), (Lane.BULK, most)]

    def _choose(
        self, lane: Lane, room: int, batch: list[Journey], data_ids: set[str | None]
    ) -> None:
        waiting = self._lanes[lane]
        chosen: list[Journey] = []
        for journey in islice(waiting, self.LOOKAHEAD * max(room, 1)):
            company = (batch or chosen or [journey])[0].company
            if len(batch) + len(chosen) >= min(room, company):
                break
            data_id = journey.image.data_id
            if journey.company == company and (data_id is None or data_id not in data_ids):
                data_ids.add(data_id)
                chosen.append(journey)
        for journey in chosen:
            del waiting[journey]
        batch += chosen
        if lane is Lane.BULK:
            self._owed = max(0.0, self._owed - len(chosen))


def smaller_company(size: int, tries_left: int) -> int:
    """How many may share a request after one of `size` images failed as a whole.

    As few steps as tries are left lead down to one: 100 → 20 → 4 → 1 with three.
    """
    if tries_left < 1:
        return 1
    root: float = size ** (1 / tries_left)
    parts = math.ceil(round(root, 9))  # the cube root of 1,000 is a hair above 10
    return math.ceil(size / parts)
