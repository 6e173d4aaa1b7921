"""What a peer is: anybody who reads images at the service, measured as the library is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from itertools import islice
from typing import Protocol, TypeAlias

__all__ = ["IN_FLIGHT", "Note", "Peer", "absent", "batches"]

IN_FLIGHT = 10
"""Requests at once: as many threads as the vendor's SDK keeps connections for by default."""

Note: TypeAlias = Callable[[int, object], None]
"""Told of every answer: how many images were read, and what their caller has of them. A peer that
works in threads calls it from one at a time."""


class Peer(Protocol):
    """A way to read images."""

    name: str
    """As the tables call it."""

    imports: str
    """The statements that a program with it begins with."""

    def missing(self) -> str | None:
        """One sentence if it is not installed."""

    async def answers(
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
            url: The server's.
            images: Their URLs. Threads may share it, so it is no generator.
            note: Told of every answer.
            per_request: Images a request.
            in_flight: Requests at once, at most.
        """


def batches(images: Iterator[str], size: int) -> Iterator[list[str]]:
    """So many images at a time; threads may share it."""
    return iter(lambda: list(islice(images, size)), [])


def absent(name: str, *modules: str) -> str | None:
    """One sentence if one of these cannot be imported."""
    gone = [module for module in modules if find_spec(module) is None]
    if not gone:
        return None
    return f"{name} is not installed ({', '.join(gone)}): pip install -e '.[bench]'"
