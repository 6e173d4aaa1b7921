"""Interface of a peer: a client that reads images at the service."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from itertools import islice
from typing import Protocol, TypeAlias

IN_FLIGHT = 10
"""Concurrent requests: the default size of the connection pool of the vendor's SDK."""

Note: TypeAlias = Callable[[int, object], None]
"""Callback for every answer: number of images read, and the answer as its caller gets it. A peer
with threads calls it from one thread at a time."""


class Peer(Protocol):
    """A client that reads images."""

    name: str
    """Name in the tables."""

    imports: str
    """Import statements of a program that uses it."""

    def missing(self) -> str | None:
        """Return one sentence if it is not installed."""

    async def read_images(
        self,
        url: str,
        images: Iterator[str],
        note: Note,
        *,
        per_request: int = 100,
        in_flight: int = IN_FLIGHT,
    ) -> None:
        """Read all images.

        Args:
            url: URL of the server.
            images: URLs. Not a generator, because threads may share it.
            note: Called for every answer.
            per_request: Images per request.
            in_flight: Most concurrent requests.
        """


def batches(images: Iterator[str], size: int) -> Iterator[list[str]]:
    """Yield lists of `size` images; threads may share the iterator."""
    return iter(lambda: list(islice(images, size)), [])


def absent(name: str, *modules: str) -> str | None:
    """Return one sentence if one of the modules cannot be imported."""
    gone = [module for module in modules if find_spec(module) is None]
    if not gone:
        return None
    return f"{name} is not installed ({', '.join(gone)}): pip install -e '.[bench]'"
