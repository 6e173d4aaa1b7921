"""The retry policy: what happens to an image whose try failed, and when it is tried again.

The table `RULES` has one rule for each kind of failure; `settling` carries the rules out. Pure.

A failed image joins the queue again, so only the wait strategies of tenacity are used. Most images
never fail, so tenacity is imported only after the first failure. To import it takes an eighth of
the time that the import of `aliocr.session` takes when aiohttp is imported already.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from enum import Enum
from typing import TYPE_CHECKING, Literal

import attrs

from aliocr.errors import (
    APIError,
    AuthError,
    OCRError,
    ScanTimeoutError,
    ThrottledError,
    TransportError,
)

if TYPE_CHECKING:
    from tenacity import RetryCallState


class FailureKind(Enum):
    """The kinds of failure; `kind_of` tells them apart."""

    THROTTLED = "over the request rate or the image quota"
    KEY_EXPIRED = "the account's token or clock is out of date; the next request has a new one"
    REFUSED_TOGETHER = "a request of several images was refused and not charged"
    BROKEN = "the connection broke, and the request may have run"
    MAYBE_RUN = "another transient failure, and the request may have run"
    NOT_SENT = "no connection, so the request never left"
    NOT_RUN = "another transient failure, and the request never ran"
    FAILED_TOGETHER = "a request of several images failed for good, and may have been charged"
    ACCOUNT_REFUSED = "the key, signature, permission or address is refused"
    FINAL = "any other failure"


class Deed(Enum):
    """The action that follows a failure."""

    AGAIN_NOW = "join the queue immediately"
    AGAIN_LATER = "rest, then join the queue, while tries and repeat budget last"
    GIVE_UP = "fail"
    GIVE_UP_ALL = "fail, together with every image that is not in a request"


@attrs.frozen
class RetryRule:
    """The consequences of one kind of failure.

    Args:
        deed: The action.
        counter: What the failed try counts as: a try, a refusal, a failure of the account's key, or
            nothing. Refusals and failures of the key are limited for all images together, not for
            each image.
        charged: Whether the try may have been charged; `"error"` if the error tells this.
        split: How the images share requests after a request of them failed as a whole: in halves,
            in fifths, in fifths if an image is the likely cause, in fifths after the last try, or
            as before.
    """

    deed: Deed
    counter: Literal["tries", "refusals", "key", "none"]
    charged: Literal["no", "maybe", "error"]
    split: Literal["halves", "fifths", "fifths if likely", "fifths at last", "no"] = "no"


RULES: dict[FailureKind, RetryRule] = {
    FailureKind.THROTTLED: RetryRule(Deed.AGAIN_NOW, "refusals", "no"),
    FailureKind.KEY_EXPIRED: RetryRule(Deed.AGAIN_NOW, "key", "no"),
    FailureKind.REFUSED_TOGETHER: RetryRule(Deed.AGAIN_NOW, "none", "no", "halves"),
    FailureKind.BROKEN: RetryRule(Deed.AGAIN_LATER, "tries", "maybe", "fifths if likely"),
    FailureKind.MAYBE_RUN: RetryRule(Deed.AGAIN_LATER, "tries", "maybe", "fifths if likely"),
    # No image of a request that never reached the service can be the cause.
    FailureKind.NOT_SENT: RetryRule(Deed.AGAIN_LATER, "tries", "no"),
    FailureKind.NOT_RUN: RetryRule(Deed.AGAIN_LATER, "tries", "no", "fifths at last"),
    FailureKind.FAILED_TOGETHER: RetryRule(Deed.AGAIN_LATER, "tries", "error", "fifths"),
    FailureKind.ACCOUNT_REFUSED: RetryRule(Deed.GIVE_UP_ALL, "tries", "error"),
    FailureKind.FINAL: RetryRule(Deed.GIVE_UP, "tries", "error"),
}

RESTS = (0.3, 2.0, 8.0)
"""Rests before the first, second and every later retry, in seconds, each longer or shorter by up to
`JITTER`. The first is short for a chance failure; together they outlast most restarts of a server.
"""

JITTER = 0.25
"""Fraction of a rest by which it varies, so that senders that failed together do not meet again."""

UNLIKELY = 0.003
"""An image is the likely cause if the chance that so many requests of it failed without it is not
above this."""

USUAL_RETRIES = 3
"""Maximum `max_retries` of a session for which `FEW_RETRIES` applies."""

FEW_RETRIES: dict[int | str, int] = {480: 1, 595: 1, 586: 2, 587: 2, 592: 2}
"""Number of retries for some codes: if the first one or two retries fail, more retries would fail,
too. For some of these codes, the documents advise to contact support. If `max_retries` is above
`USUAL_RETRIES`, it also applies to these codes."""

KEY_RETRIES = 1
"""Number of times in a row that token and clock are renewed. If they fail once more, the account
counts as refused."""

KEY_EXPIRED = frozenset({"InvalidTimeStamp.Expired", "InvalidSecurityToken.Expired"})

BUDGET_REFILL = 0.1
"""Fraction of an image that goes back into the repeat budget with each image read."""


@attrs.frozen
class Verdict:
    """The decision about one image.

    Args:
        rule: The rule of its kind of failure.
        deed: The action: the rule's action, or failing the image if no try is left.
        counter: The kind or code for which a failed try is counted; None if no try is counted.
        rest: Seconds before the image joins the queue again.
        batch_limit: Maximum number of images in its next request; None if unchanged.
    """

    rule: RetryRule
    deed: Deed
    counter: Hashable | None = None
    rest: float = 0.0
    batch_limit: int | None = None


def kind_of(error: OCRError, together: int | None = None) -> FailureKind:
    """Return the kind of a failure.

    Args:
        error: The failure.
        together: Number of images in the request if all failed together; None if only this one.
    """
    if isinstance(error, ThrottledError):
        return FailureKind.THROTTLED
    if error.transient:
        return _transient_kind(error)
    if isinstance(error, AuthError) and not error.of_image:
        return FailureKind.ACCOUNT_REFUSED
    if isinstance(error, APIError) and (together or 1) > 1:
        return FailureKind.FAILED_TOGETHER if error.maybe_charged else FailureKind.REFUSED_TOGETHER
    return FailureKind.FINAL


def _transient_kind(error: OCRError) -> FailureKind:
    if isinstance(error, AuthError) and error.code in KEY_EXPIRED:
        return FailureKind.KEY_EXPIRED
    network = isinstance(error, TransportError)
    if not error.maybe_charged:
        return FailureKind.NOT_SENT if network else FailureKind.NOT_RUN
    broken = network and not isinstance(error, ScanTimeoutError)
    return FailureKind.BROKEN if broken else FailureKind.MAYBE_RUN


class RetryPolicy:
    """Decides what happens to a failed image, one image at a time.

    Args:
        max_retries: Tries after the first, 0 or more; throttled tries do not count.
    """

    def __init__(self, max_retries: int) -> None:
        self._max_retries = max_retries

    def judge(
        self,
        error: OCRError,
        tries: Mapping[Hashable, int] | None = None,
        together: int | None = None,
        *,
        chance: float = 0.0,
        waits: bool = False,
    ) -> Verdict:
        """Decide what happens to an image.

        If a request of several images fails, one image may be the cause. So the images are sent in
        smaller and smaller requests, even after their last tries, until this image is alone. But if
        requests of any images fail, smaller requests only fail more often: then the images stay
        together until so many failures in a row are unlikely without such an image.

        Args:
            error: The failure of its try.
            tries: Number of its earlier failed tries of each kind or code; None if no try failed.
            together: Number of images in the request if all failed together; None if only this one.
            chance: The chance that a request fails for no reason of its own. If it is 1, no image
                is a suspect.
            waits: True if the image waits for the end of an outage. This uses up no try.
        """
        kind = kind_of(error, together)
        rule = RULES[kind]
        if waits and rule.deed is Deed.AGAIN_LATER and self._max_retries:
            return Verdict(rule, rule.deed)
        counter = counter_of(error, kind) if rule.counter == "tries" else None
        used = (tries or {}).get(counter, 0)
        left = self._retries(error, kind) > used
        limit = None
        if together is not None and chance < 1:
            likely = chance ** (used + 1) <= UNLIKELY
            limit = _smaller_batch(rule, together, likely=likely, last=not left)
        isolated = limit is not None and limit < (together or 1) and self._may_isolate(error)
        if rule.deed is Deed.AGAIN_LATER and (left or isolated):
            # If a request only isolates the image that is the cause, a short rest is enough.
            return Verdict(rule, rule.deed, counter, _rest(1 if isolated else used + 1), limit)
        if rule.deed is Deed.AGAIN_LATER or (rule.split == "halves" and not isolated):
            return Verdict(rule, Deed.GIVE_UP, counter)
        return Verdict(rule, rule.deed, counter, batch_limit=limit)

    def _retries(self, error: OCRError, kind: FailureKind) -> int:
        if kind is FailureKind.FAILED_TOGETHER:
            return 0  # its images are isolated, not tried together again
        if isinstance(error, APIError) and self._max_retries <= USUAL_RETRIES:
            return min(self._max_retries, FEW_RETRIES.get(error.code, self._max_retries))
        return self._max_retries

    def _may_isolate(self, error: OCRError) -> bool:
        """Tell if a request may be sent for no other reason than to isolate the cause."""
        return self._max_retries > 0 or not error.maybe_charged


def counter_of(error: OCRError, kind: FailureKind) -> Hashable:
    """Return under what a failed try is counted: its code if in `FEW_RETRIES`, or its kind."""
    if isinstance(error, APIError) and error.code in FEW_RETRIES:
        return error.code
    return kind


def _smaller_batch(rule: RetryRule, together: int, *, likely: bool, last: bool) -> int | None:
    """Return how many images may share a request after `together` images failed together."""
    match rule.split:
        case "halves":
            return math.ceil(together / 2)
        case "fifths":
            return math.ceil(together / 5)
        case "fifths if likely":
            return math.ceil(together / 5) if likely or last else None
        case "fifths at last":
            return math.ceil(together / 5) if last else None
        case "no":
            return None


def _rest(failures: int) -> float:
    """Return the time before the next try, in seconds, as `RESTS` and `JITTER` say."""
    from tenacity.wait import wait_chain, wait_random  # noqa: PLC0415 - see the top

    ranges = [wait_random(rest * (1 - JITTER), rest * (1 + JITTER)) for rest in RESTS]
    return float(wait_chain(*ranges)(_after(failures)))


def throttled_pause(in_a_row: int) -> float:
    """Return the length of an account's pause, in seconds: a random time, 2 s at most.

    The first refusal pauses nothing. The second pauses up to 0.2 s, and each further one up to
    twice as long as the one before.

    Args:
        in_a_row: Number of refusals in a row, 1 or more.
    """
    return _backoff(in_a_row - 1, multiplier=0.2, most=2.0) if in_a_row > 1 else 0.0


def _backoff(attempts: int, *, multiplier: float, most: float) -> float:
    """Return the seconds of an exponential backoff with full jitter, computed by tenacity."""
    from tenacity.wait import wait_random_exponential  # noqa: PLC0415 - see the top

    return float(wait_random_exponential(multiplier=multiplier, max=most)(_after(attempts)))


def _after(attempts: int) -> RetryCallState:
    from tenacity import RetryCallState, Retrying  # noqa: PLC0415 - see the top

    # A state must belong to a `Retrying`; the strategies used here never read the `Retrying`.
    state = RetryCallState(Retrying(), None, (), {})
    state.attempt_number = attempts
    return state


class RepeatBudget:
    """Limits the images that may be sent again although an earlier try may have been charged.

    An outage empties the budget, and images that are read refill it. So while the service is
    unstable, repeats add at most a tenth to the cost. A single bad picture changes nothing.

    Args:
        most: Maximum number of images in the budget; None for no limit.
    """

    def __init__(self, most: int | None) -> None:
        self._most = math.inf if most is None else float(most)
        self._left = self._most

    def spend(self) -> bool:
        """Take one image from the budget; return False if the budget is empty."""
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def refill(self) -> None:
        """Put `BUDGET_REFILL` back into the budget, because an image was read."""
        self._left = min(self._most, self._left + BUDGET_REFILL)
