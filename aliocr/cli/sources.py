"""What stands on the command line or on standard input: URLs, picture files, folders of them."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path

import attrs
import click

__all__ = ["Source", "listed", "named"]

SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".webp"}
"""Of the formats the service reads; what to take from a folder. Source: "Limits on images"."""

LINES_AHEAD = 1000
"""Lines read from standard input before the first of them is used."""


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


def named(names: Iterable[str], *, files: bool) -> Iterator[Source]:
    """The sources on the command line; a folder stands for the pictures in it, by name.

    Raises:
        click.BadParameter: One of them cannot be read at all.
    """
    for name in names:
        try:
            source = Source.of(name, files=files)
        except ValueError as error:
            raise click.BadParameter(f"{name}: {error}") from None
        if source.path is None or not source.path.is_dir():
            yield source
            continue
        pictures = sorted(p for p in source.path.iterdir() if p.suffix.lower() in SUFFIXES)
        if not pictures:
            raise click.BadParameter(f"{name}: no pictures in this folder")
        yield from (Source(str(picture), picture) for picture in pictures)


async def listed() -> AsyncIterator[str]:
    """The lines of standard input as they come, without blank ones.

    A thread reads, so that answers are taken in while the next line is waited for. It is a daemon
    on the bare descriptor: neither Ctrl-C nor the interpreter's end has to wait for a line.
    """
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str | None] = asyncio.Queue(LINES_AHEAD)

    def put(line: str | None) -> None:
        asyncio.run_coroutine_threadsafe(lines.put(line), loop).result()

    def read() -> None:
        rest = b""
        while chunk := os.read(0, 65_536):
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                put(line.decode("utf-8", "replace").strip())
        put(rest.decode("utf-8", "replace").strip())
        put(None)

    threading.Thread(target=read, name="aliocr stdin", daemon=True).start()
    while (line := await lines.get()) is not None:
        if line:
            yield line
