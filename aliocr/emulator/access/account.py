"""One account of the service: its keys, state and limits, and its counts of requests and images."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from typing import Literal, TypeAlias, TypedDict, get_args

import attrs

from aliocr.checks import is_count
from aliocr.credentials import Credentials
from aliocr.emulator.access.operations import IMAGE_SCAN, Operation
from aliocr.emulator.access.rate_window import WINDOWS, RateWindow, WindowKind, make_rate_window
from aliocr.emulator.access.refusal import Refusal
from aliocr.limits import REQUESTS_PER_SECOND
from aliocr.protocol.signing import MAX_CLOCK_SKEW


class QuotaOptions(TypedDict):
    """The arguments of an emulator that limit the images of an account; None means no limit."""

    images_per_second: float | None
    images_in_flight: int | None


NEW_ACCOUNT: QuotaOptions = {"images_per_second": 10.0, "images_in_flight": 50}
"""Limits for the images of a new account, to be used as `Emulator(**NEW_ACCOUNT)`. A request of a
hundred images is above these limits. Source: code 588, "image OCR 10 images/s"; "Concurrency".
"""

AccountState: TypeAlias = Literal["active", "not_opened", "unauthorized", "overdue", "banned"]

# The messages of code 596. Source: users report that the service sends the first two messages. For
# the last two messages, the documents give only the meaning, under "Common error codes".
_STATE_MESSAGES: dict[AccountState, str] = {
    "not_opened": "You have not opened Yundun Content Moderation Service",
    "unauthorized": "Your using subaccount is not authorized, please refer to the page",
    "overdue": "The account is overdue",
    "banned": "The account is banned",
}


@attrs.define
class AccessKey:
    """An AccessKey of an account. `active` and `expired` may be changed at any time.

    Args:
        credentials: Id and secret of the key; for a temporary key also its token.
        active: If False, requests with this key are refused with `InvalidAccessKeyId.Inactive`.
        expired: If True, the token of the key is refused with `InvalidSecurityToken.Expired`.

    Raises:
        ValueError: `expired` is set to True, here or later, although the key has no token that
            could expire, because the key is permanent.
    """

    credentials: Credentials = attrs.field(on_setattr=attrs.setters.frozen)
    active: bool = True
    expired: bool = attrs.field(default=False)

    @expired.validator
    def _check_expired(self, _: attrs.Attribute[bool], value: bool) -> None:  # noqa: FBT001
        if value and self.credentials.security_token is None:
            raise ValueError(
                f"{self.credentials.access_key_id} is not a temporary key and has no token that "
                "can expire; give the key a security_token, or leave out expired"
            )


class Account:
    """One account and its use of the service.

    Methods get the time as an argument: `moment` is in seconds by a monotonic clock, `now` is in
    seconds since the epoch.

    Args:
        keys: One or more AccessKeys that sign requests of the account. `Credentials` instead of a
            sequence mean one active AccessKey.
        requests_per_second: Maximum number of requests of one operation per second, above 0. 0.5
            means one request in 2 seconds; None means no limit.
        uid: The number of the account, 16 digits, which is the `uid` of callbacks. None means a
            random number.
        state: `"active"`, or the reason why the service refuses the account: `"not_opened"`,
            `"unauthorized"` (a RAM user without permission), `"overdue"`, `"banned"`.
        images_per_second: Maximum number of images per second, above 0; None means no limit.
        images_in_flight: Maximum number of images being read at the same time; None means no limit.
            `NEW_ACCOUNT` has the documented values of both image limits.
        window: How requests and images per second are counted: `"sliding"`, `"fixed"` or
            `"bucket"`. The documents do not say how the service counts. `"sliding"` is the
            strictest way: a client that stays within this limit also stays within the limits of
            the two other ways.
        separate_limits: If False, the requests of all operations count together. The documents say
            "the limit of this interface", so by default each operation counts by itself.

    Raises:
        ValueError: There is no key; uid, state or window is invalid; or a limit is not above 0.

    Source: "QPS limits"; code 588 and "Concurrency" for the image limits; code 596 for the states.
    """

    def __init__(
        self,
        keys: Credentials | Sequence[AccessKey],
        requests_per_second: float | None = REQUESTS_PER_SECOND,
        *,
        uid: str | None = None,
        state: AccountState = "active",
        images_per_second: float | None = None,
        images_in_flight: int | None = None,
        window: WindowKind = "sliding",
        separate_limits: bool = True,
    ) -> None:
        self.keys = (AccessKey(keys),) if isinstance(keys, Credentials) else tuple(keys)
        if not self.keys or not all(isinstance(key, AccessKey) for key in self.keys):
            raise ValueError("an account needs keys: give Credentials, or at least one AccessKey")
        # A random uid has no leading 0, because real uids have none.
        self.uid = str(10**15 + secrets.randbelow(9 * 10**15)) if uid is None else uid
        if not isinstance(self.uid, str) or not re.fullmatch("[0-9]{16}", self.uid):
            raise ValueError(f"uid must be 16 digits, not {uid!r}")
        self.state = state
        if window not in WINDOWS:
            raise ValueError(f"window must be one of {', '.join(WINDOWS)}, not {window!r}")
        self._kind = window
        self._requests_per_second = requests_per_second
        self._separate_limits = separate_limits
        self._rate_window("requests_per_second", requests_per_second)  # only to check the value
        self._requests: dict[str, RateWindow] = {}
        self._nonces: dict[str, float] = {}
        self._in_flight = 0
        self._images: RateWindow | None = None
        self._images_per_second: float | None = None
        self.allow_images(images_per_second, images_in_flight)
        self._quota_at_first = (self._images, images_per_second, images_in_flight)
        self._state_at_first = state
        self._keys_at_first = tuple((key.active, key.expired) for key in self.keys)

    def __repr__(self) -> str:
        """Return a text with uid and state."""
        return f"{type(self).__name__}(uid={self.uid!r}, state={self.state!r})"

    @property
    def state(self) -> AccountState:
        """`"active"`, or the reason why the service refuses the account. May be changed anytime."""
        return self._state

    @state.setter
    def state(self, state: AccountState) -> None:
        if state not in get_args(AccountState):
            words = ", ".join(get_args(AccountState))
            raise ValueError(f"state must be one of {words}, not {state!r}")
        self._state = state

    def described(self) -> dict[str, object]:
        """Return all current settings, without the secrets."""
        return {
            "uid": self.uid,
            "state": self._state,
            "keys": [
                {
                    "access_key_id": key.credentials.access_key_id,
                    "active": key.active,
                    "expired": key.expired,
                    "temporary": key.credentials.security_token is not None,
                }
                for key in self.keys
            ],
            "requests_per_second": self._requests_per_second,
            "separate_limits": self._separate_limits,
            "window": self._kind,
            "images_per_second": self._images_per_second,
            "images_in_flight": self._most_in_flight,
        }

    def restore(self) -> None:
        """Set keys, state and image quota back to their initial values."""
        self.state = self._state_at_first
        # The initial rate window is used again with its count, so that its images still count.
        self._images, self._images_per_second, self._most_in_flight = self._quota_at_first
        for key, (active, expired) in zip(self.keys, self._keys_at_first, strict=True):
            key.active, key.expired = active, expired

    def check_state(self) -> Refusal | None:
        """Return None for an active account, otherwise the refusal with code 596."""
        return None if self._state == "active" else Refusal.of(596, _STATE_MESSAGES[self._state])

    def _rate_window(self, name: str, per_second: float | None) -> RateWindow | None:
        try:
            return None if per_second is None else make_rate_window(self._kind, per_second)
        except ValueError as error:
            raise ValueError(f"{name} {error}") from None

    def allow_images(
        self, images_per_second: float | None = None, images_in_flight: int | None = None
    ) -> None:
        """Set a new image quota; None means no limit.

        Images in flight still count after the change. The count of images per second starts again
        at zero if `images_per_second` changes; if not, this count is kept.
        """
        most = images_in_flight
        if most is not None and not is_count(most, 1):
            raise ValueError(f"images_in_flight must be 1 or more images, or None, not {most!r}")
        if images_per_second != self._images_per_second:
            self._images = self._rate_window("images_per_second", images_per_second)
            self._images_per_second = images_per_second
        self._most_in_flight = most

    def accept(self, moment: float, operation: Operation = IMAGE_SCAN) -> bool:
        """If the rate allows a request now, count it and return True; if not, return False."""
        most = self._requests_per_second
        if most is None:
            return True
        name, share = (operation.action, operation.share) if self._separate_limits else ("", 1.0)
        if name not in self._requests:
            self._requests[name] = make_rate_window(self._kind, share * most)
        return self._requests[name].take(1, moment) == 1

    def take_images(self, wanted: int, moment: float) -> int:
        """Return how many of the wanted images the quota allows now, and count these images.

        The images count as in flight until `release_images`.
        """
        granted = wanted
        if self._most_in_flight is not None:
            granted = max(0, min(granted, self._most_in_flight - self._in_flight))
        if self._images is not None:
            granted = self._images.take(granted, moment)
        self._in_flight += granted
        return granted

    def release_images(self, images: int) -> None:
        """Count this many images as no longer in flight."""
        self._in_flight -= images

    def knows_nonce(self, nonce: str, now: float) -> bool:
        """Return True if the nonce was used within the last 15 minutes."""
        # The nonces are in the order of their use, so old nonces come first. If the clock was set
        # back, the first nonce may have a time far in the future. This nonce is deleted too: if it
        # stayed, the old nonces behind it would also stay.
        while self._nonces:
            first = next(iter(self._nonces))
            if abs(now - self._nonces[first]) < MAX_CLOCK_SKEW:
                break
            del self._nonces[first]
        used = self._nonces.get(nonce)
        return used is not None and now - used < MAX_CLOCK_SKEW

    def use_nonce(self, nonce: str, now: float) -> None:
        """Remember that a nonce was used now."""
        self._nonces.pop(nonce, None)  # so that the nonce moves to the end of the dict
        self._nonces[nonce] = now
