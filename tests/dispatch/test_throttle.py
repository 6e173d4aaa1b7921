"""What is learnt of an account by all who send for it, on every kind of server."""

import asyncio
import random
from itertools import pairwise

import attrs
import pytest

from aliocr import Image, Limits
from aliocr.dispatch.batcher import Batcher
from aliocr.dispatch.registry import throttle_of
from aliocr.dispatch.throttle import AccountThrottle
from aliocr.emulator.access.rate_window import WINDOWS, WindowKind
from aliocr.errors import ThrottledError, api_error
from tests.support.model import Asker, Character, ModelService, batcher_of

pytestmark = pytest.mark.usefixtures("model_clock")


@attrs.define
class Phase:
    """A time under one quota, of which a hundred a request can use 945.

    Args:
        quota: Images per second.
        began: When it began.
        followed: Seconds until 85 % of it was accepted within a second; None if it never was.
        accepted: Images accepted in the phase, its first 10 seconds left out.
        refused: Images refused, the same.
        seconds: What the phase lasted, the same.
    """

    quota: int
    began: float
    followed: float | None = None
    accepted: int = 0
    refused: int = 0
    seconds: float = 0.0


def _judge(phase: Phase, images: list[tuple[float, bool]], end: float) -> None:
    wanted = 0.85 * min(phase.quota, 945)
    recent: list[float] = []
    for moment, taken in images:
        if not phase.began <= moment < end:
            continue
        if moment >= phase.began + 10:
            phase.accepted += taken
            phase.refused += not taken
        if taken and phase.followed is None:
            recent = [other for other in recent if other > moment - 1] + [moment]
            if len(recent) >= wanted:
                phase.followed = moment - phase.began
    phase.seconds = end - phase.began - 10


async def _follow(kind: WindowKind, quotas: list[int], seed: int) -> list[Phase]:
    """A job that never ends, under quotas that change while it runs."""
    random.seed(seed)
    loop = asyncio.get_running_loop()
    chance = random.Random(seed)
    character = Character(window=kind, images_per_second=quotas[0], answers=(0.1, 0.3))
    service = ModelService(character, seed)
    batcher = batcher_of(service)
    asker = Asker(batcher)
    phases = []
    number = 0
    for quota in quotas:
        service.account.allow_images(quota)
        phases.append(Phase(quota, loop.time()))
        end = loop.time() + 25 + chance.uniform(0, 6)
        while loop.time() < end:
            while len(asker.asked) - len(asker.taken_at) < 300:
                asker.ask(Image(f"https://example.com/{number}.png"))
                number += 1
            await asyncio.sleep(0.05)
    ends = [phase.began for phase in phases[1:]] + [loop.time()]
    for phase, end in zip(phases, ends, strict=True):
        _judge(phase, service.images, end)
    await batcher.close()
    return phases


def _mean(numbers: list[float]) -> float:
    return sum(numbers) / len(numbers)


async def test_the_image_quota_is_found_and_followed_when_it_is_raised() -> None:
    """10 images a second, then 50, then 1,000: nobody told, nearly all of each used.

    Many more worlds, and other windows, are lived through without a batcher: `test_learnt_rates`.
    """
    worlds = [await _follow("sliding", [10, 50, 1000], seed) for seed in range(3)]
    for phases in zip(*worlds, strict=True):
        followed = [phase.followed for phase in phases if phase.followed is not None]
        assert len(followed) == len(phases)
        assert _mean(followed) < 8
        assert max(followed) < 12
        refused, accepted = sum(p.refused for p in phases), sum(p.accepted for p in phases)
        assert refused < 0.025 * (refused + accepted)
        possible = sum(min(phase.quota, 945) * phase.seconds for phase in phases)
        assert accepted > 0.87 * possible


@pytest.mark.parametrize("kind", WINDOWS)
async def test_a_new_account_is_used_nearly_whole(kind: WindowKind) -> None:
    """10 images a second, on every kind of server, with no limit given."""
    # The first phase learns: a bucket lets one burst through, and is believed once.
    worlds = [(await _follow(kind, [10, 10, 10], seed))[1:] for seed in range(10)]
    phases = [phase for world in worlds for phase in world]
    accepted, refused = sum(p.accepted for p in phases), sum(p.refused for p in phases)
    assert accepted > 0.9 * sum(10 * phase.seconds for phase in phases)
    assert refused < 0.035 * (accepted + refused)


async def test_a_known_quota_is_not_sought() -> None:
    """Who gives the number is refused nothing, beginning with the first request."""
    service = ModelService(Character(images_per_second=50, images_in_flight=20), seed=1)
    batcher = batcher_of(service, Limits(images_per_second=50, images_in_flight=20))
    asker = Asker(batcher)
    for number in range(500):
        asker.ask(Image(f"https://example.com/{number}.png"))
    await asker.all_done()
    assert batcher.tally.throttled == 0
    took = service.images[-1][0] - service.images[0][0]
    assert 500 / took > 0.85 * 50
    await batcher.close()


