"""Outages and brown-outs, on a virtual clock: what is lost, what it costs, how long it takes."""

import asyncio
import math
from collections.abc import Iterable

import pytest

from aliocr import Failure, Image, Limits, OCRError, Scan, TransportError
from aliocr.dispatch.batcher import Batcher
from aliocr.dispatch.health import ServiceHealth
from aliocr.dispatch.queue import Lane
from aliocr.dispatch.rates.sent_record import SentBatch
from aliocr.dispatch.retry import RepeatBudget, RetryPolicy
from aliocr.dispatch.throttle import AccountThrottle
from aliocr.errors import api_error
from tests.support.model import TROUBLES, Asker, Character, ModelService, batcher_of

pytestmark = pytest.mark.usefixtures("model_clock")

STEADY = Character(jitter=0.0, answers=(0.1, 0.3))


def _image(number: int) -> Image:
    return Image(f"https://example.com/{number}.png")


def _world(character: Character = STEADY, **options: object) -> tuple[ModelService, Batcher, Asker]:
    service = ModelService(character, seed=0)
    batcher = batcher_of(service, **options)  # type: ignore[arg-type]
    return service, batcher, Asker(batcher)


def _failures(asker: Asker) -> list[OCRError]:
    found = [outcome for waiter in asker.asked for outcome in asker.outcomes[waiter]]
    return [outcome.error for outcome in found if isinstance(outcome, Failure)]


async def _trouble(service: ModelService, kind: str, seconds: float, after: float = 0) -> None:
    await asyncio.sleep(after)
    service.trouble = TROUBLES[kind]
    await asyncio.sleep(seconds)
    service.trouble = None


