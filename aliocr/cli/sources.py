"""Sources of pictures, on the command line or standard input: URLs, files and folders."""

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
from aliocr.job.input.folder import Skipped, pictures_in
from aliocr.job.input.lines import BOM

CHUNK = 65_536
"""Maximum number of bytes to read from standard input at once.

This is also the maximum size of a line, which is a URL or a path.
"""

CHUNKS_AHEAD = 2
"""Maximum number of chunks to read ahead from standard input, while a chunk is used."""


class NoSuchFileError(ValueError):
    """The named file does not exist."""


@attrs.frozen
class Source:
    """One picture to read: its name as the user wrote it, and its path (None for a URL)."""

    name: str
    path: Path | None


@attrs.frozen
class Expansion:
    """One picture, or the pictures of a folder in the order of their names.

    `skipped` says which entries of the folder are left out.
    """

    sources: tuple[Source, ...]
    skipped: Skipped = attrs.field(factory=Skipped)


def expand(name: str, *, files: bool) -> Expansion:
    """Return the pictures of a URL, a file or a folder.

    Args:
        name: Name of the source, as the user wrote it.
        files: Accept files and folders, not only URLs.

    Raises:
        ValueError: The source cannot be read. The message does not contain the source's name.
    """
    if is_url(name):
        return Expansion((Source(name, None),))
    if not name:  # an empty path would be the current folder
        raise ValueError("an empty name")
    path = Path(name)
    try:
        mode = path.stat().st_mode
        names, skipped = pictures_in(path) if files and stat.S_ISDIR(mode) else ([], Skipped())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        raise NoSuchFileError("no such file, and not an http:// or https:// URL") from None
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
    """Raise `Misuse` if standard input was closed at the start, because it would seem empty."""
    if sys.stdin is None:
        raise Misuse("cannot read standard input: it is closed")


async def listed() -> AsyncIterator[str]:
    """Yield each line of standard input as soon as it comes; skip blank lines.

    A byte order mark, which Windows writes at the beginning, is skipped, too.

    A thread reads the lines, so that the event loop can print results while the thread waits for
    the next line. The thread is a daemon and reads the file descriptor directly, so that Ctrl-C and
    the exit of the interpreter do not wait for a line.
    """
    loop = asyncio.get_running_loop()
    chunks: asyncio.Queue[list[bytes] | Misuse | None] = asyncio.Queue()
    room = threading.Semaphore(CHUNKS_AHEAD)

    def put(item: list[bytes] | Misuse | None) -> None:
        loop.call_soon_threadsafe(chunks.put_nowait, item)

    def read() -> None:
        with suppress(RuntimeError):  # the event loop is closed, so no line is needed
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
    mark = BOM
    while isinstance(lines := await chunks.get(), list):
        for line in lines:
            # Decode names as on the command line, because a name may not be UTF-8.
            if text := os.fsdecode(line.removeprefix(mark)).strip():
                yield text
            mark = b""
        room.release()
    if lines is not None:
        raise lines


def _chunks() -> Iterator[list[bytes]]:
    rest = b""
    while chunk := os.read(0, CHUNK):
        *lines, rest = (rest + chunk).split(b"\n")
        if b"\0" in chunk or len(rest) > CHUNK:
            raise Misuse("standard input is not a list of sources; give a picture by its path")
        yield lines
    yield [rest]
