"""The rules at the top of `batcher.py`, one by one, against a model service."""

import asyncio
from collections.abc import Iterator, Sequence

import attrs
import pytest

from aliocr import (
    AuthError,
    Failure,
    Image,
    Limits,
    OCRError,
    OverloadError,
    Scan,
    ScanTimeoutError,
    ThrottledError,
    TransportError,
)
from aliocr.dispatch.batcher import Batcher
from aliocr.dispatch.queue import Lane
from aliocr.dispatch.retry import RepeatBudget, RetryPolicy
from aliocr.dispatch.throttle import AccountThrottle
from aliocr.errors import api_error
from aliocr.protocol.replies import ReplyPart
from tests.support.model import Asker, Character, ModelService, batcher_of

pytestmark = pytest.mark.usefixtures("model_clock")

STEADY = Character(jitter=0.0, answers=(0.2, 0.2))


def _image(number: int, data_id: str | None = None) -> Image:
    return Image(f"https://example.com/{number}.png", data_id)


def _world(character: Character = STEADY, **options: object) -> tuple[ModelService, Batcher, Asker]:
    service = ModelService(character, seed=0)
    batcher = batcher_of(service, **options)  # type: ignore[arg-type]
    return service, batcher, Asker(batcher)


def _failures(asker: Asker) -> list[OCRError]:
    found = [outcome for waiter in asker.asked for outcome in asker.outcomes[waiter]]
    return [outcome.error for outcome in found if isinstance(outcome, Failure)]


# --- lanes ----------------------------------------------------------------------------------------


async def test_a_bulk_job_makes_no_scan_wait_longer_than_a_permit() -> None:
    """One scan a second beside a job that fills every request."""
    _, batcher, asker = _world()
    scans = Asker(batcher)
    for number in range(30_000):
        asker.ask(_image(number))
    waits = []
    for number in range(20):
        await asyncio.sleep(1.03)
        began = asyncio.get_running_loop().time()
        waiter = scans.ask(_image(100_000 + number), Lane.INTERACTIVE)
        await scans.all_done()
        waits.append(scans.taken_at[waiter] - began)
    assert max(waits) < 0.11
    await batcher.close()


@pytest.mark.parametrize("most", [1, 9, 100])
async def test_a_flood_of_scans_starves_no_bulk_job(most: int) -> None:
    """Though scans alone could fill every request, a bulk image goes with every tenth at least."""
    _, batcher, asker = _world(limits=Limits(images_per_request=most))
    scans = Asker(batcher)
    for number in range(5 * most):
        asker.ask(_image(number))
    for number in range(100 * most):
        scans.ask(_image(1_000_000 + number), Lane.INTERACTIVE)
    await asyncio.sleep(7)  # 66 requests
    assert len(asker.taken_at) == 5 * most
    await batcher.close()


async def test_suspects_are_not_starved_either() -> None:
    """Bulk images in reduced batch_limit get their turns beside an endless stream of scans."""
    service, batcher, asker = _world()
    service.poison.add(_image(7).url)
    for number in range(100):
        asker.ask(_image(number))
    scans = Asker(batcher)
    for number in range(6000):
        scans.ask(_image(1000 + number), Lane.INTERACTIVE)
        await asyncio.sleep(0.01)
        if not any(not outcomes for outcomes in asker.outcomes.values()):
            break
    assert [error.maybe_charged for error in _failures(asker)] == [True]
    await batcher.close()


# --- one bad picture, and what it may cost --------------------------------------------------------


async def test_a_picture_that_sinks_every_request_ends_up_alone() -> None:
    """Its neighbours are read, and it takes 14 requests more than without it."""
    service, batcher, asker = _world()
    service.poison.add(_image(37).url)
    for number in range(100):
        asker.ask(_image(number))
    await asker.all_done()
    (error,) = _failures(asker)
    assert isinstance(error, ScanTimeoutError)
    assert len(service.departures) - 1 <= 14
    assert batcher.tally.charged_again == batcher.tally.images_sent - 100
    await batcher.close()


async def test_an_outage_is_not_paid_for_twice() -> None:
    """What may have been charged is sent again as far as the budget goes; all is counted."""
    service, batcher, asker = _world(
        Character(jitter=0.0, answers=(0.2, 0.2), broken=1.0), budget=RepeatBudget(250)
    )
    for number in range(1000):
        asker.ask(_image(number))
    await asker.all_done()
    assert batcher.tally.charged_again <= 250
    assert service.charged.total() == len(service.charged) + batcher.tally.charged_again
    assert len(_failures(asker)) == 1000
    assert sum(error.maybe_charged for error in _failures(asker)) == len(service.charged) < 1000
    await batcher.close()


