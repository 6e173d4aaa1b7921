"""Where hosts are: names looked up on threads of their own, as the system has only blocking calls.

The rules:

* So many lookups run at once, and whoever has the fewest of them begins the next.
* A thread cannot be stopped. A lookup that nobody waits for any more keeps its place until the
  system answers, and whoever waits for a place waits off the clock: slow names make nobody late but
  those who ask for them.
* Nothing waits for a thread, neither who closes the downloads nor the end of the program.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from contextvars import ContextVar
from typing import Any

import attrs
from aiohttp.abc import AbstractResolver, ResolveResult

from aliocr.emulator.fairness import FairShare, FairShares

LOOKUPS = 400
"""At once, over all requests: for each of the downloads that there may be, and as many again that
were given up."""


@attrs.frozen
class _Asking:
    """Who wants to know, and what keeps their clock from running."""

    owner: Hashable
    off_the_clock: Callable[[], AbstractAsyncContextManager[None]]


# aiohttp calls the resolver in a task of its own, which has no more of the caller than its context.
_ASKING: ContextVar[_Asking] = ContextVar("asking")


class Names(AbstractResolver):
    """The resolver of a connector, which sees to it that nothing is looked up twice at once."""

    def __init__(self) -> None:
        self._places = FairShares(LOOKUPS)

    @contextmanager
    def asked_by(
        self, owner: Hashable, off_the_clock: Callable[[], AbstractAsyncContextManager[None]]
    ) -> Iterator[None]:
        """What is looked up for the block is somebody's.

        Args:
            owner: Whose: places are shared evenly among owners.
            off_the_clock: Makes what the wait for a place happens in. It may be left after the
                block was, if that was given up.
        """
        token = _ASKING.set(_Asking(owner, off_the_clock))
        try:
            yield
        finally:
            _ASKING.reset(token)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a host.

        Raises:
            OSError: There are none.
            UnicodeError: No host can have such a name.
        """
        asking = _ASKING.get()
        place = self._places.share(asking.owner)
        async with asking.off_the_clock():
            await place.take(1)
        lookup = _Lookup(place)
        try:
            threading.Thread(
                target=lookup.run, args=(host, port, family), name="aliocr-names", daemon=True
            ).start()
        except RuntimeError:  # no more threads
            place.keep(0)
            raise OSError("the name cannot be looked up now") from None
        return await lookup.found

    async def close(self) -> None:
        """Nothing to close: whoever waits is cancelled by the connector, and threads end alone."""


class _Lookup:
    """One call of the system's, in a thread.

    Args:
        place: Held; given back when the thread is done.

    Attributes:
        found: What it will have found; may be cancelled, which the thread does not notice.
    """

    def __init__(self, place: FairShare) -> None:
        self._loop = asyncio.get_running_loop()
        self._place = place
        self.found: asyncio.Future[list[ResolveResult]] = self._loop.create_future()

    def run(self, host: str, port: int, family: socket.AddressFamily) -> None:
        """Look the name up, in the thread."""
        outcome: list[ResolveResult] | Exception
        try:
            outcome = _addresses(host, port, family)
        except Exception as error:  # noqa: BLE001 (it is raised where it is waited for)
            outcome = error
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._end, outcome)

    def _end(self, outcome: list[ResolveResult] | Exception) -> None:
        self._place.keep(0)
        if self.found.done():
            return
        if isinstance(outcome, Exception):
            self.found.set_exception(outcome)
        else:
            self.found.set_result(outcome)


def _addresses(host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
    # Without it IPv6 is asked for on machines that have none; with it some that have no network do
    # not know themselves.
    flags = 0 if host.rstrip(".").lower() == "localhost" else socket.AI_ADDRCONFIG
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family, flags=flags)
    return [_result(host, *one) for one in found]


def _result(
    host: str, family: int, _: int, protocol: int, __: str, address: tuple[Any, ...]
) -> ResolveResult:
    return ResolveResult(
        hostname=host,
        host=address[0],
        port=address[1],
        family=family,
        proto=protocol,
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )
