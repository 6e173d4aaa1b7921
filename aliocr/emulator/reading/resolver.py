"""Resolves host names on threads, since the system's calls block.

The rules:

* The number of lookups at once is bounded; the next lookup goes to the owner with the fewest.
* A thread cannot be stopped, so an abandoned lookup keeps its place until the system answers. An
  image's clock stands still while it waits for a place: slow names make only their own images late.
* Nothing waits for the threads: neither closing the downloader nor the end of the program.
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
"""Lookups at once, over all requests: one for each possible download, and as many again that were
abandoned."""


@attrs.frozen
class _Requester:
    owner: Hashable
    pause_clock: Callable[[], AbstractAsyncContextManager[None]]


# aiohttp calls the resolver in a new task, which shares only its context with the caller.
_REQUESTER: ContextVar[_Requester] = ContextVar("requester")


class Resolver(AbstractResolver):
    """The resolver of an aiohttp connector; the connector never asks for one name twice at once."""

    def __init__(self) -> None:
        self._places = FairShares(LOOKUPS)

    @contextmanager
    def looking_up_for(
        self, owner: Hashable, pause_clock: Callable[[], AbstractAsyncContextManager[None]]
    ) -> Iterator[None]:
        """Resolve names for an owner within the block.

        A lookup waits for its place in a context made by `pause_clock`. If the block is cancelled,
        this context may end after it.
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
            UnicodeError: The text cannot be a host name.
        """
        requester = _REQUESTER.get()
        place = self._places.share(requester.owner)
        async with requester.pause_clock():
            await place.take(1)
        try:
            found = _start_lookup(place, host, port, family)
        except RuntimeError:  # the system has no thread left
            place.keep(0)
            raise OSError("the name cannot be looked up now") from None
        return await found

    async def close(self) -> None:
        """Do nothing: the connector cancels waiting calls, and threads end by themselves."""


def _start_lookup(
    place: FairShare, host: str, port: int, family: socket.AddressFamily
) -> asyncio.Future[list[ResolveResult]]:
    """Look a name up in a thread, which gives the place back at its end.

    Cancelling the future does not stop the thread.
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
    # AI_ADDRCONFIG saves IPv6 queries on machines without IPv6, but on a machine without network it
    # may hide localhost.
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
