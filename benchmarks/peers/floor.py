"""Peers that show the minimum cost of a client: a bare socket, without and with typed decoding."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import ClassVar
from urllib.parse import urlsplit

import msgspec

from benchmarks.peers.contract import IN_FLIGHT, Note, batches

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"Content-Length: "


class BareSocket:
    """A socket that sends prepared, unsigned request bytes. Replies are not decoded."""

    name = "bare socket"
    imports = "import asyncio"

    def missing(self) -> None:
        """Return None, because nothing must be installed."""

    def read(self, body: bytes) -> object:
        """Return the answer for a reply: here the undecoded body."""
        return body

    async def read_images(
        self,
        url: str,
        images: Iterator[str],
        note: Note,
        *,
        per_request: int = 100,
        in_flight: int = IN_FLIGHT,
    ) -> None:
        """Read all images. Every request repeats the URLs of the first request."""
        ready: list[bytes] = []

        async def work() -> None:
            connection = await _RawConnection.open(url)
            for batch in batches(images, per_request):
                ready[:] = ready or [_request(batch)]
                note(len(batch), self.read(await connection.ask(ready[0])))
            connection.close()

        await asyncio.gather(*(work() for _ in range(in_flight)))


class _Region(msgspec.Struct):
    text: str
    x: float
    y: float
    w: float
    h: float


class _Result(msgspec.Struct, rename="camel"):
    scene: str
    label: str
    suggestion: str
    rate: float
    ocr_data: tuple[str, ...] = ()
    ocr_locations: tuple[_Region, ...] = ()


class _Answer(msgspec.Struct, rename="camel"):
    code: int
    data_id: str
    task_id: str
    results: tuple[_Result, ...]


class _Reply(msgspec.Struct, rename="camel"):
    code: int
    request_id: str
    data: tuple[_Answer, ...]


class RawFloor(BareSocket):
    """The bare socket, but each reply is decoded completely into msgspec structs."""

    name = "raw floor"
    imports = "import asyncio, msgspec"
    _decoder: ClassVar = msgspec.json.Decoder(_Reply)

    def read(self, body: bytes) -> object:
        """Return the decoded answers of a reply."""
        return self._decoder.decode(body).data


def _request(images: list[str]) -> bytes:
    tasks = [{"dataId": str(number), "url": image} for number, image in enumerate(images)]
    body = msgspec.json.encode({"scenes": ["ocr"], "tasks": tasks})
    head = b"POST /green/image/scan HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
    return head % len(body) + body


class _RawConnection(asyncio.Protocol):
    """A connection that handles one request at a time."""

    _transport: asyncio.Transport
    _answer: asyncio.Future[bytes]

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._missing = 0

    @classmethod
    async def open(cls, url: str) -> _RawConnection:
        """Open a connection to the server at `url`."""
        host, port = urlsplit(url).netloc.split(":")
        loop = asyncio.get_running_loop()
        connection = cls()
        connection._transport, _ = await loop.create_connection(lambda: connection, host, int(port))
        return connection

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()

    async def ask(self, request: bytes) -> bytes:
        """Send a request and return the body of the reply."""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def data_received(self, data: bytes) -> None:
        if not self._pieces:
            # The head of a response is short, so it arrives in one piece.
            head, _, data = data.partition(_HEAD_END)
            self._missing = int(head.partition(_LENGTH)[2])
        self._pieces.append(data)
        self._missing -= len(data)
        if self._missing == 0:
            self._answer.set_result(b"".join(self._pieces))
            self._pieces.clear()

    def connection_lost(self, exc: Exception | None) -> None:
        if hasattr(self, "_answer") and not self._answer.done():
            self._answer.set_exception(
                exc or ConnectionResetError("the server closed the connection")
            )
