"""A provider of the vendor's package `alibabacloud-credentials` as a provider of this package.

The package blocks, and some of its calls have no time limit. So each call runs in a thread of its
own (`_Call`), and `VendorProvider` decides when to call:

1. One call at a time, for all who wait. While the known key is valid, nobody waits for the call.
2. A key is asked for again after `RENEW` of its life, or after `RECHECK`; the package itself renews
   a token 15 minutes before its end.
3. If a call fails or hangs, the known key is used until it ends, or until the service refuses it.
4. If the service refuses a key that the source still holds, the source is made to forget it.
"""

from __future__ import annotations

import asyncio
import math
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, ClassVar, TypeVar
from weakref import WeakValueDictionary

from aliocr.credentials import Credentials
from aliocr.redaction import without_queries

RECHECK = 60.0
"""Time after which the vendor's provider is asked again, in seconds."""

RENEW = 0.8
"""Fraction of the life of a key after which it is renewed, if its end is known."""

AFTER_FAILURE = 10.0
"""Time after which a call that failed is repeated while the known key is valid, in seconds. Another
call is made beside a call that takes longer. The time doubles with each failure, up to `LONGEST`.
"""

LONGEST = 300.0
"""Maximum time before the next call after calls that failed or hung, in seconds."""

SOON = 1.0
"""Time between two calls that fail, in seconds, when there is no valid key."""

LONGEST_REASON = 200
"""Maximum length of the reason for a failure, in characters."""

T = TypeVar("T")


class CredentialsError(Exception):
    """The vendor's provider failed. The message has its reason, without what may be a secret.

    Attributes:
        final: True if no other call will succeed, because there are no credentials.
    """

    final = False


class NoCredentialsError(CredentialsError):
    """No source of the chain has credentials; the message has a reason for each source."""

    final = True


class BlockingCall(Future[T]):
    """A blocking call in a thread of its own, which does not keep the program alive.

    A thread of the loop's executor would: `asyncio.run` waits for these at its end.
    """

    def __init__(self, work: Callable[[], T]) -> None:
        super().__init__()
        self.set_running_or_notify_cancel()  # from now on, a caller that leaves cannot cancel it
        threading.Thread(
            target=self._run, args=(work,), name="aliocr credentials", daemon=True
        ).start()

    def _run(self, work: Callable[[], T]) -> None:
        try:
            found = work()
        except BaseException as error:  # noqa: BLE001 - delivered to those who wait
            self.set_exception(error)
        else:
            self.set_result(found)


class VendorProvider:
    """A provider of the vendor as a `CredentialsProvider`; for any number of loops and threads.

    Args:
        fetch: Returns the vendor's credentials. It may block.
        forget: Makes the source forget the credentials that it holds.

    Attributes:
        fetch: The given function.
    """

    _of_sources: ClassVar[WeakValueDictionary[int, VendorProvider]] = WeakValueDictionary()

    def __init__(self, fetch: Callable[[], Any], forget: Callable[[], None] = lambda: None) -> None:
        self.fetch = fetch
        self._forget = forget
        self._lock = threading.Lock()
        self._current: Credentials | None = None
        self._ends = -math.inf
        self._refused: Credentials | None = None
        self._call: BlockingCall[Credentials] | None = None
        self._called_at = -math.inf
        self._next_call = -math.inf
        self._pause = AFTER_FAILURE

    @classmethod
    def of(cls, source: Any) -> VendorProvider | None:
        """Return the one provider for a client or provider of the vendor; None for another object.

        A provider keeps its source alive, so the id of the source stays its own.
        """
        for name in ("get_credential", "get_credentials"):  # a client has the first
            if callable(fetch := getattr(source, name, None)):
                found = cls._of_sources.get(id(source)) or cls(fetch, lambda: _forget(source))
                cls._of_sources[id(source)] = found
                return found
        return None

    async def __call__(self) -> Credentials:
        """Return valid credentials, and renew them in time.

        Raises:
            CredentialsError: There is no valid key, and the vendor's provider failed.
        """
        with self._lock:
            call = self._call_if_due()
            if self._current is not None and time.monotonic() < self._ends:
                return self._current
        return await asyncio.wrap_future(call)

    def find(self) -> Credentials:
        """Call the vendor's provider and wait for it, without an event loop.

        Raises:
            CredentialsError: The vendor's provider failed.
        """
        with self._lock:
            call = self._call_if_due()
        return call.result()

    def refused(self, credentials: Credentials) -> None:
        """Learn that the service refuses these credentials: do not use them again."""
        with self._lock:
            self._refused = credentials
            if credentials == self._current:
                self._current, self._ends = None, -math.inf

    def _call_if_due(self) -> BlockingCall[Credentials]:
        """Return the last call, or a new call if it is time for one."""
        now = time.monotonic()
        if self._call is None or self._is_due(self._call, now):
            self._called_at = now
            self._next_call = now + self._pause
            self._pause = min(2 * self._pause, LONGEST)
            self._call = BlockingCall(self._renew)
        return self._call

    def _is_due(self, call: BlockingCall[Credentials], now: float) -> bool:
        if now < self._ends or not call.done():
            return now >= self._next_call
        return call.exception() is None or now >= self._called_at + SOON

    def _renew(self) -> Credentials:
        """Rules 2 and 4, in the thread of a call."""
        try:
            found = self.fetch()
            if _plain(found) == self._refused:
                self._forget()
                found = self.fetch()
            credentials = _plain(found)
        except CredentialsError:
            raise
        except Exception as error:  # noqa: BLE001 - the package raises what it likes
            # Not kept as the cause: the package's errors hold addresses with tokens in them.
            raise CredentialsError(reason_of(error)) from None
        end = _of(found, "expiration")
        life = math.inf if end is None else end - time.time()
        with self._lock:
            if credentials != self._refused:
                self._current = credentials
                self._ends = time.monotonic() + life
                self._next_call = time.monotonic() + min(RECHECK, RENEW * max(life, 0.0))
                self._pause = AFTER_FAILURE
        return credentials


def reason_of(error: Exception) -> str:
    """Return the message of an error of the vendor's package in one line, without secrets.

    It quotes the whole answer of a server, and addresses whose query holds a token.
    """
    text = str(error).partition("result:")[0]
    text = re.sub(r"\?\S*", "?…", without_queries(" ".join(text.split()))).strip(" ,")
    return text[:LONGEST_REASON] or type(error).__name__


def _of(found: Any, name: str) -> Any:
    """Return a value of the vendor's credentials: a model has attributes, a provider's getters."""
    getter = getattr(found, f"get_{name}", None)
    return getter() if callable(getter) else getattr(found, name, None)


def _plain(found: Any) -> Credentials:
    key = [_of(found, name) for name in ("access_key_id", "access_key_secret", "security_token")]
    if not key[0] or not key[1]:
        kind = type(found).__name__
        raise ValueError(f"the provider gave a {kind} without an AccessKey; only a key can sign")
    return Credentials(key[0], key[1], key[2] or None)


def _forget(source: Any) -> None:
    """Empty the cache of a client or provider of the vendor, as far as it has one.

    The package has no public way to renew a token that the service refuses ahead of its end.
    """
    provider = getattr(getattr(source, "cloud_credential", source), "provider", source)
    with suppress(AttributeError):
        provider._credentials_cache._cached_value = None  # noqa: SLF001
