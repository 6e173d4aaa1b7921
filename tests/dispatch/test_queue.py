"""The chunker: which images share a batch, in which order."""

import pytest

from aliocr import Image
from aliocr.dispatch.pending_image import PendingImage
from aliocr.dispatch.queue import Lane, Queue


def _journey(
    number: int, lane: Lane = Lane.BULK, batch_limit: int = 100, data_id: str | None = None
) -> PendingImage:
    image = Image(f"https://example.com/{number}.png", data_id)
    return PendingImage(image, lane, batch_limit, since=number)


def _numbers(batch: list[PendingImage]) -> list[int]:
    return [int(pending.since) for pending in batch]


def _queue(*images: PendingImage) -> Queue[PendingImage]:
    queue: Queue[PendingImage] = Queue()
    for one in images:
        queue.add(one)
    return queue


def test_a_batch_is_the_first_of_those_who_wait() -> None:
    """First in, first out, up to the most a request carries."""
    queue = _queue(*map(_journey, range(250)))
    assert _numbers(queue.take(100)) == list(range(100))
    assert _numbers(queue.take(100)) == list(range(100, 200))
    assert _numbers(queue.take(100)) == list(range(200, 250))
    assert queue.take(100) == []


@pytest.mark.parametrize("most", [1, 5, 10, 100])
@pytest.mark.parametrize("batch_limit", [100, 4])
def test_interactive_images_go_first_and_bulk_keeps_a_tenth(most: int, batch_limit: int) -> None:
    """A flood of either leaves room for the other, whatever the batch size or limit."""
    queue: Queue[PendingImage] = Queue()
    for number in range(1000):
        queue.add(_journey(number, batch_limit=batch_limit))
        queue.add(_journey(number, Lane.INTERACTIVE))
    taken = {Lane.INTERACTIVE: 0, Lane.BULK: 0}
    while taken[Lane.INTERACTIVE] < 900 - most:
        waited = taken[Lane.INTERACTIVE]
        for pending in queue.take(most):
            taken[pending.lane] += 1
        if taken[Lane.INTERACTIVE] == waited:  # a turn of bulk alone: the next is not
            assert queue.take(most)[0].lane is Lane.INTERACTIVE
            taken[Lane.INTERACTIVE] += most
    least = 0.1 if batch_limit > most else 0.1 * min(batch_limit, most) / most
    assert taken[Lane.BULK] >= 0.9 * least * taken[Lane.INTERACTIVE] - most
    assert taken[Lane.BULK] > 0
    assert taken[Lane.BULK] <= 0.2 * taken[Lane.INTERACTIVE] + most


def test_bulk_alone_fills_every_batch_and_so_does_the_other_lane() -> None:
    """Nothing is held back for those who are not there."""
    queue = _queue(*map(_journey, range(200)))
    assert len(queue.take(100)) == 100
    lonely = _queue(*(_journey(n, Lane.INTERACTIVE) for n in range(200)))
    assert len(lonely.take(100)) == 100


def test_a_data_id_is_never_twice_in_a_batch() -> None:
    """Those with a name already taken go with a later one, and others do not wait for them."""
    queue = _queue(*(_journey(n, data_id=f"id-{n // 2}") for n in range(10)))
    assert _numbers(queue.take(100)) == [0, 2, 4, 6, 8]
    assert _numbers(queue.take(100)) == [1, 3, 5, 7, 9]


def test_a_data_id_is_never_twice_across_lanes_either() -> None:
    """One interactive, one bulk, one name: two requests."""
    queue = _queue(_journey(0, data_id="a"), _journey(1, Lane.INTERACTIVE, data_id="a"))
    assert _numbers(queue.take(100)) == [1]
    assert _numbers(queue.take(100)) == [0]


def test_suspects_travel_among_themselves() -> None:
    """An image in reduced batch_limit does not endanger those that never failed."""
    queue = _queue(*(_journey(n, batch_limit=4) for n in range(6)), *map(_journey, range(10, 15)))
    assert _numbers(queue.take(100)) == [0, 1, 2, 3]
    assert _numbers(queue.take(100)) == [4, 5]
    assert _numbers(queue.take(100)) == [10, 11, 12, 13, 14]


def test_an_image_that_comes_back_goes_before_those_that_never_left() -> None:
    """Retries do not queue behind the whole job."""
    queue = _queue(*map(_journey, range(5)))
    back = _journey(99)
    back.sent_before = True
    queue.add(back)
    assert _numbers(queue.take(3)) == [99, 0, 1]


def test_an_image_that_left_the_queue_is_not_taken() -> None:
    """Discarding is exact, and discarding a stranger is nothing."""
    images = list(map(_journey, range(5)))
    queue = _queue(*images)
    queue.discard(images[1])
    queue.discard(images[1])
    assert queue.size == 4
    assert _numbers(queue.take(100)) == [0, 2, 3, 4]
