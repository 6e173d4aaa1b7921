"""The queue of waiting images in two lanes, and the chunker that takes a batch from the queue.

Pure: this module knows no event loop, no caller and no state of an image.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from enum import IntEnum
from itertools import islice
from typing import Generic, Protocol, TypeVar

from aliocr.models import Image


class Lane(IntEnum):
    """The lane of an image. The lane with the lower number goes first; a lane keeps its order."""

    INTERACTIVE = 0
    BULK = 1


class QueuedImage(Protocol):
    """The attributes of a pending image that the queue reads."""

    @property
    def image(self) -> Image:
        """The image."""

    @property
    def lane(self) -> Lane:
        """The lane of the image."""

    @property
    def batch_limit(self) -> int:
        """Maximum number of images in its request, this image included."""

    @property
    def goes_first(self) -> bool:
        """True if the image joins the queue at the front, because it returns from a try."""


T = TypeVar("T", bound=QueuedImage)


class Queue(Generic[T]):
    """Waiting images in their lanes, with the chunker that takes a batch of them.

    Interactive images go first. If interactive images could fill every batch alone, a tenth of the
    places is reserved for bulk images. If this is less than one place, it adds up over the batches,
    to a whole batch at most. So bulk images never wait for ever, however small the batches are.

    Attributes:
        size: Number of images in the queue.
    """

    LOOKAHEAD = 4
    """How far the chunker searches the queue for images that may share the request, in batches."""

    BULK_SHARE = 0.1
    """Fraction of places reserved for bulk images while interactive images could fill a batch."""

    def __init__(self) -> None:
        # Only an OrderedDict is fast at both ends and also when an image in the middle is removed.
        self._lanes: dict[Lane, OrderedDict[T, None]] = {lane: OrderedDict() for lane in Lane}
        self._owed = 0.0
        self.size = 0

    def __iter__(self) -> Iterator[T]:
        for lane in self._lanes.values():
            yield from lane

    def add(self, waiting: T) -> None:
        """Add an image at the end, or at the front if it returns from a try."""
        lane = self._lanes[waiting.lane]
        lane[waiting] = None
        self.size += 1
        if waiting.goes_first:
            lane.move_to_end(waiting, last=False)

    def discard(self, waiting: T) -> None:
        """Remove an image, if it is in the queue."""
        lane = self._lanes[waiting.lane]
        if waiting in lane:
            del lane[waiting]
            self.size -= 1

    def take(self, most: int) -> list[T]:
        """Take the next batch: at most `most` images (1 or more), and no data id twice.

        Images with a reduced batch limit share a request only with images of the same limit. One
        of them may make the request fail, and images that never failed should not fail with it.
        """
        batch: list[T] = []
        data_ids: set[str | None] = set()
        for lane, room in self._lanes_in_order(most):
            self._choose(lane, min(room, most), batch, data_ids)
        self.size -= len(batch)
        return batch

    def _lanes_in_order(self, most: int) -> list[tuple[Lane, int]]:
        """Return the lanes in the order of service, and how full each may make the batch."""
        bulk = len(self._lanes[Lane.BULK])
        if not bulk or not self._lanes[Lane.INTERACTIVE]:
            return [(Lane.INTERACTIVE, most), (Lane.BULK, most)]
        self._owed = min(self._owed + self.BULK_SHARE * most, float(most))
        if self._owed >= most:
            self._owed = 0.0  # one batch with bulk images first clears the debt
            return [(Lane.BULK, most), (Lane.INTERACTIVE, most)]
        return [(Lane.INTERACTIVE, most - min(bulk, int(self._owed))), (Lane.BULK, most)]

    def _choose(self, lane: Lane, room: int, batch: list[T], data_ids: set[str | None]) -> None:
        waiting = self._lanes[lane]
        chosen: list[T] = []
        for each in islice(waiting, self.LOOKAHEAD * max(room, 1)):
            limit = (batch or chosen or [each])[0].batch_limit
            if len(batch) + len(chosen) >= min(room, limit):
                break
            data_id = each.image.data_id
            if each.batch_limit == limit and (data_id is None or data_id not in data_ids):
                data_ids.add(data_id)
                chosen.append(each)
        for each in chosen:
            del waiting[each]
        batch += chosen
        if lane is Lane.BULK:
            self._owed = max(0.0, self._owed - len(chosen))
