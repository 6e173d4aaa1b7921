"""Resolves host names on threads, because the system blocks a thread until it knows the addresses.

The rules:

* Each running lookup has a place, and the number of places is limited. The next free place goes to
  the owner with the fewest places.
* A thread cannot be stopped, so an abandoned lookup keeps its place until the system answers.
* The timeout of an image is paused while its lookup waits for a place, so that a slow name delays
  only the images of this name.
* Nothing waits for the threads when the downloader is closed or the program ends.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from contextvars import ContextVar

import attrs
from aiohttp.abc import AbstractResolver, ResolveResult

from aliocr.emulator.fairness import FairShare, FairShares

LOOKUPS = 400
"""Maximum number of running lookups, over all requests. We chose this value: one lookup for each
possible download (`download.CONNECTIONS`), and the same number of abandoned lookups."""


@attrs.frozen
class _Requester:
    owner: Hashable
    pause_clock: Callable[[], AbstractAsyncContextManager[None]]


# A context variable is needed, because aiohttp calls the resolver in a new task. This task gets
# only the context of the caller.
_REQUESTER: ContextVar[_Requester] = ContextVar("requester")


class Resolver(AbstractResolver):
    """The resolver of an aiohttp connector. The connector looks up each name once at a time."""

    def __init__(self) -> None:
        self._places = FairShares(LOOKUPS)

    @contextmanager
    def looking_up_for(
        self, owner: Hashable, pause_clock: Callable[[], AbstractAsyncContextManager[None]]
    ) -> Iterator[None]:
        """Give lookups that begin within the block to this owner.

        While a lookup waits for a place, it is in a context that `pause_clock` makes. If the block
        is cancelled, this context may end later than the block.
        """
        token = _REQUESTER.set(_Requester(owner, pause_clock))
        try:
            yield
        finally:
            _REQUESTER.reset(token)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of a host.

        Raises:
            OSError: The host has no address.
            UnicodeError: `host` is not a valid host name.
        """
        requester = _REQUESTER.get()
        place = self._places.share(requester.owner)
        async with requester.pause_clock():
            await place.take(1)
        try:
            found = _start_lookup(place, host, port, family)
        except RuntimeError:  # the system has no thread left
            place.keep(0)
            raise OSError("the system cannot start a thread for the lookup") from None
        return await found

    async def close(self) -> None:
        """Do nothing: the connector cancels waiting calls, and the threads end without help."""


def _start_lookup(
    place: FairShare, host: str, port: int, family: socket.AddressFamily
) -> asyncio.Future[list[ResolveResult]]:
    """Start a thread that looks up a name; return a future of the addresses.

    The place becomes free when the thread ends. If the future is cancelled, the thread goes on.
    """
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[ResolveResult]] = loop.create_future()

    def finish(outcome: list[ResolveResult] | Exception) -> None:
        place.keep(0)
        if found.done():
            return
        if isinstance(outcome, Exception):
            found.set_exception(outcome)
        else:
            found.set_result(outcome)

    def look_up() -> None:
        outcome: list[ResolveResult] | Exception
        try:
            outcome = _addresses(host, port, family)
        except Exception as error:  # noqa: BLE001 (raised again from `found`)
            outcome = error
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(finish, outcome)

    threading.Thread(target=look_up, name="aliocr-names", daemon=True).start()
    return found


def _addresses(host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
    # With AI_ADDRCONFIG, a machine without IPv6 sends no IPv6 queries. But on a machine without
    # network, localhost may have no address with this flag.
    flags = 0 if host.rstrip(".").lower() == "localhost" else socket.AI_ADDRCONFIG
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family, flags=flags)
    return [
        ResolveResult(
            hostname=host,
            host=str(address[0]),
            port=int(address[1]),
            family=found_family,
            proto=protocol,
            flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
        )
        for found_family, _, protocol, _, address in found
    ]