async def test_what_never_arrived_is_free_to_go_again() -> None:
    """No budget is needed for requests that cannot have run."""
    service, batcher, asker = _world(
        Character(jitter=0.0, answers=(0.2, 0.2), lost=0.5), budget=RepeatBudget(0)
    )
    for number in range(500):
        asker.ask(_image(number))
    await asker.all_done()
    assert batcher.tally.charged_again == 0
    assert batcher.tally.retried > 0
    assert service.charged.total() == 500 - len(_failures(asker))
    assert not any(error.maybe_charged for error in _failures(asker))
    await batcher.close()


# --- equal images ---------------------------------------------------------------------------------


async def test_equal_images_in_flight_are_paid_for_once() -> None:
    """Ten callers, one charge, each with its own image; named ones are nobody's equal."""
    service, batcher, asker = _world()
    for _ in range(10):
        asker.ask(_image(1))
        await asyncio.sleep(0.01)
    asker.ask(_image(1, "mine"))
    asker.ask(attrs.evolve(_image(1), interval=1, max_frames=2))
    await asker.all_done()
    for waiter in asker.asked:
        (outcome,) = asker.outcomes[waiter]
        assert outcome.image is waiter.image
    assert service.charged[_image(1).url] == 3
    assert batcher.tally.shared == 9
    asker.ask(_image(1))
    await asker.all_done()
    assert service.charged[_image(1).url] == 4  # what is done is asked for anew
    await batcher.close()


async def test_one_who_leaves_harms_none_who_share() -> None:
    """The image goes on as long as anybody wants it, and no longer."""
    service, batcher, asker = _world()
    first = asker.ask(_image(0))
    await asker.all_done()
    waiters = [asker.ask(_image(1)) for _ in range(3)]
    asker.withdraw(waiters[0])
    await asker.all_done()
    assert [len(asker.outcomes[waiter]) for waiter in [first, *waiters]] == [1, 0, 1, 1]
    for waiter in [asker.ask(_image(2)) for _ in range(3)]:
        asker.withdraw(waiter)
    await asyncio.sleep(1)
    assert service.charged[_image(2).url] == 0
    await batcher.close()


async def test_a_scan_takes_an_equal_bulk_image_along() -> None:
    """Who cannot wait is not made to wait behind those who can."""
    service, batcher, asker = _world()
    for number in range(1000):
        asker.ask(_image(number))
    await asyncio.sleep(0.01)
    asker.ask(_image(990), Lane.INTERACTIVE)
    await asyncio.sleep(0.2)
    assert _image(990).url in service.departures[1][1]
    await batcher.close()


# --- deadlines and overload -----------------------------------------------------------------------


async def test_an_image_that_cannot_be_answered_in_time_is_not_sent() -> None:
    """Once it is known how long an answer takes, nobody pays for one that comes too late."""
    service, batcher, asker = _world()
    loop = asyncio.get_running_loop()
    asker.ask(_image(0))
    await asker.all_done()
    late = batcher.submit(
        _image(1), asker, Lane.INTERACTIVE, follower=asker, deadline=loop.time() + 0.15
    )
    asker.outcomes[late] = []
    asker.ask(_image(2), Lane.INTERACTIVE)
    await asker.all_done()
    (failure,) = asker.outcomes[late]
    assert isinstance(failure, Failure)
    assert isinstance(failure.error, ScanTimeoutError)
    assert not failure.error.maybe_charged
    assert service.charged[_image(1).url] == 0
    assert service.charged[_image(2).url] == 1
    await batcher.close()


async def test_one_slow_answer_is_not_held_against_the_next() -> None:
    """What is known of answers grows old, so that it is found out anew."""
    service, batcher, asker = _world(Character(jitter=0.0, answers=(1.5, 1.5)))
    loop = asyncio.get_running_loop()
    asker.ask(_image(0))
    await asker.all_done()
    service.character = STEADY
    for number in range(1, 20):
        waiter = batcher.submit(
            _image(number), asker, Lane.BULK, follower=asker, deadline=loop.time() + 1
        )
        asker.outcomes[waiter] = []
        await asker.all_done()
        await asyncio.sleep(1)
    assert service.charged.total() > 8
    await batcher.close()


