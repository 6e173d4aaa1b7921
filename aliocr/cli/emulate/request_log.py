"""What a command that serves says on standard error while it does."""

from __future__ import annotations

import logging
import os
import select
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp.http_exceptions import HttpProcessingError
from rich.console import Console
from rich.text import Text

from aliocr.emulator.http.log_line import LogLine, escaped
from aliocr.errors import without_queries

ROOM = 4096
"""Bytes that a pipe which is ready takes without waiting. Source: PIPE_BUF of Linux."""

MOST = 500
"""Characters of a line that is no request's."""


class RequestLog(logging.Handler):
    """A line for each request, in colours on a terminal; warnings and errors of all loggers.

    Nobody need read it: a pipe that is full, or a terminal that is held, would stop the event loop
    and with it all that is served. Lines that find no room are left out, and counted.

    Args:
        requests: Have those lines; without them, only what is wrong is said.
        accounts: Say whose each request was.

    Attributes:
        accounts: As given.
        on_terminal: Whether a person looks on.
    """

    def __init__(self, *, requests: bool = True, accounts: bool = False) -> None:
        super().__init__()
        self._requests = requests
        self.accounts = accounts
        self._console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
        self.on_terminal = self._console.is_terminal
        self._stderr: int | None = _stderr()
        self._left_out = 0

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear of what is logged for as long as this block lasts."""
        root = logging.getLogger()
        if self._requests:
            logging.getLogger("aliocr.emulator").setLevel(logging.INFO)
            logging.getLogger("aliocr.emulator.http").setLevel(logging.DEBUG)
        root.addHandler(self)
        try:
            yield
        finally:
            root.removeHandler(self)

    def say(self, words: str, style: str = "") -> None:
        """A line of its own, over the ^C that a terminal may have written."""
        self._print(Text(words, style=style), over=self.on_terminal)

    def emit(self, record: logging.LogRecord) -> None:
        """Print it, a request's as a person may want to read it."""
        about = record.args[0] if isinstance(record.args, tuple) and record.args else None
        if isinstance(about, LogLine):
            self._print(self._line(record.created, about))
            return
        if isinstance(about, HttpProcessingError):
            # Its own words show what came, query and all.
            words = f"{about.code} what came is not HTTP: {type(about).__name__}"
            self._print(Text.assemble(_time(record.created), (words, "red")))
            return
        for line in without_queries(self.format(record)).splitlines():
            if line:
                self._print(Text(escaped(line, MOST), style="red"))

    def _line(self, moment: float, entry: LogLine) -> Text:
        parts: list[str | tuple[str, str]] = [
            _time(moment),
            f"{entry.request} ",
            (entry.answer, "green" if entry.good else "red"),
        ]
        if self.accounts:
            parts.append(f" · {f'account {entry.account}' if entry.account else 'no account'}")
        spoiled = any(code != 200 for code, _ in entry.outcomes)
        parts.extend((f" · {cost}", "yellow" if spoiled else "") for cost in entry.cost)
        parts.append((f" · {1000 * entry.seconds:.0f} ms", "dim"))
        return Text.assemble(*parts)

    def _print(self, text: Text, *, over: bool = False) -> None:
        if self._stderr is None:
            return
        with self._console.capture() as captured:
            if self._left_out:
                self._console.print(Text(f"… {self._left_out} lines that nobody read", "dim"))
            self._console.print(text)
        data = ("\r" * over + captured.get()).encode(self._console.encoding, "backslashreplace")
        try:
            if not _takes_more(self._stderr):
                self._left_out += 1
                return
            os.write(self._stderr, data[:ROOM])
        except OSError:
            self._stderr = None  # nobody is there any more
        self._left_out = 0


def _time(moment: float) -> tuple[str, str]:
    """Of the day, by this machine's clock."""
    return time.strftime("%H:%M:%S ", time.localtime(moment)), "dim"


def _stderr() -> int | None:
    """Its descriptor; None if it is closed, or not one of the system's."""
    try:
        return None if sys.stderr is None else sys.stderr.fileno()
    except OSError:
        return None


def _takes_more(descriptor: int) -> bool:
    """Whether some bytes can be written to it without waiting for a reader, so far as is known."""
    return sys.platform == "win32" or bool(select.select([], [descriptor], [], 0)[1])
