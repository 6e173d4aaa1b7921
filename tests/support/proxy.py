"""A proxy, plain and CONNECT, and a door for https, to stand before an emulator."""

from __future__ import annotations

import asyncio
import base64
import ssl
from contextlib import suppress
from typing import Self

CHUNK = 65536

_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
VARIABLES = (*_PROXIES, *map(str.upper, _PROXIES), "SSL_CERT_FILE", "SSL_CERT_DIR", "NETRC")
"""All variables that may choose a way out."""


class Door:
    """Passes all bytes on to a port of this machine, as an async context manager.

    Args:
        beyond: The port.
        tls: What to show to clients, for https.
    """

    def __init__(self, beyond: int, tls: ssl.SSLContext | None = None) -> None:
        self._beyond = beyond
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._lines: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """The port it listens at, on 127.0.0.1."""
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", ssl=self._tls)
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
        try:
            with suppress(asyncio.CancelledError, asyncio.IncompleteReadError, OSError):
                await self._serve(reader, writer)
        finally:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._pass_on(reader, writer)

    async def _pass_on(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        head: bytes = b"",
        said: bytearray | None = None,
    ) -> None:
        """Pass on `head`, then all bytes both ways; keep those of the client in `said`."""
        answers, onward = await asyncio.open_connection("127.0.0.1", self._beyond)
        onward.write(head)
        try:
            await asyncio.gather(_pass(reader, onward, said), _pass(answers, writer))
        finally:
            onward.transport.abort()


class Proxy(Door):
    """A proxy that knows one host: whatever is asked for, `beyond` answers.

    Args:
        beyond: The port of that host.
        tls: What to show to clients, for a proxy at an https:// URL.
        login: `user:password` to ask for; "" for none.
        status: The status with which it refuses everything; 0 for none. Its page repeats the login.
        silent: Take requests, and never answer.

    Attributes:
        heads: What it was asked first on each connection.
    """

    def __init__(
        self,
        beyond: int,
        tls: ssl.SSLContext | None = None,
        *,
        login: str = "",
        status: int = 0,
        silent: bool = False,
    ) -> None:
        super().__init__(beyond, tls)
        self._login = f"Basic {base64.b64encode(login.encode()).decode()}" if login else ""
        self._status = status
        self._silent = silent
        self.heads: list[str] = []

    def url(self, login: str = "") -> str:
        """Its URL, with a login to give."""
        return f"http{'s' if self._tls else ''}://{login and f'{login}@'}127.0.0.1:{self.port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head.decode())
        status = self._status
        if self._login and f"\r\nProxy-Authorization: {self._login}\r\n" not in self.heads[-1]:
            status = 407
        if self._silent:
            await reader.read()
        elif status:
            page = b"".join(
                line for line in head.splitlines() if line.startswith(b"Proxy-Authorization")
            )
            writer.write(b"HTTP/1.1 %d No\r\nContent-Length: %d\r\n\r\n" % (status, len(page)))
            writer.write(page)
            await writer.drain()
            await reader.read()  # a proxy that closed at once could reset what it has said
        elif head.startswith(b"CONNECT "):
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await self._pass_on(reader, writer)
        else:
            await self._pass_on(reader, writer, head)


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
    else:
        writer.close()  # TLS has no half of a connection
