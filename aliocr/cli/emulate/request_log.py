"""A log of requests on standard error that never delays the server."""

from __future__ import annotations

import logging
import os
import select
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp.http_exceptions import HttpProcessingError
from rich.text import Text

from aliocr.cli.console import plain_console
from aliocr.emulator.http.log_line import LogLine, escaped
from aliocr.redaction import without_queries

ROOM = 4096
"""Maximum number of bytes to write at once; a ready pipe takes this many without blocking.

Source: PIPE_BUF of Linux.
"""

MOST = 500
"""Maximum length of a line that is not about a request, in characters."""


class RequestLog(logging.Handler):
    """Prints a line for each request, and the warnings and errors of all loggers.

    To write to a full pipe or a paused terminal would block the event loop, and so the server.
    Therefore lines that would block are dropped and counted.

    Args:
        requests: Log requests; if False, only warnings and errors are logged.
        accounts: Log the account of each request.
    """

    def __init__(self, *, requests: bool = True, accounts: bool = False) -> None:
        super().__init__()
        self._requests = requests
        self.accounts = accounts
        self._console = plain_console(stderr=True, soft_wrap=True)
        self.on_terminal = self._console.is_terminal
        self._stderr: int | None = _stderr()
        self._left_out = 0

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Print log records during the block."""
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
        """Print a line, and overwrite the ^C that a terminal may have written."""
        self._print(Text(words, style=style), over=self.on_terminal)

    def emit(self, record: logging.LogRecord) -> None:
        """Print a log record; a record about a request is printed as text for people."""
        about = record.args[0] if isinstance(record.args, tuple) and record.args else None
        moment = time.strftime("%H:%M:%S ", time.localtime(record.created)), "dim"
        if isinstance(about, LogLine):
            parts: list[str | tuple[str, str]] = [
                moment,
                f"{about.request} ",
                (about.answer, "green" if about.good else "red"),
            ]
            if self.accounts:
                parts.append(f" · {f'account {about.account}' if about.account else 'no account'}")
            spoiled = any(code != 200 for code, _ in about.outcomes)
            parts.extend((f" · {cost}", "yellow" if spoiled else "") for cost in about.cost)
            parts.append((f" · {1000 * about.seconds:.0f} ms", "dim"))
            self._print(Text.assemble(*parts))
            return
        if isinstance(about, HttpProcessingError):
            # Do not print the error's message, because it quotes the request with its query.
            words = f"{about.code} the request is not valid HTTP: {type(about).__name__}"
            self._print(Text.assemble(moment, (words, "red")))
            return
        for line in without_queries(self.format(record)).splitlines():
            if line:
                self._print(Text(escaped(line, MOST), style="red"))

    def _print(self, text: Text, *, over: bool = False) -> None:
        if self._stderr is None:
            return
        with self._console.capture() as captured:
            if self._left_out:
                self._console.print(Text(f"… {self._left_out} lines dropped", "dim"))
            self._console.print(text)
        data = ("\r" * over + captured.get()).encode(self._console.encoding, "backslashreplace")
        try:
            # Drop the line if writing would wait for a reader. On Windows, this cannot be known.
            if sys.platform != "win32" and not select.select([], [self._stderr], [], 0)[1]:
                self._left_out += 1
                return
            os.write(self._stderr, data[:ROOM])
        except OSError:
            self._stderr = None  # the reader is gone
        self._left_out = 0


def _stderr() -> int | None:
    """Return the descriptor of standard error; None if it is closed or has no descriptor."""
    try:
        return None if sys.stderr is None else sys.stderr.fileno()
    except OSError:
        return None
