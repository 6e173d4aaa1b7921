"""The retry policy: what becomes of an image whose try failed, and when it is tried again.

One table by kind of failure, apart from the code that carries it out (`settling`). Pure.

An image is retried in the queue, not in a call, and most images never fail. So tenacity's
strategies are loaded with the first failure: they take an eighth of the time that the import of a
session takes beyond aiohttp.
"""

from __future__ import annotations

import math
from enum import Enum
from typing import TYPE_CHECKING, Literal

import attrs

from aliocr.errors import APIError, AuthError, ImageError, OCRError, ThrottledError

if TYPE_CHECKING:
    from tenacity import RetryCallState


class Kind(Enum):
    """Kinds of failure, in the order in which they are looked for."""

    THROTTLED = "over the request rate or the image quota"
    REFUSED_TOGETHER = "a request of several images, refused uncharged for the sake of one"
    MAYBE_RUN = "transient, and the request may have run"
    NOT_RUN = "transient, and the request never ran"
    ACCOUNT_REFUSED = "key, signature, permission, address"
    FINAL = "anything else"


class Deed(Enum):
    """What is to be done with the image."""

    AGAIN_NOW = "join the queue at once"
    AGAIN_LATER = "rest, then join the queue, while tries and repeat budget last"
    ASK_ACCOUNT = "join the queue at once, while the account's patience lasts"
    GIVE_UP = "fail"
    GIVE_UP_ALL = "fail, and so does every image that is not in a request"


@attrs.frozen
class Rule:
    """What follows from one kind of failure.

    Args:
        deed: What is to be done.
        counter: What the try counts as.
        charged: Whether the try may have been charged; `"error"`: the error says so.
        split: How the images of a request that failed as a whole share requests afterwards: in
            halves, in as few steps down to one as tries are left, or as before.
    """

    deed: Deed
    counter: Literal["failures", "refusals", "none"]
    charged: Literal["no", "maybe", "error"]
    split: Literal["halve", "by tries left", "no"] = "no"


RULES: dict[Kind, Rule] = {
    Kind.THROTTLED: Rule(Deed.ASK_ACCOUNT, "refusals", "no"),
    Kind.REFUSED_TOGETHER: Rule(Deed.AGAIN_NOW, "none", "no", "halve"),
    Kind.MAYBE_RUN: Rule(Deed.AGAIN_LATER, "failures", "maybe", "by tries left"),
    Kind.NOT_RUN: Rule(Deed.AGAIN_LATER, "failures", "no"),
    Kind.ACCOUNT_REFUSED: Rule(Deed.GIVE_UP_ALL, "failures", "error"),
    Kind.FINAL: Rule(Deed.GIVE_UP, "failures", "error"),
}

# A second or third try cures these or none does; the documents advise "contact support" for some.
# `max_retries` lowers the numbers and never raises them.
FEW_RETRIES: dict[int | str, int] = {
    480: 1,
    595: 1,
    586: 2,
    587: 2,
    592: 2,
    "InvalidTimeStamp.Expired": 1,
    "InvalidSecurityToken.Expired": 1,
}

BUDGET_REFILL = 0.1
"""Images that go back into the repeat budget with each image read."""


@attrs.frozen
class Verdict:
    """What becomes of one image.

    Args:
        rule: The rule of its kind of failure.
        deed: What is to be done: the rule's, or giving up where no try is left.
        rest: Seconds before it joins the queue again.
        batch_limit: The most images that its next request may carry; None as before.
    """

    rule: Rule
    deed: Deed
    rest: float = 0.0
    batch_limit: int | None = None


def kind_of(error: OCRError, together: int | None = None) -> Kind:
    """The kind of a failure.

    Args:
        error: The failure.
        together: Images in the request, if it failed as a whole; None for an image's own failure.
    """
    if isinstance(error, ThrottledError):
        return Kind.THROTTLED
    if isinstance(error, ImageError) and not error.maybe_charged and (together or 1) > 1:
        return Kind.REFUSED_TOGETHER
    if error.transient:
        return Kind.MAYBE_RUN if error.maybe_charged else Kind.NOT_RUN
    return Kind.ACCOUNT_REFUSED if isinstance(error, AuthError) else Kind.FINAL


