"""The pictures named on the command line or on standard input: URLs, files and folders."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import attrs

from aliocr.checks import is_url
from aliocr.cli.exits import Misuse
from aliocr.job.input.folder import pictures_in

CHUNK = 65_536
"""Most bytes of one read from standard input, and of a line, which is a URL or a path."""

CHUNKS_AHEAD = 2
"""Chunks read before the first of them is used up."""


class NoSuchFileError(ValueError):
    """There is no such file."""


@attrs.frozen
class Source:
    """One picture to read: its name as the user wrote it, and its file; None for a URL."""

    name: str
    path: Path | None


@attrs.frozen
class Expansion:
    """One picture, or those of a folder by name, and the number of other things in the folder."""

    sources: tuple[Source, ...]
    skipped: int = 0


def expand(name: str, *, files: bool) -> Expansion:
    """Tell URLs, files and folders apart; the folders in a folder are not searched.

    Args:
        name: As the user wrote it.
        files: Files can be read, not only URLs.

    Raises:
        ValueError: It cannot be read. No message repeats the name.
    """
    if is_url(name):
        return Expansion((Source(name, None),))
    if not name:  # as a path it would be the current folder
        raise ValueError("an empty name")
    path = Path(name)
    try:
        mode = path.stat().st_mode
        names, skipped = pictures_in(path) if files and stat.S_ISDIR(mode) else ([], 0)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        raise NoSuchFileError("no such file, and no http:// or https:// URL") from None
    except OSError as error:
        raise ValueError(_reason(error)) from None
    if not files:
        raise ValueError("the service reads URLs only; --local reads files on this machine")
    if stat.S_ISREG(mode):
        return Expansion((Source(name, path),))
    if not stat.S_ISDIR(mode):
        raise ValueError("not a regular file")
    if not names:
        raise ValueError("no pictures in this folder")
    return Expansion(tuple(Source(str(path / each), path / each) for each in names), skipped)


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def check_standard_input() -> None:
    """Refuse a closed standard input: the next opened file would get its descriptor."""
    if sys.stdin is None:
        raise Misuse("cannot read standard input: it is closed")


async def listed() -> AsyncIterator[str]:
    """Yield the lines of standard input as they come, without blank ones.

    A thread reads, so that results are printed while the next line is awaited. It is a daemon on
    the bare descriptor: neither Ctrl-C nor the interpreter's exit waits for a line.
    """
    loop = asyncio.get_running_loop()
    chunks: asyncio.Queue[list[bytes] | Misuse | None] = asyncio.Queue()
    room = threading.Semaphore(CHUNKS_AHEAD)

    def put(item: list[bytes] | Misuse | None) -> None:
        loop.call_soon_threadsafe(chunks.put_nowait, item)

    def read() -> None:
        with suppress(RuntimeError):  # the loop is closed, so nothing more is wanted
            try:
                for lines in _chunks():
                    put(lines)
                    room.acquire()
                put(None)
            except OSError as error:
                put(Misuse(f"cannot read standard input: {_reason(error)}"))
            except Misuse as error:
                put(error)

    threading.Thread(target=read, name="aliocr stdin", daemon=True).start()
    while isinstance(lines := await chunks.get(), list):
        for line in lines:
            # As on the command line, a name need not be UTF-8.
            if text := os.fsdecode(line).strip():
                yield text
        room.release()
    if lines is not None:
        raise lines


def _chunks() -> Iterator[list[bytes]]:
    rest = b""
    while chunk := os.read(0, CHUNK):
        *lines, rest = (rest + chunk).split(b"\n")
        if b"\0" in chunk or len(rest) > CHUNK:
            raise Misuse("standard input is no list of sources: name a picture by its path")
        yield lines
    yield [rest]
