"""A service of a few lines on a real socket, which answers with any bytes that a test wants."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Self

import attrs

from aliocr import Credentials, Image, Session
from aliocr.protocol import wire

KEY = Credentials("id", "secret-of-the-key", "token-of-the-key")
REGION = {"text": "text", "x": 1, "y": 2.5, "w": 3, "h": 4}


def element(name: str, url: str, text: str = "text", **fields: object) -> dict[str, object]:
    """Return an element of a reply as the documents show it."""
    result = {
        "scene": "ocr",
        "label": "ocr",
        "suggestion": "review",
        "rate": 99.9,
        "ocrData": [text],
        "ocrLocations": [REGION],
    }
    about = {"dataId": name, "taskId": "img1", "url": url, "extras": {}}
    return {"code": 200, "msg": "OK", **about, "results": [result], **fields}


def reply(*elements: object, **fields: object) -> bytes:
    """Return the body of a reply."""
    envelope = {"code": 200, "msg": "OK", "requestId": "R-1", "data": elements} | fields
    return json.dumps(envelope, ensure_ascii=False).encode()


@attrs.frozen
class Asked:
    """A request that has arrived.

    Attributes:
        number: How many requests have arrived before it.
        headers: Its headers, with names in lower case.
        tasks: Its images.
        connection: Which connection it came on, from 0.
    """

    number: int
    headers: dict[str, str]
    tasks: Sequence[wire.Task]
    connection: int

    def elements(self) -> list[dict[str, object]]:
        """Return a good answer for each image; the text is the image's URL."""
        return [element(task.data_id or "", task.url, task.url) for task in self.tasks]


Answer = Callable[[Asked], bytes]

CLOSE = "Connection: close"


def http(body: bytes, status: int = 200, *headers: str, missing: int = 0) -> bytes:
    """Return a response; if it announces bytes that are missing, the connection is closed."""
    lines = [f"HTTP/1.1 {status} OK", f"Content-Length: {len(body) + missing}", *headers]
    lines += [CLOSE] if missing else []
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


class Canned:
    """Answers requests on 127.0.0.1, as an async context manager.

    Args:
        answer: Makes the response to a request; the connection is kept unless it says `CLOSE`.

    Attributes:
        asked: The requests so far.
    """

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._server: asyncio.Server | None = None
        self._connections = 0
        self.asked: list[Asked] = []

    @property
    def images(self) -> int:
        """The number of images that have arrived."""
        return sum(len(asked.tasks) for asked in self.asked)

    def session(self, **options: Any) -> Session:
        """Return a session on this service."""
        assert self._server is not None
        port = self._server.sockets[0].getsockname()[1]
        defaults = {"endpoint": f"http://127.0.0.1:{port}", "credentials": KEY}
        return Session(**{**defaults, **options})

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection, self._connections = self._connections, self._connections + 1
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                lines = [line.partition(": ") for line in head.splitlines()[1:] if line]
                headers = {name.lower(): value for name, _, value in lines}
                body = await reader.readexactly(int(headers["content-length"]))
                tasks = wire.decode_request(body).tasks
                self.asked.append(Asked(len(self.asked), headers, tasks, connection))
                response = self._answer(self.asked[-1])
                writer.write(response)
                if CLOSE.encode() in response:
                    break
        writer.close()


def images(count: int) -> list[Image]:
    """Return images with signed URLs."""
    return [
        Image(f"https://example.com/{number}.png?Signature=key-of-{number}-only")
        for number in range(count)
    ]
