"""A proxy to an emulator that keeps the bytes that clients send."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit

import attrs

from aliocr.emulator import Emulator

CHUNK = 65536


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


class Wiretap:
    """Forwards bytes between clients and an emulator, as an async context manager.

    Its own address is what the clients must be given, and what they sign as their host.
    """

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._server: asyncio.Server | None = None
        self._lines: set[asyncio.Task[None]] = set()
        self._said: list[bytearray] = []

    @property
    def port(self) -> int:
        """The port it listens at, on 127.0.0.1."""
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def sent(self) -> tuple[Sent, ...]:
        """All complete requests so far, connection by connection."""
        return tuple(request for said in self._said for request in _requests(bytes(said)))

    @property
    def only(self) -> Sent:
        """The only request."""
        (sent,) = self.sent
        return sent

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connect, "127.0.0.1")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for line in self._lines:
            line.cancel()
        if self._lines:
            await asyncio.wait(self._lines)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = asyncio.current_task()
        assert line is not None
        self._lines.add(line)
        line.add_done_callback(self._lines.discard)
        said = bytearray()
        self._said.append(said)
        address = urlsplit(self._emulator.url)
        answers, onward = await asyncio.open_connection(address.hostname, address.port)
        try:
            with suppress(asyncio.CancelledError, ConnectionError):
                await asyncio.gather(_pass(reader, onward, said), _pass(answers, writer))
        finally:
            onward.transport.abort()
            writer.transport.abort()


async def _pass(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kept: bytearray | None = None
) -> None:
    while data := await reader.read(CHUNK):
        if kept is not None:
            kept += data
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


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
