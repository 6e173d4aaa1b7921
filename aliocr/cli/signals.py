"""Ctrl-C and SIGTERM, for every command; the exit codes are the shell's, 130 and 143.

    `end_at_once`    while the program starts, until a command takes the signals over
    `interruptible`  Ctrl-C raises KeyboardInterrupt in the block: nothing has to be finished
    `unwound`        both end the block like an error, so that it removes its unfinished file
    `stop_signals`   the first asks the command to stop, the second ends the process

The program installs its first handlers before it has loaded anything, so asyncio is loaded late.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

NUMBERS = (signal.SIGINT, signal.SIGTERM)

EXIT_CODE = 128
"""Exit code of a process that a signal ended; the number of the signal is added."""


def handle(handler: Callable[[int, object], object]) -> None:
    """Have both signals call `handler`."""
    for number in NUMBERS:
        signal.signal(number, handler)


def end_at_once(number: int, _: object = None) -> NoReturn:
    """End the process without any cleaning up."""
    os._exit(EXIT_CODE + number)


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C end the block.

    Raises:
        SystemExit: With exit code 130, after Ctrl-C.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(EXIT_CODE + signal.SIGINT)


@contextmanager
def unwound() -> Iterator[None]:
    """Let both signals end the block like an error; a second signal is ignored.

    The block has to end soon: it can be ended in no other way.

    Raises:
        SystemExit: With exit code 130 or 143, after a signal.
    """

    def unwind(number: int, _: object) -> NoReturn:
        for each in NUMBERS:
            signal.signal(each, signal.SIG_IGN)
        sys.exit(EXIT_CODE + number)

    before = [signal.signal(number, unwind) for number in NUMBERS]
    try:
        yield
    finally:
        for number, handler in zip(NUMBERS, before, strict=True):
            signal.signal(number, handler)


@contextmanager
def stop_signals(stop: Callable[[], object]) -> Iterator[list[int]]:
    """Handle both signals while an event loop runs in the main thread.

    The first calls `stop` on the loop. The second ends the process at once: it does not go through
    the loop, so that work which is being finished cannot delay it.

    After the block, too, a signal ends the process at once: the rest may take its time.

    Yields:
        The number of the first signal; empty before it came.
    """
    import asyncio  # noqa: PLC0415 - see above

    loop = asyncio.get_running_loop()
    came: list[int] = []

    def hear(number: int, _: object) -> None:
        if came:
            end_at_once(number)
        came.append(number)
        loop.call_soon_threadsafe(stop)

    handle(hear)
    try:
        yield came
    finally:
        handle(end_at_once)
