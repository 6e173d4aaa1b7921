"""What stands on the command line or on standard input: URLs, picture files, folders of them."""

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
from aliocr.cli.misuse import Misuse
from aliocr.job.input.folder import pictures_in

CHUNK = 65_536
"""Bytes read from standard input at once, at most; and of a line, which is a URL or a path."""

CHUNKS_AHEAD = 2
"""Chunks read before the first of them is used up."""


class ListingError(Exception):
    """Standard input cannot be read, or is no list of sources."""


class NotThereError(ValueError):
    """There is no such file."""


@attrs.frozen
class Source:
    """One picture to read.

    Args:
        name: As the user wrote it.
        path: Its file; None for a URL.
    """

    name: str
    path: Path | None


@attrs.frozen
class Found:
    """What a name stands for.

    Args:
        sources: One, or the pictures of a folder in the order of their names.
        skipped: Whatever else is in that folder.
    """

    sources: tuple[Source, ...]
    skipped: int = 0


def found(name: str, *, files: bool) -> Found:
    """Tell URLs, files and folders apart. A folder is not searched in depth.

    Args:
        name: As the user wrote it.
        files: Files can be read, not only URLs.

    Raises:
        ValueError: It cannot be read at all, as a `NotThereError` because there is none; the
            message does not repeat the name.
    """
    if is_url(name):
        return Found((Source(name, None),))
    mode = _mode(name)
    if not files:
        raise ValueError("the service reads URLs only; --local reads files on this machine")
    if stat.S_ISDIR(mode):
        return _pictures(Path(name))
    if not stat.S_ISREG(mode):
        raise ValueError("not a regular file")
    return Found((Source(name, Path(name)),))


def _mode(name: str) -> int:
    if not name:  # which would be the current folder
        raise ValueError("an empty name")
    try:
        return Path(name).stat().st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError):
        raise NotThereError("no such file, and no http:// or https:// URL") from None
    except OSError as error:
        raise ValueError(_reason(error)) from None


def _pictures(folder: Path) -> Found:
    try:
        names, skipped = pictures_in(folder)
    except OSError as error:
        raise ValueError(_reason(error)) from None
    if not names:
        raise ValueError("no pictures in this folder")
    return Found(tuple(Source(str(folder / name), folder / name) for name in names), skipped)


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def check_standard_input() -> None:
    """Refuse to read it where it is closed.

    Raises:
        Misuse: Its descriptor is free, so the next thing opened would be read instead.
    """
    if sys.stdin is None:
        raise Misuse("cannot read standard input: it is closed")


async def listed() -> AsyncIterator[str]:
    """The lines of standard input as they come, without blank ones.

    A thread reads, so that answers are taken in while the next line is waited for. It is a daemon
    on the bare descriptor: neither Ctrl-C nor the interpreter's end has to wait for a line.

    Raises:
        ListingError: It cannot be read, or is no list.
    """
    loop = asyncio.get_running_loop()
    chunks: asyncio.Queue[list[bytes] | ListingError | None] = asyncio.Queue()
    room = threading.Semaphore(CHUNKS_AHEAD)

    def read() -> None:
        with suppress(RuntimeError):  # the loop has ended, and nobody wants more
            try:
                for lines in _chunks():
                    loop.call_soon_threadsafe(chunks.put_nowait, lines)
                    room.acquire()
            except OSError as error:
                failed = ListingError(f"cannot read standard input: {_reason(error)}")
                loop.call_soon_threadsafe(chunks.put_nowait, failed)
            except ListingError as error:
                loop.call_soon_threadsafe(chunks.put_nowait, error)
            loop.call_soon_threadsafe(chunks.put_nowait, None)

    threading.Thread(target=read, name="aliocr stdin", daemon=True).start()
    while (lines := await chunks.get()) is not None:
        if isinstance(lines, ListingError):
            raise lines
        for line in lines:
            # As names on the command line: what is not UTF-8 is a file's name nevertheless.
            if text := os.fsdecode(line).strip():
                yield text
        room.release()


def _chunks() -> Iterator[list[bytes]]:
    rest = b""
    while chunk := os.read(0, CHUNK):
        *lines, rest = (rest + chunk).split(b"\n")
        if b"\0" in chunk or len(rest) > CHUNK:
            raise ListingError("standard input is no list of sources: name a picture by its path")
        yield lines
    yield [rest]