async def test_who_is_left_of_two_decides_whether_it_is_too_late() -> None:
    """A patient caller who has gone keeps no image alive that the other cannot wait for."""
    service, batcher, asker = _world()
    loop = asyncio.get_running_loop()
    asker.ask(_image(0))
    await asker.all_done()
    patient = asker.ask(_image(1))
    hasty = batcher.submit(_image(1), asker, Lane.BULK, follower=asker, deadline=loop.time() + 0.15)
    asker.outcomes[hasty] = []
    asker.withdraw(patient)
    await asker.all_done()
    assert service.charged[_image(1).url] == 0
    await batcher.close()


async def test_too_many_who_wait_are_turned_away() -> None:
    """At once, with the numbers; those who were taken are served."""
    _, batcher, asker = _world(max_waiting=500)
    for number in range(500):
        batcher.check_room()
        asker.ask(_image(number))
    with pytest.raises(OverloadError, match="500 images wait already, and max_waiting is 500"):
        batcher.check_room()
    await asker.all_done()
    batcher.check_room()
    assert _failures(asker) == []
    await batcher.close()


# --- throttling -----------------------------------------------------------------------------------


async def test_being_throttled_spends_no_tries() -> None:
    """An account that somebody else uses up for half a minute costs no image."""
    service, batcher, asker = _world(Character(jitter=0.0, requests_per_second=0.05))
    for number in range(100):
        asker.ask(_image(number))
    asker.ask(_image(100, "x"))
    asker.ask(_image(101, "x"))  # needs a request of its own, 20 s later
    await asker.all_done()
    assert _failures(asker) == []
    assert service.throttled > 3
    assert len(service.departures) < 60  # pauses of 1 s in the mean, once there are many in a row
    assert batcher.tally.retried == 0
    await batcher.close()


async def test_an_account_that_lets_nothing_through_is_given_up() -> None:
    """After `throttle_timeout`, for those who were refused and those who waited as long."""
    service, batcher, asker = _world(Character(jitter=0.0), throttle_timeout=10.0)
    service.account.accept = lambda *_: False  # type: ignore[method-assign]
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number in range(1000):
        asker.ask(_image(number))
    await asker.all_done()
    assert {type(error) for error in _failures(asker)} == {ThrottledError}
    assert len(_failures(asker)) == 1000
    assert 2 < loop.time() - began < 31
    await batcher.close()


async def test_an_image_that_is_always_over_the_quota_is_given_up() -> None:
    """Others pass, it never does: after twenty refusals in longer than `throttle_timeout`."""

    class Choosy(ModelService):
        def _read(self, image: Image) -> Scan | OCRError:
            if image == _image(0):
                return api_error(588, "over the quota")
            return super()._read(image)

    service = Choosy(STEADY, 0)
    batcher = batcher_of(service, throttle_timeout=2.0)
    asker = Asker(batcher)
    asker.ask(_image(0))
    for number in range(1, 200):
        asker.ask(_image(number))
        await asyncio.sleep(0.2)
    await asker.all_done()
    (error,) = _failures(asker)
    assert isinstance(error, ThrottledError)
    assert batcher.tally.throttled >= 20
    assert batcher.tally.outcomes["Scan"] == 199
    await batcher.close()


# --- strangers ------------------------------------------------------------------------------------


