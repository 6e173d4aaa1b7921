"""What stands on the command line or on standard input: URLs, picture files, folders of them."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import attrs

__all__ = ["Source", "listed", "named"]

SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".webp"}
"""Of the formats the service reads; what to take from a folder. Source: "Limits on images"."""

CHUNK = 65_536
"""Bytes read from standard input at once, at most."""

CHUNKS_AHEAD = 2
"""Chunks read before the first of them is used up."""


@attrs.frozen
class Source:
    """One picture to read.

    Args:
        name: As the user wrote it.
        path: Its file; None for a URL.
    """

    name: str
    path: Path | None

    @classmethod
    def of(cls, name: str, *, files: bool) -> Source:
        """Tell a URL from a file.

        Args:
            name: As the user wrote it.
            files: Files can be read, not only URLs.

        Raises:
            ValueError: It is neither, or a file where only URLs can be read.
        """
        if name.lower().startswith(("http://", "https://")):
            return cls(name, None)
        path = Path(name)
        if not path.exists():
            raise ValueError("no such file, and no http:// or https:// URL")
        if not files:
            raise ValueError("the service reads URLs only; --local reads files on this machine")
        return cls(name, path)


def named(name: str, *, files: bool) -> Iterator[Source]:
    """The source of that name; a folder stands for the pictures in it, in the order of their names.

    Raises:
        ValueError: It cannot be read at all; the message does not repeat the name.
    """
    source = Source.of(name, files=files)
    if source.path is None or not source.path.is_dir():
        yield source
        return
    pictures = sorted(p for p in source.path.iterdir() if p.suffix.lower() in SUFFIXES)
    if not pictures:
        raise ValueError("no pictures in this folder")
    yield from (Source(str(picture), picture) for picture in pictures)


async def listed() -> AsyncIterator[str]:
    """The lines of standard input as they come, without blank ones.

    A thread reads, so that answers are taken in while the next line is waited for. It is a daemon
    on the bare descriptor: neither Ctrl-C nor the interpreter's end has to wait for a line.
    """
    loop = asyncio.get_running_loop()
    chunks: asyncio.Queue[list[bytes] | None] = asyncio.Queue()
    room = threading.Semaphore(CHUNKS_AHEAD)

    def read() -> None:
        rest = b""
        with suppress(RuntimeError):  # the loop has ended, and nobody wants more
            while chunk := os.read(0, CHUNK):
                *lines, rest = (rest + chunk).split(b"\n")
                loop.call_soon_threadsafe(chunks.put_nowait, lines)
                room.acquire()
            loop.call_soon_threadsafe(chunks.put_nowait, [rest])
            loop.call_soon_threadsafe(chunks.put_nowait, None)

    threading.Thread(target=read, name="aliocr stdin", daemon=True).start()
    while (lines := await chunks.get()) is not None:
        for line in lines:
            if text := line.decode("utf-8", "replace").strip():
                yield text
        room.release()
