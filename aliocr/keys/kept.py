"""The credentials of one session: asked for before each request, and kept while they work.

1. A provider is called before each request, but not again while an earlier call runs. After
   `PROVIDER_TIMEOUT`, a call is cancelled and counts as failed.
2. Without credentials, a request waits for the call. With credentials, it waits for `GRACE` at
   most, and after a failed call not at all: it is sent with the last credentials.
3. The last credentials are used until the service refuses them.
4. The session owns the calls: a call goes on if the request that began it is withdrawn, and is
   cancelled when the session is closed.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from urllib.parse import urlsplit

from aliocr.checks import is_loopback
from aliocr.credentials import Credentials, CredentialsProvider
from aliocr.errors import AuthError
from aliocr.keys.vendor import CredentialsError, VendorProvider

PROVIDER_TIMEOUT = 10.0
"""Time that a call of a provider may take, in seconds. A metadata service answers within one."""

GRACE = 0.5
"""Time for which a request waits for a new key although it has one, in seconds."""

CLOSE_TIMEOUT = 1.0
"""Time that a cancelled call of a provider may take to end when the session is closed, in s."""

_log = logging.getLogger("aliocr.keys")


class KeptCredentials:
    """The credentials of a session.

    Args:
        source: An AccessKey, or a provider of changing credentials.
        base_url: Where the credentials are sent.

    Raises:
        ValueError: The AccessKey has a security token, which `base_url` would expose.
    """

    def __init__(self, source: Credentials | CredentialsProvider, base_url: str) -> None:
        self._source = source
        self._exposes_token = _exposes_token(base_url)
        self._known: Credentials | None = None
        if isinstance(source, Credentials):
            self._known = source
            if self._exposes_token and source.security_token:
                raise ValueError(self._exposes_token)
        self._call: asyncio.Task[object] | None = None
        self._calls: set[asyncio.Task[object]] = set()
        self._began = 0.0
        self._failing = False
        self._refused: Credentials | None = None
        self._refusals = self._refusals_before = 0

    async def current(self) -> Credentials:
        """Return the credentials for the next request.

        Raises:
            AuthError: There are no credentials; the exception of the provider is the cause. Another
                try may succeed, unless the provider returned something else than credentials, or
                the source has none.
        """
        if isinstance(self._source, Credentials):
            return self._source
        while True:
            failed = await self._renew()
            if failed is not None and not (failed.transient and self._known):
                raise failed
            if self._known is not None:  # if not, it was refused while the provider was asked
                return self._known

    def refused(self, credentials: Credentials) -> None:
        """Learn that the service refuses these credentials: do not use them again."""
        if isinstance(self._source, Credentials):
            return  # there are no others; the service may have been wrong
        self._refusals += 1
        self._refused = credentials
        if credentials == self._known:
            self._known = None
        if isinstance(self._source, VendorProvider):
            self._source.refused(credentials)

    async def close(self) -> None:
        """Cancel the calls of the provider."""
        for call in self._calls:
            call.cancel()
        if self._calls:
            await asyncio.wait(self._calls, timeout=CLOSE_TIMEOUT)

    async def _renew(self) -> AuthError | None:
        """Call the provider, or wait for the call that runs; return why it failed."""
        loop = asyncio.get_running_loop()
        if self._call is None:
            self._call, self._began = loop.create_task(self._ask(), name="aliocr key"), loop.time()
            self._refusals_before = self._refusals
            self._calls.add(self._call)
            self._call.add_done_callback(self._forget)
        call = self._call
        wait = PROVIDER_TIMEOUT if self._known is None else 0.0 if self._failing else GRACE
        await asyncio.wait({call}, timeout=max(0.0, self._began + wait - loop.time()))
        if not call.done() and loop.time() < self._began + PROVIDER_TIMEOUT:
            return None
        self._call = None
        failed = self._learn(call)
        if failed is not None and not self._failing:
            _log.warning("%s%s", failed.message, "; its last key is used" if self._known else "")
        self._failing = failed is not None
        return failed

    def _learn(self, call: asyncio.Task[object]) -> AuthError | None:
        """Keep the credentials of a call that has ended; return why there are none.

        Credentials that were refused after the call began are not kept: they are asked for again.
        """
        if not call.done():
            call.cancel()
            return _failure(f"did not return within {PROVIDER_TIMEOUT:g} s", transient=True)
        if call.cancelled():
            return _failure("was cancelled", transient=True)
        error = call.exception()
        if error is not None:
            what = f"raised {type(error).__name__}"
            final = isinstance(error, CredentialsError) and error.final
            if isinstance(error, CredentialsError):
                what = f"failed: {error}"
            failed = _failure(what, transient=not final)
            failed.__cause__ = error
            return failed
        found = call.result()
        if not isinstance(found, Credentials):
            return _failure(f"gave {type(found).__name__}, not Credentials")
        if self._exposes_token and found.security_token:
            return AuthError("NoCredentials", self._exposes_token)
        late = found == self._refused and self._refusals > self._refusals_before
        self._known = None if late else found
        return None

    async def _ask(self) -> object:
        found = self._source() if callable(self._source) else self._source
        return await found if inspect.isawaitable(found) else found

    def _forget(self, call: asyncio.Task[object]) -> None:
        self._calls.discard(call)
        if not call.cancelled():
            call.exception()  # a late exception was reported as a call that takes too long


def _failure(what: str, *, transient: bool = False) -> AuthError:
    return AuthError("NoCredentials", f"the credentials provider {what}", transient=transient)


def _exposes_token(base_url: str) -> str:
    """Return why a security token must not be sent to an address; "" if it may."""
    parts = urlsplit(base_url)
    if parts.scheme == "https" or is_loopback(parts.hostname or ""):
        return ""
    return (
        f"a security token is not sent to {base_url}, because http:// would show it to everybody "
        "on the way; use an endpoint that begins with https://"
    )