@pytest.mark.parametrize("requests", [1, 2, 5])
@pytest.mark.parametrize("known", [None, 50])
async def test_few_requests_carry_as_much_of_the_quota_as_many(
    requests: int, known: int | None
) -> None:
    """A request takes all that came up since the last, however far apart they are."""
    service = ModelService(Character(requests_per_second=requests, images_per_second=50), seed=1)
    limits = Limits(requests_per_second=requests, images_per_second=known)
    batcher = batcher_of(service, limits)
    asker = Asker(batcher)
    for number in range(2000):
        asker.ask(Image(f"https://example.com/{number}.png"))
    await asker.all_done()
    accepted = [moment for moment, taken in service.images if taken]
    assert 1000 / (accepted[-1] - accepted[-1001]) > 0.8 * 50
    await batcher.close()


async def test_too_many_images_at_once_lower_the_rate() -> None:
    """50 in flight and answers of up to a second: found without being told, and kept to."""
    service = ModelService(Character(images_in_flight=50, answers=(0.3, 1.0)), seed=1)
    batcher = batcher_of(service)
    asker = Asker(batcher)
    for number in range(6000):
        asker.ask(Image(f"https://example.com/{number}.png"))
    await asker.all_done()
    late = service.images[3000:]
    refused = sum(not taken for _, taken in late)
    assert refused < 0.09 * len(late)
    took = late[-1][0] - late[0][0]
    assert (len(late) - refused) / took > 50  # of 77, with answers of 0.65 s in the mean
    await batcher.close()


# --- pauses ---------------------------------------------------------------------------------------


async def _ask_all(batcher: Batcher, count: int) -> Asker:
    asker = Asker(batcher)
    for number in range(count):
        asker.ask(Image(f"https://example.com/{number}.png"))
    await asker.all_done()
    return asker


async def test_the_account_stays_away_as_long_as_the_service_says() -> None:
    """All its senders do, and go on at once after that."""
    service = ModelService(Character(jitter=0.0), seed=1)
    account = AccountThrottle(Limits())
    refusals = 0

    def accept(*_: object) -> bool:
        nonlocal refusals
        refusals += 1
        return refusals > 1

    service.account.accept = accept  # type: ignore[method-assign, assignment]
    plain = service.send

    async def send(images: list[Image]) -> object:
        try:
            return await plain(images)
        except ThrottledError as error:
            error.retry_after = 7.5
            raise

    service.send = send  # type: ignore[assignment, method-assign]
    one, two = (batcher_of(service, account=account) for _ in range(2))
    await asyncio.gather(_ask_all(one, 1), _ask_all(two, 300))
    sent = [moment for moment, _ in service.departures]
    gaps = [later - earlier for earlier, later in pairwise(sent)]
    assert max(gaps) == pytest.approx(7.5, abs=0.2)
    assert len(sent) == 5
    await one.close()
    await two.close()


async def test_a_lone_refusal_pauses_hardly_and_many_in_a_row_longer() -> None:
    """A request that came a hair too early is no reason to stop for a second."""
    throttle = AccountThrottle(Limits())
    loop = asyncio.get_running_loop()
    waits = []
    for _ in range(6):
        permit = await throttle.permit(since=asyncio.get_running_loop().time())
        request = permit.use(10)
        throttle.ended(request, api_error("Throttling.User", "", status=400))
        began = loop.time()
        (await throttle.permit(since=asyncio.get_running_loop().time())).give_back()
        waits.append(loop.time() - began)
    assert waits[0] < 0.15
    assert max(waits) > 0.5
    assert throttle.stalled_for(loop.time()) > 1
    throttle.ended(
        (await throttle.permit(since=asyncio.get_running_loop().time())).use(10), [object()] * 10
    )
    assert throttle.stalled_for(loop.time()) == 0


async def test_a_burst_of_throttling_is_soon_forgotten() -> None:
    """Two seconds in which all was refused, by whoever's fault: the rate is not lost for it."""
    service = ModelService(Character(), seed=1)
    batcher = batcher_of(service)
    asker = Asker(batcher)
    for number in range(60_000):
        asker.ask(Image(f"https://example.com/{number}.png"))
    loop = asyncio.get_running_loop()
    await asyncio.sleep(5)
    plain = service.account.accept
    service.account.accept = lambda *_: False  # type: ignore[method-assign]
    await asyncio.sleep(2)
    service.account.accept = plain  # type: ignore[method-assign]
    began = loop.time() + 5
    await asyncio.sleep(25)
    sent = sum(began <= moment < began + 20 for moment, _ in service.departures)
    assert sent > 0.6 * 9.45 * 20
    await batcher.close()


async def test_a_lone_refusal_teaches_little() -> None:
    """One image, or one request, of an account that was hardly used."""
    throttle = AccountThrottle(Limits())
    for refusal in (api_error("Throttling.User", "", status=400), [api_error(588, "")]):
        permit = await throttle.permit(since=asyncio.get_running_loop().time())
        throttle.ended(permit.use(1), refusal)
        await asyncio.sleep(30)
    assert throttle.image_rate == float("inf")
    assert throttle.limiter.rate > 9.2


async def test_sessions_share_what_was_learnt_until_their_loop_ends() -> None:
    """The next session of the account begins where the last one ended."""
    throttle = throttle_of("learnt", Limits())
    permit = await throttle.permit(since=asyncio.get_running_loop().time())
    throttle.ended(permit.use(100), [*[object()] * 10, *[api_error(588, "")] * 90])
    assert throttle_of("learnt", Limits()).image_rate == pytest.approx(5)
    assert throttle_of("learnt", Limits(images_per_second=5)).image_rate == pytest.approx(4.725)