async def _job(asker: Asker, count: int) -> float:
    """Ask for many images at once; return how long all of them took."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number in range(count):
        asker.ask(_image(number))
    await asker.all_done()
    return loop.time() - began


# --- the breaker ----------------------------------------------------------------------------------

LOST = TROUBLES["dropped"].error()


def _failed(
    health: ServiceHealth, at: float, images: Iterable[int], error: OCRError = LOST
) -> bool:
    """Let a request fail that was sent 0.1 s before; return whether there is an outage."""
    request = SentBatch(at - 0.1, 1)
    health.sent(request)
    health.failed(request, [_image(number) for number in images], error, at)
    return health.down_since is not None


def test_it_opens_after_a_second_of_failures_alone() -> None:
    """Not before; an outage begins with its first failure."""
    health = ServiceHealth()
    assert [_failed(health, 10 + at, [int(10 * at)]) for at in (0, 0.5, 0.9)] == [False] * 3
    assert _failed(health, 11.0, [99])
    assert health.down_since == 10
    assert health.most == 1
    assert 0 < health.wait(11.0) < 1
    request = SentBatch(11.9, 1)
    assert health.wait(11.9) == 0
    health.sent(request)
    assert health.wait(12.0) == pytest.approx(0.9)
    health.answered(request, 12.1)
    assert (health.wait(12.1), health.most) == (0.0, math.inf)


def test_an_answer_begins_the_second_anew() -> None:
    """Any answer does: a refusal is one, a failure of the service is none."""
    for code, opens in ((400, False), (588, False), ("InvalidParameter", False), (500, True)):
        health = ServiceHealth()
        assert not _failed(health, 10.0, [1])
        _failed(health, 10.9, [2], api_error(code, ""))
        assert _failed(health, 11.5, [3]) == opens, code


def test_it_stays_closed_while_one_image_may_be_the_cause() -> None:
    """The images that all failed requests had in common are suspects; without any, it opens."""
    health = ServiceHealth()
    assert not any(_failed(health, 10 + at, [7, at]) for at in range(5))
    assert _failed(health, 16, [8])
    unsent = ServiceHealth()
    assert not _failed(unsent, 10, [7], TROUBLES["refused"].error())
    assert _failed(unsent, 11, [7], TROUBLES["refused"].error())


def test_it_opens_before_a_failure_if_answers_were_quick_before() -> None:
    """Three times slower than the slowest of the last answers, but not before a second."""
    for took, silence in ((0.1, 1.0), (0.5, 1.5), (2.0, 6.0)):
        health = ServiceHealth()
        before = SentBatch(10 - took, 1)
        health.sent(before)
        health.answered(before, 10.0)
        assert health.wait(1_000.0) == 0, "nothing is under way"
        health = ServiceHealth()
        health.sent(before)
        health.answered(before, 10.0)
        health.sent(SentBatch(10.0, 1))
        assert health.wait(10 + silence - 0.01) == 0
        assert health.down_since is None
        health.wait(10 + silence + 0.01)
        assert health.down_since == 10


def test_what_is_no_failure_of_the_service_tells_nothing_of_it() -> None:
    """A certificate, a proxy that wants a login, a defect: neither a failure nor an answer."""
    for error in (TransportError("certificate"), OCRError("defect", maybe_charged=True)):
        health = ServiceHealth()
        assert not any(_failed(health, 10 + at, [at], error) for at in range(5))
        assert not _failed(health, 20, [20])
        assert not _failed(health, 20.5, [21], error)
        assert _failed(health, 21.5, [22])


# --- outages --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", TROUBLES)
@pytest.mark.parametrize(("count", "seconds"), [(5_000, 1.5), (12_000, 10.0)])
async def test_an_outage_in_the_middle_of_a_job_loses_nothing(
    kind: str, count: int, seconds: float
) -> None:
    """All are read, soon after its end, and few were sent for nothing.

    Only what was under way when it began, and one image a second, can have been charged twice.
    """
    service, batcher, asker = _world()
    calm = count / 100 / 9.45
    trouble = asyncio.create_task(_trouble(service, kind, seconds, after=3))
    took = await _job(asker, count)
    await trouble
    assert _failures(asker) == []
    assert took < calm + seconds + 3 + TROUBLES[kind].took  # the last request under way
    twice = sum(count - 1 for count in service.charged.values())
    assert twice == batcher.tally.charged_again
    assert twice <= (1400 + seconds if TROUBLES[kind].error().maybe_charged else 0)
    await batcher.close()


@pytest.mark.parametrize("kind", TROUBLES)
async def test_one_image_a_second_probes_and_the_others_wait(kind: str) -> None:
    """Whatever sessions the account has; the first answer lets all of them go on."""
    service = ModelService(STEADY, seed=0)
    account = AccountThrottle(Limits())
    batchers = [batcher_of(service, account=account, patience=100.0) for _ in range(3)]
    askers = [Asker(batcher) for batcher in batchers]
    loop = asyncio.get_running_loop()
    began = loop.time()
    service.trouble = TROUBLES[kind]
    for asker in askers:
        for number in range(200):
            asker.ask(_image(number))
    await asyncio.sleep(60)
    # Without an answer before, a request must have failed before there is an outage.
    probes = [images for at, images in service.departures if at > began + 20]
    assert {len(images) for images in probes} == {1}
    assert 38 <= len(probes) <= 40
    service.trouble = None
    ended = loop.time()
    for asker in askers:
        await asker.all_done()
        assert _failures(asker) == []
    assert loop.time() - ended < TROUBLES[kind].took + 6
    for batcher in batchers:
        await batcher.close()


@pytest.mark.parametrize("kind", TROUBLES)
async def test_an_outage_that_lasts_is_given_up_after_the_patience(kind: str) -> None:
    """Each gets one failure, which says if it may have been charged: those never sent were not."""
    service, batcher, asker = _world(patience=15.0)
    await _job(asker, 300)
    service.charged.clear()
    service.trouble = TROUBLES[kind]
    took = await _job(asker, 3000)
    assert 15 < took < 25
    assert len(_failures(asker)) == 3000
    charged = sum(error.maybe_charged for error in _failures(asker))
    assert charged == len(service.charged)
    assert charged < 2000
    unsent = [error for error in _failures(asker) if "not sent, because" in str(error)]
    assert len(unsent) > 1000
    assert {(type(error), error.transient) for error in unsent} == {(TransportError, True)}
    assert batcher.tally.under_way == 0
    await batcher.close()


@pytest.mark.parametrize("kind", TROUBLES)
async def test_images_that_come_during_an_outage_have_a_patience_of_their_own(kind: str) -> None:
    """It counts from when they came."""
    service, batcher, asker = _world(patience=15.0)
    service.trouble = TROUBLES[kind]
    for number in range(500):
        asker.ask(_image(number))
    await asyncio.sleep(14)
    late = [asker.ask(_image(number)) for number in range(500, 1000)]
    await asyncio.sleep(10)
    service.trouble = None
    await asker.all_done()
    assert all(isinstance(asker.outcomes[waiter][0], Scan) for waiter in late)
    assert len(_failures(asker)) >= 490  # some were under way when the service came back
    await batcher.close()


async def test_without_retries_what_waits_still_waits() -> None:
    """`max_retries=0` gives up what was sent; the others are sent when the service is back."""
    service, batcher, asker = _world(retry=RetryPolicy(0))
    task = asyncio.create_task(_trouble(service, "dropped", 5.0))
    await asyncio.sleep(0)
    await _job(asker, 5000)
    await task
    assert 1000 <= len(_failures(asker)) < 1500
    assert all(error.maybe_charged for error in _failures(asker))
    assert batcher.tally.charged_again == 0
    await batcher.close()


@pytest.mark.parametrize("kind", TROUBLES)
async def test_an_outage_sends_nothing_twice_that_may_not_be(kind: str) -> None:
    """`repeat_budget=0` is kept: what may have been charged is not sent again, the rest is."""
    service, batcher, asker = _world(budget=RepeatBudget(0))
    task = asyncio.create_task(_trouble(service, kind, 5.0))
    await asyncio.sleep(0)
    await _job(asker, 3000)
    await task
    assert batcher.tally.charged_again == 0
    assert set(service.charged.values()) == {1}
    assert all(error.maybe_charged for error in _failures(asker))
    await batcher.close()


# --- no outage ------------------------------------------------------------------------------------


@pytest.mark.parametrize("answers", [(3.0, 6.0), (0.1, 6.0), (6.0, 6.0)])
@pytest.mark.parametrize("requests", [10, 1])
async def test_a_slow_service_is_no_outage(answers: tuple[float, float], requests: int) -> None:
    """If it answers, however late, every request is as full as ever."""
    character = Character(jitter=0.0, answers=answers, requests_per_second=requests)
    service, batcher, asker = _world(character, limits=Limits(requests_per_second=requests))
    await _job(asker, 3000)
    assert len(service.departures) == 30
    assert _failures(asker) == []
    await batcher.close()


async def test_one_slow_request_of_an_idle_session_holds_up_nobody() -> None:
    """A picture that takes long, and scans that come meanwhile."""
    service, batcher, asker = _world()
    await _job(asker, 500)
    loop = asyncio.get_running_loop()
    service.poison.add(_image(1_000).url)
    asker.ask(_image(1_000))
    for number in range(1_001, 1_007):
        await asyncio.sleep(1.5)
        began = loop.time()
        for other in range(100):
            asker.ask(_image(100 * number + other), Lane.INTERACTIVE)
        scans = asker.asked[-100:]
        while not all(asker.outcomes[scan] for scan in scans):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert loop.time() - began < 1.0
    await batcher.close()


@pytest.mark.parametrize("sunk", [{37}, {37, 250}])
@pytest.mark.parametrize("count", [2, 100, 1000])
async def test_a_picture_that_breaks_its_requests_is_no_outage(count: int, sunk: set[int]) -> None:
    """It is found by its own tries, its neighbours are read, and it is not paid for 15 times."""
    service, batcher, asker = _world()
    service.poison = {_image(number).url for number in sunk | {1}}
    await _job(asker, count)
    poisoned = [number for number in sunk | {1} if number < count]
    assert len(_failures(asker)) == len(poisoned)
    for number in poisoned:
        assert service.charged[_image(number).url] <= 9
    assert len(service.departures) <= count / 100 + 20 * len(poisoned)
    await batcher.close()


async def test_a_picture_alone_has_its_usual_tries() -> None:
    """A request that is dropped every time may be the picture's fault, so nothing more is paid."""
    service, batcher, asker = _world()
    service.trouble = TROUBLES["dropped"]
    took = await _job(asker, 1)
    assert service.charged.total() == 4
    assert 7.7 < took < 13
    await batcher.close()