class _Stranger:
    """A limiter of somebody's own that fails in some way."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    async def acquire(self) -> None:
        raise self._error


class _QuotaError(OCRError):
    """An error that is made of other things than a message."""

    def __init__(self, used: int, of: int) -> None:
        super().__init__(f"{used} of {of}")


@pytest.mark.parametrize(
    "error",
    [ConnectionError("gone"), asyncio.CancelledError(), _QuotaError(7, 7), KeyError("x")],
    ids=lambda error: type(error).__name__,
)
async def test_a_limiter_that_fails_leaves_nobody_waiting(error: BaseException) -> None:
    """Whatever it raises, each of many gets one outcome, and the next is asked for again."""
    _, batcher, asker = _world(limiter=_Stranger(error))
    for number in range(500):
        asker.ask(_image(number))
    await asker.all_done()
    assert len(_failures(asker)) == 500
    assert not any(found.maybe_charged for found in _failures(asker))
    asker.ask(_image(0))
    await asker.all_done()
    assert len(_failures(asker)) == 501
    await batcher.close()


class _Moody:
    """A limiter, and what a sender does before it: each fails in some of its calls."""

    def __init__(self, error: BaseException, *calls: int) -> None:
        self._error = error
        self._calls = calls
        self.asked = 0

    async def acquire(self) -> None:
        await self()
        await asyncio.sleep(0.1)

    async def __call__(self) -> None:
        self.asked += 1
        if self.asked in self._calls:
            await asyncio.sleep(0.01 * (self.asked % 2))  # at once, or after a turn of the loop
            raise self._error


NO_KEY = AuthError("NoCredentials", "the credentials provider raised OSError", transient=True)


def _moody_world(where: str, moody: _Moody, **options: object) -> tuple[ModelService, Batcher]:
    service = ModelService(STEADY, 0)
    if where == "limiter":
        options["limiter"] = moody
    else:
        service.prepare = moody  # type: ignore[method-assign]
    return service, batcher_of(service, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("where", ["limiter", "sender"])
@pytest.mark.parametrize("call", range(1, 6))
async def test_one_failure_before_a_request_is_one_try_of_its_images(where: str, call: int) -> None:
    """Whenever it comes, and whoever joins or leaves meanwhile: all are read, nobody is lost."""
    moody = _Moody(NO_KEY if where == "sender" else ConnectionError("gone"), call)
    service, batcher = _moody_world(where, moody)
    asker = Asker(batcher)
    for number in range(300):
        asker.ask(_image(number))
        if number % 40 == 0:
            asker.ask(_image(1000 + number), Lane.INTERACTIVE)
            await asyncio.sleep(0.05)
        if number % 50 == 7:
            asker.withdraw(asker.asked[number // 2])
    await asker.all_done()
    assert _failures(asker) == []
    assert moody.asked >= call
    assert batcher.tally.charged_again == 0
    assert max(service.charged.values()) == 1
    assert batcher.tally.outcomes["Scan"] == len(asker.asked) - len(asker.withdrawn)
    await batcher.close()


@pytest.mark.parametrize("where", ["limiter", "sender"])
async def test_without_retries_one_failure_costs_the_next_batch_alone(where: str) -> None:
    """Those behind it are read."""
    moody = _Moody(NO_KEY if where == "sender" else ConnectionError("gone"), 2)
    _, batcher = _moody_world(where, moody, retry=RetryPolicy(0))
    asker = Asker(batcher)
    for number in range(300):
        asker.ask(_image(number))
    await asker.all_done()
    assert len(_failures(asker)) == 100
    assert not any(error.maybe_charged for error in _failures(asker))
    await batcher.close()


@pytest.mark.parametrize("where", ["limiter", "sender"])
async def test_what_is_never_to_be_had_is_said_after_the_last_try(where: str) -> None:
    """Each image has its four tries, with rests; the images are not split for it."""
    moody = _Moody(NO_KEY if where == "sender" else ConnectionError("gone"), *range(1, 1000))
    service, batcher = _moody_world(where, moody)
    asker = Asker(batcher)
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number in range(300):
        asker.ask(_image(number))
    await asker.all_done()
    assert len(_failures(asker)) == 300
    assert 7.7 < loop.time() - began < 15
    assert moody.asked == 3 * 4
    assert service.departures == []
    await batcher.close()


async def test_a_misused_sender_fails_all_that_wait_at_once() -> None:
    """An error that another try cannot cure is not tried again; what comes later is."""
    wrong = AuthError("NoCredentials", "the credentials provider gave str, not Credentials")
    _, batcher = _moody_world("sender", _Moody(wrong, 1))
    asker = Asker(batcher)
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number in range(300):
        asker.ask(_image(number))
    await asker.all_done()
    assert (len(_failures(asker)), loop.time() - began < 0.1) == (300, True)
    asker.ask(_image(1))
    await asker.all_done()
    assert len(_failures(asker)) == 300
    await batcher.close()


@pytest.mark.parametrize("name", ["aliocr pump", "aliocr request"])
async def test_a_task_that_is_cancelled_from_outside_leaves_nobody_waiting(name: str) -> None:
    """A program that cancels all tasks it sees gets failures, not a hang."""
    _, batcher, asker = _world()
    for number in range(300):
        asker.ask(_image(number))
    await asyncio.sleep(0.05)
    for task in asyncio.all_tasks():
        if task.get_name() == name:
            task.cancel()
    await asker.all_done()
    assert _failures(asker)
    assert all("cancelled from outside" in str(error) for error in _failures(asker))
    asker.ask(_image(1000))
    await asker.all_done()
    assert isinstance(asker.outcomes[asker.asked[-1]][0], Scan)
    await batcher.close()


@pytest.mark.parametrize("name", ["aliocr pump", "aliocr request"])
async def test_a_task_that_never_began_leaves_nobody_waiting(name: str) -> None:
    """Nor is a slot or a place in flight lost with it, whoever cancelled it."""
    limits = Limits(images_in_flight=1)
    account = AccountThrottle(limits)
    for _ in range(3):
        await asyncio.sleep(1)
        batcher = batcher_of(ModelService(STEADY, 0), limits, account=account)
        asker = Asker(batcher)
        asker.ask(_image(0))
        while not (found := [t for t in asyncio.all_tasks() if t.get_name() == name]):  # noqa: ASYNC110
            await asyncio.sleep(0)
        found[0].cancel()
        await asker.all_done()
        asker.ask(_image(1))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await batcher.close()
    batcher = batcher_of(ModelService(STEADY, 0), limits, account=account)
    asker = Asker(batcher)
    asker.ask(_image(0))
    await asker.all_done()
    assert _failures(asker) == []
    await batcher.close()


async def test_a_limiter_that_never_lets_go_holds_up_its_own_session_only() -> None:
    """The account's other sessions have a limiter of their own."""

    class Never:
        async def acquire(self) -> None:
            await asyncio.Event().wait()

    account = AccountThrottle(Limits())
    stuck = batcher_of(ModelService(STEADY, 0), account=account, limiter=Never())
    Asker(stuck).ask(_image(0))
    await asyncio.sleep(1)
    batcher = batcher_of(ModelService(STEADY, 0), account=account)
    asker = Asker(batcher)
    asker.ask(_image(0))
    await asker.all_done()
    await batcher.close()
    await stuck.close()


