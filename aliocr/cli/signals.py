"""Handlers of Ctrl-C, SIGTERM and SIGHUP for all commands.

The exit codes are 130, 143 and 129, as in a shell. A terminal that is closed sends SIGHUP.

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

NUMBERS = (
    signal.SIGINT,
    signal.SIGTERM,
    # Windows has no SIGHUP, and `nohup` starts a program so that it ignores SIGHUP.
    *(
        number
        for number in signal.Signals
        if number.name == "SIGHUP" and signal.getsignal(number) is not signal.SIG_IGN
    ),
)

EXIT_CODE = 128
"""Number that is added to the number of a signal to get the exit code."""


def handle(handler: Callable[[int, object], object]) -> None:
    """Install a handler for all signals."""
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
        SystemExit: A signal came; the exit code is 130, 143 or 129.
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
    """Handle the signals while an event loop runs in the main thread.

    The first signal calls `stop` in the event loop. The second signal ends the process immediately
    and without the event loop, so that running work cannot delay the end. SIGHUP never counts as
    the second signal, because a closed terminal and its shell both send it. After the block, any
    signal ends the process immediately, because the remaining cleanup may take long.

    Yields:
        An empty list; when the first signal comes, the number of the signal is added to the list.
    """
    import asyncio  # noqa: PLC0415 - see the docstring of this module

    loop = asyncio.get_running_loop()
    came: list[int] = []

    def receive(number: int, _: object) -> None:
        if not came:
            came.append(number)
            loop.call_soon_threadsafe(stop)
        elif number in (signal.SIGINT, signal.SIGTERM):
            end_at_once(number)

    handle(receive)
    try:
        yield came
    finally:
        handle(end_at_once)