class RetryPolicy:
    """Decides for one image at a time.

    Args:
        max_retries: Tries after the first, 0 or more; throttled tries do not count.
    """

    def __init__(self, max_retries: int) -> None:
        self._max_retries = max_retries

    def judge(
        self,
        error: OCRError,
        failures: int,
        together: int | None = None,
        *,
        outage: bool = False,
    ) -> Verdict:
        """What becomes of an image.

        Args:
            error: The failure of its try.
            failures: Its failed tries before this one.
            together: Images in the request, if it failed as a whole; None for its own failure.
            outage: All requests fail alike, so that no image of this one is a suspect.
        """
        kind = kind_of(error, together)
        rule = RULES[kind]
        limit = None
        if together is not None and rule.split == "halve":
            limit = math.ceil(together / 2)
        elif together is not None and rule.split == "by tries left" and not outage:
            limit = smaller_batch(together, self._max_retries - failures)
        if rule.deed is not Deed.AGAIN_LATER:
            return Verdict(rule, rule.deed, batch_limit=limit)
        rest = _rest(failures + 1, self._tries(error))
        if rest is not None:
            return Verdict(rule, rule.deed, rest, limit)
        return Verdict(rule, Deed.GIVE_UP_ALL if isinstance(error, AuthError) else Deed.GIVE_UP)

    def _tries(self, error: OCRError) -> int:
        retries = self._max_retries
        if isinstance(error, APIError):
            retries = min(retries, FEW_RETRIES.get(error.code, retries))
        return retries + 1


def smaller_batch(size: int, tries_left: int) -> int:
    """Return how many images may share a request after a request of `size` failed as a whole.

    As few steps as tries are left lead down to one: 100 → 20 → 4 → 1 with three.
    """
    if tries_left < 1:
        return 1
    root: float = size ** (1 / tries_left)
    parts = math.ceil(round(root, 9))  # the cube root of 1,000 is a hair above 10
    return math.ceil(size / parts)


def _rest(failures: int, tries: int) -> float | None:
    """Seconds before the next try, up to 0.5 s, 1 s, 2 s … 8 s at random; None if none is left."""
    from tenacity.stop import stop_after_attempt  # noqa: PLC0415 - see the top

    if stop_after_attempt(tries)(_after(failures)):
        return None
    return _backoff(failures, multiplier=0.5, most=8.0)


def throttled_pause(in_a_row: int) -> float:
    """Seconds that an account pauses after refusals in a row: full jitter, 10 s at most.

    It begins lower than a rest: a request that came a hair too early is the usual reason.
    """
    return _backoff(in_a_row, multiplier=0.2, most=10.0)


def _backoff(attempts: int, *, multiplier: float, most: float) -> float:
    """Exponential backoff with full jitter: tenacity answers, and never runs anything."""
    from tenacity.wait import wait_random_exponential  # noqa: PLC0415 - see the top

    return float(wait_random_exponential(multiplier=multiplier, max=most)(_after(attempts)))


def _after(attempts: int) -> RetryCallState:
    from tenacity import RetryCallState, Retrying  # noqa: PLC0415 - see the top

    # A state must belong to a `Retrying`, which the strategies used here never look at.
    state = RetryCallState(Retrying(), None, (), {})
    state.attempt_number = attempts
    return state


class RepeatBudget:
    """How many images may be sent again although an earlier try may have been charged.

    An outage drains it, success refills it: a flapping service is paid for at most a tenth more
    than once, and a single bad picture never notices.

    Args:
        most: Images it holds when full; None for no limit.
    """

    def __init__(self, most: int | None) -> None:
        self._most = math.inf if most is None else float(most)
        self._left = self._most

    def spend(self) -> bool:
        """Take one image from the budget; False if none is left."""
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def refill(self) -> None:
        """Put back the part of an image that one read image gives."""
        self._left = min(self._most, self._left + BUDGET_REFILL)