# --- brown-outs -----------------------------------------------------------------------------------

BROWN_OUTS = ["lost", "broken", "failing"]


@pytest.mark.parametrize("what", BROWN_OUTS)
@pytest.mark.parametrize(("part", "most"), [(0.05, 1.2), (0.2, 1.6)])
async def test_a_brown_out_costs_little_more_than_its_part(
    what: str, part: float, most: float
) -> None:
    """5 % of requests fail: at most a fifth more of them; 20 %: more than half of the throughput.

    Nearly all images are read, as far as four tries go.
    """
    sent = failed = 0
    for seed in range(3):
        character = Character(jitter=0.0, answers=(0.1, 0.3), **{what: part})  # type: ignore[arg-type]
        service = ModelService(character, seed)
        batcher = batcher_of(service)
        asker = Asker(batcher)
        await _job(asker, 8000)
        sent += len(service.departures)
        failed += len(_failures(asker))
        await batcher.close()
    assert sent <= most * 3 * 80
    assert failed <= {0.05: 0, 0.2: 24}[part]


@pytest.mark.parametrize("what", BROWN_OUTS)
async def test_a_bad_picture_is_found_in_a_brown_out(what: str) -> None:
    """Its 99 neighbours are read though other requests fail, too."""
    character = Character(jitter=0.0, answers=(0.1, 0.3), **{what: 0.05})  # type: ignore[arg-type]
    service, batcher, asker = _world(character)
    service.poison.add(_image(1234).url)
    await _job(asker, 3000)
    assert [error.maybe_charged for error in _failures(asker)] == [True]
    await batcher.close()


