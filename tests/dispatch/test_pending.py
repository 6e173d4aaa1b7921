"""The states of a pending image, and what its callers hear."""

import copy
import inspect
import pickle
import traceback

import pytest

import aliocr
from aliocr import APIError, Failure, Image, OCRError, Outcome, Scan, Stats, ThrottledError
from aliocr.dispatch.pending import Pending
from aliocr.dispatch.pending_image import NEXT, PendingImage, State, Waiter
from aliocr.dispatch.queue import Lane
from aliocr.dispatch.retry import RetryPolicy
from aliocr.errors import api_error
from aliocr.stats import Tally

ERRORS = [
    thing
    for thing in map(vars(aliocr)["__getattr__"], aliocr.__all__)
    if inspect.isclass(thing) and issubclass(thing, OCRError)
]


class Caller:
    """A caller that writes down what it hears."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.outcomes: list[Outcome] = []

    def image_sent(self, waiter: Waiter) -> None:  # noqa: ARG002
        """Follow."""
        self.heard.append("sent")

    def image_returned(self, waiter: Waiter) -> None:  # noqa: ARG002
        """Follow."""
        self.heard.append("returned")

    def deliver(self, waiter: Waiter, outcome: Outcome) -> None:  # noqa: ARG002
        """Receive."""
        self.outcomes.append(outcome)


def _pending() -> tuple[Pending, Tally]:
    tally = Tally(100)
    return Pending(tally, 100), tally


def _add(pending: Pending, number: int, caller: Caller, lane: Lane = Lane.BULK) -> Waiter:
    return pending.add(
        Image(f"https://example.com/{number}.png"), caller, lane, follower=caller, now=0.0
    )


def _numbers(batch: list[PendingImage]) -> list[int]:
    return [int(each.image.url.rpartition("/")[2].removesuffix(".png")) for each in batch]


@pytest.mark.parametrize("now", State)
@pytest.mark.parametrize("then", State)
def test_only_the_transitions_of_the_table_are_made(now: State, then: State) -> None:
    """Whatever else is tried is a mistake in here, and says so."""
    each = PendingImage(Image("https://example.com/a.png"), Lane.BULK, 100, 0.0, state=now)
    if then in NEXT[now]:
        each.enter(then)
        assert each.state is then
    else:
        with pytest.raises(RuntimeError, match=f"cannot be {then} after {now}"):
            each.enter(then)


def test_every_state_leads_to_done() -> None:
    """No image can be left behind, and done is the end."""
    assert all(State.DONE in NEXT[state] for state in State if state is not State.DONE)
    assert NEXT[State.DONE] == ()


def test_an_image_goes_through_its_states() -> None:
    """Queued, sent, returned, resting, queued, sent, done: one outcome, and every step heard."""
    pending, tally = _pending()
    caller = Caller()
    each = _add(pending, 0, caller).pending
    assert pending.send(100, horizon=0.0) == [each]
    assert each.state is State.SENT
    assert pending.returned(each)
    failure = api_error(500, "")
    pending.note(each, RetryPolicy(3).judge(failure), failure)
    assert pending.still_wanted([each]) == [each]
    pending.rest([each])
    pending.requeue([each])
    assert pending.send(100, horizon=0.0) == [each]
    assert pending.succeed(each, Scan(each.image, "text"))
    assert list(pending) == []
    assert caller.heard == ["sent", "returned", "sent"]
    assert [outcome.ok for outcome in caller.outcomes] == [True]
    assert (tally.images_sent, tally.retried, tally.charged_again, tally.under_way) == (2, 1, 1, 0)


def test_an_image_can_change_its_lane() -> None:
    """A scan that joins a bulk image takes it along, queued or not."""
    pending, _ = _pending()
    caller = Caller()
    third = [_add(pending, number, caller) for number in range(3)][2].pending
    _add(pending, 2, caller, Lane.INTERACTIVE)
    assert _numbers(pending.send(1, horizon=0.0)) == [2]
    pending.returned(third)
    pending.requeue([third])
    assert third.lane is Lane.INTERACTIVE
    assert _numbers(pending.send(5, horizon=0.0)) == [2, 0, 1]


def test_an_image_without_callers_leaves_the_queue() -> None:
    """It costs nothing; one that was sent ends when its request does, and is counted."""
    pending, tally = _pending()
    caller = Caller()
    waiters = [_add(pending, number, caller) for number in range(2)]
    pending.withdraw(waiters[0])
    assert _numbers(pending.send(5, horizon=0.0)) == [1]
    pending.withdraw(waiters[1])
    assert (pending.queue.size, list(pending), tally.given_up) == (0, [], 0)
    assert not pending.returned(waiters[1].pending)
    assert (caller.outcomes, tally.given_up, tally.under_way) == ([], 1, 0)


def test_a_caller_that_leaves_does_not_harm_another() -> None:
    """Equal images share one request; each caller gets the outcome for an image of his own."""
    pending, tally = _pending()
    callers = [Caller(), Caller(), Caller()]
    waiters = [_add(pending, 7, caller) for caller in callers]
    pending.withdraw(waiters[1])
    (each,) = pending.send(5, horizon=0.0)
    pending.succeed(each, Scan(each.image, "text"))
    assert [len(caller.outcomes) for caller in callers] == [1, 0, 1]
    assert tally.shared == 2
    assert callers[2].outcomes[0].image is waiters[2].image


@pytest.mark.parametrize(
    ("error", "counted", "quota_refusals"),
    [(api_error(588, ""), 1, 1), (api_error("Throttling.User", "", status=400), 1, 0)],
)
def test_a_throttled_try_is_counted_apart(
    error: OCRError, counted: int, quota_refusals: int
) -> None:
    """No try is spent; only the service's own code speaks of the image."""
    pending, tally = _pending()
    each = _add(pending, 0, Caller()).pending
    pending.send(1, horizon=0.0)
    pending.returned(each)
    assert isinstance(error, ThrottledError)
    pending.count_refusal(each, error, now=3.0)
    assert (tally.throttled, each.quota_refusals, each.throttled_at, each.failures) == (
        counted,
        quota_refusals,
        3.0,
        0,
    )


