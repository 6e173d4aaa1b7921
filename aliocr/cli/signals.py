"""Handlers of Ctrl-C and SIGTERM for all commands; exit codes are 130 and 143, as in a shell.

    `end_at_once`    ends the process immediately, until a command installs its own handlers
    `interruptible`  for a block that has nothing to finish: Ctrl-C ends the block
    `unwound`        for a block that writes a file: each signal is like an error, so that the
                     block removes its unfinished file
    `stop_signals`   for an event loop: the first signal asks the command to stop, and the second
                     signal ends the process

The program installs its first handlers before the other imports, because imports take long.
Therefore this module imports asyncio only when it is needed.
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
"""Number that is added to the number of a signal to get the exit code."""


def handle(handler: Callable[[int, object], object]) -> None:
    """Install a handler for both signals."""
    for number in NUMBERS:
        signal.signal(number, handler)


def end_at_once(number: int, _: object = None) -> NoReturn:
    """End the process immediately, without cleanup."""
    os._exit(EXIT_CODE + number)


@contextmanager
def interruptible() -> Iterator[None]:
    """End the block when Ctrl-C is pressed.

    Raises:
        SystemExit: Ctrl-C was pressed; the exit code is 130.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(EXIT_CODE + signal.SIGINT)


@contextmanager
def unwound() -> Iterator[None]:
    """Let the first signal end the block like an error; ignore later signals.

    The cleanup of the block must be short, because a second signal cannot end it.

    Raises:
        SystemExit: A signal came; the exit code is 130 or 143.
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

    The first signal calls `stop` in the event loop. The second signal ends the process immediately
    and without the event loop, so that running work cannot delay the end. After the block, any
    signal ends the process immediately, because the remaining cleanup may take long.

    Yields:
        An empty list; when the first signal comes, the number of the signal is added to the list.
    """
    import asyncio  # noqa: PLC0415 - see the docstring of this module

    loop = asyncio.get_running_loop()
    came: list[int] = []

    def receive(number: int, _: object) -> None:
        if came:
            end_at_once(number)
        came.append(number)
        loop.call_soon_threadsafe(stop)

    handle(receive)
    try:
        yield came
    finally:
        handle(end_at_once)
