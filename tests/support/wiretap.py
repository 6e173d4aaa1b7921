"""A proxy to an emulator that keeps the bytes that clients send."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import attrs

from aliocr.emulator import Emulator
from tests.support.proxy import Door


@attrs.frozen
class Sent:
    """One request as a client sent it.

    Attributes:
        line: The request line.
        headers: As written, names included; the secrets in tests are not real.
        body: As many bytes as the headers announce.
    """

    line: str
    headers: dict[str, str]
    body: bytes

    def __getitem__(self, name: str) -> str:
        """Return a header by its name in any case."""
        return {each.lower(): value for each, value in self.headers.items()}[name.lower()]

    def __contains__(self, name: str) -> bool:
        """Return True if there is such a header, in any case."""
        return name.lower() in {each.lower() for each in self.headers}


class Wiretap(Door):
    """Forwards bytes between clients and an emulator, as an async context manager.

    Its own address is what the clients must be given, and what they sign as their host.
    """

    def __init__(self, emulator: Emulator) -> None:
        super().__init__(urlsplit(emulator.url).port or 0)
        self._said: list[bytearray] = []

    @property
    def sent(self) -> tuple[Sent, ...]:
        """All complete requests so far, connection by connection."""
        return tuple(request for said in self._said for request in _requests(bytes(said)))

    @property
    def only(self) -> Sent:
        """The only request."""
        (sent,) = self.sent
        return sent

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._said.append(bytearray())
        await self._pass_on(reader, writer, said=self._said[-1])


def _requests(said: bytes) -> list[Sent]:
    found = []
    while said:
        head, _, rest = said.partition(b"\r\n\r\n")
        line, *fields = head.decode("latin-1").split("\r\n")
        headers = dict(field.split(": ", 1) for field in fields)
        length = int({name.lower(): value for name, value in headers.items()}["content-length"])
        found.append(Sent(line, headers, rest[:length]))
        said = rest[length:]
    return found
