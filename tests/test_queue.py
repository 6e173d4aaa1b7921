"""The chunker: who travels with whom, in which order."""

import pytest

from aliocr import Image, Outcome
from aliocr.batching import Lane, Queue, Waiting, smaller_company


class Nobody:
    """A caller that does not care."""

    def taken(self, waiting: Waiting) -> None:
        """Nothing to do."""

    def deliver(self, waiting: Waiting, outcome: Outcome) -> None:
        """Nothing to do."""


def _waiting(
    number: int, lane: Lane = Lane.BULK, company: int = 100, data_id: str | None = None
) -> Waiting:
    image = Image(f"https://example.com/{number}.png", data_id)
    return Waiting(image, Nobody(), lane, company, number)


def _numbers(batch: list[Waiting]) -> list[int]:
    return [waiting.number for waiting in batch]


def _queue(*waiting: Waiting) -> Queue:
    queue = Queue()
    for one in waiting:
        queue.add(one)
    return queue


def test_a_batch_is_the_first_of_those_who_wait() -> None:
    """First in, first out, up to the most a request carries."""
    queue = _queue(*map(_waiting, range(250)))
    assert _numbers(queue.take(100)) == list(range(100))
    assert _numbers(queue.take(100)) == list(range(100, 200))
    assert _numbers(queue.take(100)) == list(range(200, 250))
    assert queue.take(100) == []


def test_interactive_images_go_first_and_bulk_keeps_a_tenth() -> None:
    """A flood of either leaves room for the other."""
    queue = _queue(
        *map(_waiting, range(300)), *(_waiting(n, Lane.INTERACTIVE) for n in range(1000, 1300))
    )
    batch = _numbers(queue.take(100))
    assert batch == [*range(1000, 1090), *range(10)]
    lonely = _queue(*(_waiting(n, Lane.INTERACTIVE) for n in range(200)))
    assert len(lonely.take(100)) == 100


def test_a_data_id_is_never_twice_in_a_batch() -> None:
    """Those with a name already taken go with a later one, and others do not wait for them."""
    queue = _queue(*(_waiting(n, data_id=f"id-{n // 2}") for n in range(10)))
    assert _numbers(queue.take(100)) == [0, 2, 4, 6, 8]
    assert _numbers(queue.take(100)) == [1, 3, 5, 7, 9]


def test_a_data_id_is_never_twice_across_lanes_either() -> None:
    """One interactive, one bulk, one name: two requests."""
    queue = _queue(_waiting(0, data_id="a"), _waiting(1, Lane.INTERACTIVE, data_id="a"))
    assert _numbers(queue.take(100)) == [1]
    assert _numbers(queue.take(100)) == [0]


def test_suspects_travel_among_themselves() -> None:
    """An image in reduced company does not endanger those that never failed."""
    queue = _queue(*(_waiting(n, company=4) for n in range(6)), *map(_waiting, range(10, 15)))
    assert _numbers(queue.take(100)) == [0, 1, 2, 3]
    assert _numbers(queue.take(100)) == [4, 5]
    assert _numbers(queue.take(100)) == [10, 11, 12, 13, 14]


def test_an_image_that_comes_back_goes_before_those_that_never_left() -> None:
    """Retries do not queue behind the whole job."""
    queue = _queue(*map(_waiting, range(5)))
    back = _waiting(99)
    back.travelled = True
    queue.add(back)
    assert _numbers(queue.take(3)) == [99, 0, 1]


def test_an_image_that_left_the_queue_is_not_taken() -> None:
    """Discarding is exact, and discarding a stranger is nothing."""
    waiting = list(map(_waiting, range(5)))
    queue = _queue(*waiting)
    queue.discard(waiting[1])
    queue.discard(waiting[1])
    assert len(queue) == 4
    assert _numbers(queue.take(100)) == [0, 2, 3, 4]


@pytest.mark.parametrize(
    ("tries", "steps"),
    [(3, [100, 20, 4, 1]), (2, [100, 10, 1]), (1, [100, 1]), (0, [100, 1])],
)
def test_company_shrinks_to_one_in_the_tries_that_are_left(tries: int, steps: list[int]) -> None:
    """Whoever sinks every request travels alone in the end."""
    found = [100]
    for left in range(tries, 0, -1):
        found.append(smaller_company(found[-1], left))
    if not tries:
        found.append(smaller_company(100, 0))
    assert found == steps
    assert smaller_company(1000, 3) == 100
