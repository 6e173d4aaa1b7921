"""Worlds of many callers, faults and cancellations, on a virtual clock, by the hundred."""

import asyncio
import random

import attrs
import pytest

from aliocr import Image, Limits
from aliocr.dispatch.batcher import Batcher
from aliocr.dispatch.queue import Lane
from aliocr.dispatch.throttle import AccountThrottle
from aliocr.emulator.access.rate_window import WINDOWS
from tests.support.model import Asker, Character, ModelService, batcher_of, busiest

pytestmark = pytest.mark.usefixtures("model_clock")

WORLDS = 100


def _character(chance: random.Random) -> Character:
    """Anything a service can be like."""
    return Character(
        window=chance.choice(WINDOWS),
        requests_per_second=chance.choice([10, 10, 10, 4]),
        images_per_second=chance.choice([None, None, 10, 60]),
        images_in_flight=chance.choice([None, None, 50]),
        jitter=chance.choice([0, 0.05, 0.2]),
        answers=chance.choice([(0.05, 0.05), (0.1, 0.5), (0.2, 3.0)]),
        lost=chance.choice([0, 0, 0.1]),
        broken=chance.choice([0, 0, 0.1]),
        slow=chance.choice([0, 0.05]),
        missing=chance.choice([0, 0.05]),
    )


def _image(chance: random.Random, number: int) -> Image:
    """Mostly images of their own; some equal, some named, some named alike."""
    kind = chance.random()
    if kind < 0.1:
        return Image(f"https://example.com/equal-{chance.randrange(10)}.png")
    if kind < 0.2:
        return Image(f"https://example.com/{number}.png", f"name-{chance.randrange(20)}")
    return Image(f"https://example.com/{number}.png")


@attrs.frozen
class World:
    """What was left of a world when all was done."""

    askers: list[Asker]
    batchers: list[Batcher]
    service: ModelService


async def _live(seed: int) -> World:
    """A minute or so of a world: askers come and go, and nobody is left waiting at its end."""
    random.seed(seed)  # the library's own jitter, so that a seed names one world
    chance = random.Random(seed)
    service = ModelService(_character(chance), seed)
    limits = Limits(images_per_request=chance.choice([1, 7, 100]))
    account = AccountThrottle(limits)
    batchers = [batcher_of(service, limits, account=account) for _ in range(chance.choice([1, 2]))]
    askers = [Asker(batcher) for batcher in batchers]
    few = limits.images_per_request == 1 or service.character.images_per_second == 10
    for number in range(30 if few else chance.choice([30, 300])):
        asker = chance.choice(askers)
        asker.ask(_image(chance, number), chance.choice([Lane.BULK, Lane.INTERACTIVE]))
        if chance.random() < 0.2:
            await asyncio.sleep(chance.expovariate(20))
        if chance.random() < 0.1:
            asker.withdraw(chance.choice(asker.asked))
    if chance.random() < 0.2:
        await batchers[0].close()
    for asker in askers:
        await asker.all_done()
    for batcher in batchers:
        await batcher.close()
    return World(askers, batchers, service)


@pytest.fixture(scope="module", params=range(4))
def block(request: pytest.FixtureRequest) -> range:
    """A hundred seeds."""
    return range(request.param * WORLDS, (request.param + 1) * WORLDS)


async def test_every_image_gets_exactly_one_outcome(block: range) -> None:
    """None lost, none twice, the right one each; none for those who left; nothing left over."""
    before = asyncio.all_tasks()
    for seed in block:
        async with asyncio.timeout(3600):
            world = await _live(seed)
        for asker in world.askers:
            _check_outcomes(asker, seed)
            _check_order(asker, seed)
        _check_charges(world, seed)
        sent = [moment for moment, _ in world.service.departures]
        assert busiest(sent) <= 10, seed
        assert asyncio.all_tasks() == before, seed


def _check_outcomes(asker: Asker, seed: int) -> None:
    for waiter in asker.asked:
        found = asker.outcomes[waiter]
        assert len(found) == (waiter not in asker.withdrawn), seed
        for outcome in found:
            assert outcome.image is waiter.image, seed
            assert not outcome.ok or outcome.text == f"text of {waiter.image.url}", seed


def _check_order(asker: Asker, seed: int) -> None:
    """First in, first out in each lane; those that share a name or a pending wait for that."""
    for lane in Lane:
        alone = [waiter for waiter in asker.asked if _is_alone(waiter.image)]
        order = [asker.taken_at[t] for t in alone if t.pending.lane is lane and t in asker.taken_at]
        assert order == sorted(order), seed


def _check_charges(world: World, seed: int) -> None:
    """What was charged twice was counted, and what is said to be free was."""
    charged = world.service.charged
    alone = [waiter for asker in world.askers for waiter in asker.asked if _is_alone(waiter.image)]
    twice = sum(max(0, charged[waiter.image.url] - 1) for waiter in alone)
    assert twice <= sum(batcher.tally.charged_again for batcher in world.batchers), seed
    for asker in world.askers:
        for waiter in asker.asked:
            for outcome in asker.outcomes[waiter]:
                if _is_alone(waiter.image) and not outcome.ok and not outcome.error.maybe_charged:
                    assert not charged[waiter.image.url], seed


def _is_alone(image: Image) -> bool:
    return image.data_id is None and "equal" not in image.url
