"""What the service remembers of one account: its keys, what it may use, what it has used."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from typing import Literal, TypeAlias, TypedDict, get_args

import attrs

from aliocr.checks import is_count
from aliocr.credentials import Credentials
from aliocr.emulator.access.rate_window import WINDOWS, Window, WindowKind, window_of
from aliocr.emulator.access.refusal import Refusal
from aliocr.limits import REQUESTS_PER_SECOND
from aliocr.protocol.signing import MAX_CLOCK_SKEW


class ImageQuota(TypedDict):
    """How many images an account may have read in a second, and at one moment; None for any."""

    images_per_second: float | None
    images_in_flight: int | None


NEW_ACCOUNT: ImageQuota = {"images_per_second": 10.0, "images_in_flight": 50}
"""The quota of an account that never asked for more: `Emulator(**NEW_ACCOUNT)`. It never has a
request of a hundred images read whole. Source: code 588, "image OCR 10 images/s"; "Concurrency".
"""

AccountState: TypeAlias = Literal["active", "not_opened", "unauthorized", "overdue", "banned"]

# What code 596 says of an account that is not active. The first two are words of the service, as
# users report them; of the others only the meaning is documented, under "Common error codes".
_CLOSED: dict[AccountState, str] = {
    "not_opened": "You have not opened Yundun Content Moderation Service",
    "unauthorized": "Your using subaccount is not authorized, please refer to the page",
    "overdue": "The account is overdue",
    "banned": "The account is banned",
}


def _of_a_token(key: AccessKey, _: attrs.Attribute[bool], value: bool) -> None:  # noqa: FBT001
    if value and key.credentials.security_token is None:
        raise ValueError(
            f"{key.credentials.access_key_id} is no temporary key, so it has no token that could "
            "expire; give it a security_token, or leave expired out"
        )


@attrs.define
class AccessKey:
    """An AccessKey as its account knows it; what has become of it may change at any time.

    Args:
        credentials: Id, secret and, of a temporary key, token.
        active: False refuses its requests: `InvalidAccessKeyId.Inactive`.
        expired: True refuses its token: `InvalidSecurityToken.Expired`.

    Raises:
        ValueError: A permanent key, which has no token, is to be expired, at birth or later.
    """

    credentials: Credentials = attrs.field(on_setattr=attrs.setters.frozen)
    active: bool = True
    expired: bool = attrs.field(default=False, validator=_of_a_token)


class Account:
    """One account and what it has used up. Times come in as arguments, so that any clock will do.

    Args:
        keys: The AccessKeys that its requests may be signed with, one or more; credentials stand
            for one that is active.
        requests_per_second: How many are accepted, above 0; below 1, one in so many seconds; None
            for no limit.
        uid: Its number, 16 digits, which is the `uid` of callbacks; None makes one up.
        state: Whether it may use the service: `"active"`, or why not: `"not_opened"`,
            `"unauthorized"` (a RAM user without permission), `"overdue"`, `"banned"`.
        images_per_second: How many images are accepted, as of `requests_per_second`.
        images_in_flight: How many images may be under detection at once; None for no limit. See
            `NEW_ACCOUNT` for what the documents say of both.
        window: How rates are counted. How the service does is not documented; who passes the
            sliding log passes the two others as well.

    Raises:
        ValueError: No key, a uid or state of another form, a limit that is not above 0.

    Source: "QPS limits"; code 588 and "Concurrency" for the images; code 596 for the states.
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
    ) -> None:
        self.keys = (AccessKey(keys),) if isinstance(keys, Credentials) else tuple(keys)
        if not self.keys or not all(isinstance(key, AccessKey) for key in self.keys):
            raise ValueError("an account needs at least one AccessKey: Credentials, or AccessKeys")
        self.uid = _fresh_uid() if uid is None else uid
        if not isinstance(self.uid, str) or not re.fullmatch("[0-9]{16}", self.uid):
            raise ValueError(f"uid must be 16 digits, not {uid!r}")
        self.state = state
        if window not in WINDOWS:
            raise ValueError(f"window must be one of {', '.join(WINDOWS)}, not {window!r}")
        self._kind = window
        self._requests_per_second = requests_per_second
        self._requests = self._counted("requests_per_second", requests_per_second)
        self._nonces: dict[str, float] = {}
        self._in_flight = 0
        self._images: Window | None = None
        self._images_per_second: float | None = None
        self.allow_images(images_per_second, images_in_flight)
        self._quota_at_first = (self._images, images_per_second, images_in_flight)
        self._state_at_first = state
        self._keys_at_first = tuple((key.active, key.expired) for key in self.keys)

    def __repr__(self) -> str:
        """Who it is and how it fares."""
        return f"{type(self).__name__}(uid={self.uid!r}, state={self.state!r})"

    @property
    def state(self) -> AccountState:
        """Whether it may use the service; may be changed at any time."""
        return self._state

    @state.setter
    def state(self, state: AccountState) -> None:
        if state not in get_args(AccountState):
            words = ", ".join(get_args(AccountState))
            raise ValueError(f"state must be one of {words}, not {state!r}")
        self._state = state

    def described(self) -> dict[str, object]:
        """Everything about it but the secrets, as it is now."""
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
            "window": self._kind,
            "images_per_second": self._images_per_second,
            "images_in_flight": self._most_in_flight,
        }

    def restore(self) -> None:
        """Undo whatever has become of keys, state and image quotas since it was made."""
        self.state = self._state_at_first
        # The same count as at first, so that nothing of it is given back.
        self._images, self._images_per_second, self._most_in_flight = self._quota_at_first
        for key, (active, expired) in zip(self.keys, self._keys_at_first, strict=True):
            key.active, key.expired = active, expired

    def refusal(self) -> Refusal | None:
        """Why the service does nothing for it; None if it does."""
        return None if self._state == "active" else Refusal.of(596, _CLOSED[self._state])

    def _counted(self, name: str, per_second: float | None) -> Window | None:
        try:
            return None if per_second is None else window_of(self._kind, per_second)
        except ValueError as error:
            raise ValueError(f"{name} {error}") from None

    def allow_images(
        self, images_per_second: float | None = None, images_in_flight: int | None = None
    ) -> None:
        """Change the image quota from now on; what is in flight stays counted.

        What has been used of the images per second does as well, if their limit stays the same.
        """
        most = images_in_flight
        if most is not None and not is_count(most, 1):
            raise ValueError(f"images_in_flight must be 1 or more images or None, not {most!r}")
        if images_per_second != self._images_per_second:
            self._images = self._counted("images_per_second", images_per_second)
            self._images_per_second = images_per_second
        self._most_in_flight = most

    def accept(self, moment: float) -> bool:
        """Whether one more request fits the rate now; if so, it is counted.

        Args:
            moment: Seconds by a clock that never goes back.
        """
        return self._requests is None or self._requests.take(1, moment) == 1

    def take_images(self, wanted: int, moment: float) -> int:
        """How many of so many images fit the quota now; they are in flight until `put_back`.

        Args:
            wanted: 0 or more.
            moment: Seconds by a clock that never goes back.
        """
        granted = wanted
        if self._most_in_flight is not None:
            granted = max(0, min(granted, self._most_in_flight - self._in_flight))
        if self._images is not None:
            granted = self._images.take(granted, moment)
        self._in_flight += granted
        return granted

    def put_back(self, images: int) -> None:
        """So many images are no longer under detection."""
        self._in_flight -= images

    def knows_nonce(self, nonce: str, now: float) -> bool:
        """Whether the nonce was used within the last 15 minutes.

        Args:
            nonce: As it came.
            now: Seconds since the epoch.
        """
        # Oldest first, unless the clock was changed meanwhile: then some are from the future, and
        # must not keep the others from being forgotten.
        while self._nonces:
            first = next(iter(self._nonces))
            if abs(now - self._nonces[first]) < MAX_CLOCK_SKEW:
                break
            del self._nonces[first]
        used = self._nonces.get(nonce)
        return used is not None and now - used < MAX_CLOCK_SKEW

    def use_nonce(self, nonce: str, now: float) -> None:
        """Take note of a nonce; see `knows_nonce` for the arguments."""
        self._nonces.pop(nonce, None)  # or it would keep the place of its first use
        self._nonces[nonce] = now


def _fresh_uid() -> str:
    """16 digits, as the numbers of accounts have, without a 0 in front."""
    return str(10**15 + secrets.randbelow(9 * 10**15))