@pytest.mark.parametrize("kind", ERRORS)
def test_a_delivered_error_says_and_keeps_what_it_was(kind: type[OCRError]) -> None:
    """Each caller gets a copy with its words and attributes; a process pool can hand it on."""
    pending, _ = _pending()
    caller = Caller()
    each = _add(pending, 0, caller).pending
    words = (592, "the words") if issubclass(kind, APIError) else ("the words",)
    error = kind(*words, transient=True, request_id="R-1")
    error.__cause__ = ValueError("why")
    pending.fail(each, error)
    (outcome,) = caller.outcomes
    assert isinstance(outcome, Failure)
    told = outcome.error
    assert told is not error
    assert told.__cause__ is error.__cause__
    for twin in (told, copy.copy(told), copy.deepcopy(told), pickle.loads(pickle.dumps(told))):  # noqa: S301
        assert type(twin) is kind
        assert (repr(twin), str(twin), twin.args) == (repr(error), str(error), error.args)
        assert vars(twin) == vars(error)
        assert "the words" in "".join(traceback.format_exception(twin))
    assert pickle.loads(pickle.dumps(outcome)).image == outcome.image  # noqa: S301


def test_the_numbers_of_a_session_survive_a_process_pool() -> None:
    """Stats can be pickled and copied like every other value."""
    tally = Tally(100)
    tally.outcomes["Scan"] += 3
    stats = tally.stats()
    assert pickle.loads(pickle.dumps(stats)) == copy.deepcopy(stats) == stats  # noqa: S301
    assert isinstance(stats, Stats)
    tally.outcomes["Scan"] += 1
    assert stats.outcomes == {"Scan": 3}
