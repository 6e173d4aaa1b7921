"""Interface of a peer, which is a client that lets the service read images."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from itertools import islice
from typing import Protocol, TypeAlias

IN_FLIGHT = 10
"""Default number of concurrent requests. It is the default size of the connection pool of the
vendor's SDK."""

Note: TypeAlias = Callable[[int, object], None]
"""Callback for every answer. Its arguments are the number of images that were read, and the answer
as the peer returns it. A peer with threads calls it from only one thread at a time."""


class Peer(Protocol):
    """A client that lets the service read images."""

    name: str
    """Name of the peer in the tables."""

    imports: str
    """Import statements of a program that uses the peer."""

    def missing(self) -> str | None:
        """Return a sentence if the peer is not installed, otherwise None."""

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
            images: URLs of the images. Must not be a generator, because threads may share it.
            note: Callback for every answer.
            per_request: Number of images per request.
            in_flight: Maximum number of concurrent requests.
        """


def batches(images: Iterator[str], size: int) -> Iterator[list[str]]:
    """Return an iterator of lists of `size` images. Threads may share this iterator."""
    return iter(lambda: list(islice(images, size)), [])


def absent(name: str, *modules: str) -> str | None:
    """Return a sentence if one of the modules cannot be imported, otherwise None."""
    gone = [module for module in modules if find_spec(module) is None]
    if not gone:
        return None
    return f"{name} is not installed ({', '.join(gone)}): pip install -e '.[bench]'"