# --- leaving during an outage ---------------------------------------------------------------------


async def test_callers_may_leave_during_an_outage() -> None:
    """What is not wanted any more is not sent, and no task is left when nobody waits."""
    service, batcher, asker = _world()
    await _job(asker, 100)
    service.trouble = TROUBLES["dropped"]
    waiters = [asker.ask(_image(number)) for number in range(100, 2000)]
    await asyncio.sleep(6)
    for waiter in waiters:
        asker.withdraw(waiter)
    await asyncio.sleep(0.1)
    sent = len(service.departures)
    assert [task for task in asyncio.all_tasks() if "aliocr" in task.get_name()] == []
    await asyncio.sleep(30)
    assert len(service.departures) == sent
    await batcher.close()


async def test_a_session_that_closes_during_an_outage_tells_everybody() -> None:
    """One outcome each, and no task is left; the account's other session still waits."""
    service = ModelService(STEADY, seed=0)
    account = AccountThrottle(Limits())
    one, two = (batcher_of(service, account=account) for _ in range(2))
    first, second = Asker(one), Asker(two)
    service.trouble = TROUBLES["dropped"]
    for number in range(1000):
        first.ask(_image(number))
        second.ask(_image(number))
    await asyncio.sleep(6)
    await one.close()
    await first.all_done()
    assert len(_failures(first)) == 1000
    assert any("the session was closed" in str(error) for error in _failures(first))
    service.trouble = None
    await second.all_done()
    assert _failures(second) == []
    await two.close()
    assert [task for task in asyncio.all_tasks() if "aliocr" in task.get_name()] == []


async def test_a_deadline_passes_during_an_outage() -> None:
    """An image that nobody can wait for any more is no probe when the service is back."""
    service, batcher, asker = _world()
    await _job(asker, 100)
    loop = asyncio.get_running_loop()
    service.trouble = TROUBLES["refused"]
    for number in range(200, 600):
        asker.ask(_image(number))
    await asyncio.sleep(3)
    late = batcher.submit(_image(1), asker, Lane.INTERACTIVE, deadline=loop.time() + 0.01)
    asker.outcomes[late] = []
    await asyncio.sleep(2)
    assert isinstance(asker.outcomes[late][0], Failure)
    assert _image(1).url not in [url for _, urls in service.departures[1:] for url in urls]
    service.trouble = None
    await asker.all_done()
    await batcher.close()