async def test_an_outage_leaves_no_suspects() -> None:
    """If every request failed, no batch is worse than another: all come back in full batches."""
    service, batcher, asker = _world()
    service.poison |= {_image(number).url for number in range(600)}
    for number in range(600):
        asker.ask(_image(number))
    await asyncio.sleep(3)
    service.poison.clear()
    await asker.all_done()
    assert _failures(asker) == []
    assert len(service.departures) <= 6 + 5 + 5 + 5  # the first batch alone came back in parts
    await batcher.close()


async def test_a_carrier_that_breaks_leaves_nobody_waiting() -> None:
    """A defect of ours is an outcome, and says what it is."""

    class Broken(ModelService):
        async def send(self, images: Sequence[Image]) -> Iterator[ReplyPart]:
            raise ZeroDivisionError(len(images))

    batcher = batcher_of(Broken(STEADY, 0))
    asker = Asker(batcher)
    for number in range(3):
        asker.ask(_image(number))
    await asker.all_done()
    assert [str(error) for error in _failures(asker)] == ["ZeroDivisionError: 3"] * 3
    await batcher.close()


async def test_an_interrupted_close_still_tells_everybody() -> None:
    """Outcomes are given out before anything is waited for."""

    class Slow:
        async def acquire(self) -> None:
            try:
                await asyncio.sleep(100)
            finally:
                await asyncio.sleep(0.5)

    _, batcher, asker = _world(limiter=Slow())
    for number in range(3):
        asker.ask(_image(number))
    await asyncio.sleep(0.01)
    closing = asyncio.create_task(batcher.close())
    await asyncio.sleep(0.01)
    closing.cancel()
    await asyncio.gather(closing, return_exceptions=True)
    assert len(_failures(asker)) == 3
    await asyncio.sleep(1)


async def test_nobody_who_wants_anything_means_no_task() -> None:
    """A pump that waits for a paused account ends when the last image is withdrawn."""
    service, batcher, asker = _world()
    service.account.accept = lambda *_: False  # type: ignore[method-assign]
    waiters = [asker.ask(_image(number)) for number in range(3)]
    await asyncio.sleep(5)
    for waiter in waiters:
        asker.withdraw(waiter)
    await asyncio.sleep(0.1)
    assert [task for task in asyncio.all_tasks() if "aliocr" in task.get_name()] == []
    await batcher.close()


async def test_what_may_have_been_charged_once_stays_so() -> None:
    """An answer that was lost, then requests that never ran: still it may have been charged."""

    class Worsening(ModelService):
        async def send(self, images: Sequence[Image]) -> Iterator[ReplyPart]:
            await super().send(images)
            if len(self.departures) == 1:
                raise TransportError("lost", transient=True, maybe_charged=True)
            raise api_error(503, "out of service")

    service = Worsening(STEADY, 0)
    batcher = batcher_of(service, account=AccountThrottle(Limits()))
    asker = Asker(batcher)
    asker.ask(_image(0))
    await asker.all_done()
    assert [error.maybe_charged for error in _failures(asker)] == [True]
    assert len(service.departures) == 1 + 4  # tries are counted by kind
    await batcher.close()
