"""The progress and messages of a job on standard error."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from rich.console import RenderableType
from rich.live import Live
from rich.text import Text

from aliocr.cli.console import discard, plain, plain_console, width_of
from aliocr.cli.run.progress_text import STOPPING, sentence, standing
from aliocr.cli.run.recent_rate import RecentRate
from aliocr.cli.run.wrapping import filled
from aliocr.job.summary import Progress
from aliocr.limits import Limits

FRAME = 0.25
"""Time between two updates of the progress, in seconds."""

LINE = 5.0
"""Time between two lines of progress if there is no terminal, in seconds."""

Look: TypeAlias = Callable[[], Progress | None]
"""Function that returns the current progress; None before the job has begun."""


class Display:
    """Shows the progress of a job, unless `quiet`, and its messages."""

    def __init__(self, limits: Limits | None, *, quiet: bool = False) -> None:
        self._console = plain_console(stderr=True)
        self._quiet = quiet
        self._recent = RecentRate(limits)
        self._progress: Progress | None = None
        self._told_taken: str | None = None

    @property
    def width(self) -> int:
        """Maximum width of text for people, in columns."""
        return width_of(self._console)

    def fail(self, why: str) -> None:
        """Print the error that ended the job."""
        self.say(Text(filled(f"Error: {plain(why)}", self.width), "red"))

    def say(self, *lines: Text) -> None:
        """Print lines that stay on the terminal."""
        with _reader_may_be_gone():
            for line in lines:
                self._console.print(line, soft_wrap=True)

    @contextmanager
    def watching(self, look: Look, stop: asyncio.Event) -> Iterator[None]:
        """Show the progress during the block; at the end, remove it from the terminal.

        A thread writes the progress, because writing may block: Ctrl-S or a frozen connection may
        pause a terminal, and the reader of a pipe may be slow. The event loop must not wait for
        this, because it reads images; it only calls `look`. At the end of the block, the program
        waits for the thread, unless a signal ends the program.
        """
        if self._quiet:
            yield
            return
        in_place = self._console.is_interactive and self._console.file.isatty()
        over = threading.Event()
        loop = asyncio.get_running_loop()

        def take() -> None:
            self._progress = look()

        def moments() -> Iterator[Progress]:
            while not over.wait(FRAME):
                loop.call_soon_threadsafe(take)
                if progress := self._progress:
                    self._tell_taken(progress)
                    self._recent.note(progress)
                    yield progress

        show = self._stand if in_place else self._report
        thread = threading.Thread(target=show, args=(moments(), stop), daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            if progress := look():
                self._tell_taken(progress, at_end=True)

    def _tell_taken(self, progress: Progress, *, at_end: bool = False) -> None:
        """Print once which column has the images, because it may have been guessed.

        Print it again at the end, if ids have been left out.
        """
        is_new = self._told_taken is None or (at_end and self._told_taken != progress.taken)
        if progress.taken is not None and is_new:
            self._told_taken = progress.taken
            self.say(Text(filled(f"input: {plain(progress.taken)}", self.width)))

    def _stand(self, moments: Iterator[Progress], stop: asyncio.Event) -> None:
        """Show lines on a terminal, and update them in place."""

        def lines() -> RenderableType:
            now = self._progress
            return standing(now, self._recent, stopping=stop.is_set()) if now else ""

        live = Live(
            get_renderable=lines,
            console=self._console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        with _reader_may_be_gone(), live:
            self._console.show_cursor()  # a killed program could not show it again
            for _ in moments:
                if _in_front():
                    live.refresh()

    def _report(self, moments: Iterator[Progress], stop: asyncio.Event) -> None:
        """Print a line of progress every `LINE` seconds, to a file or a pipe."""
        told = False
        due = time.monotonic() + LINE
        for progress in moments:
            if stop.is_set() and not told:
                told = True
                self.say(Text(STOPPING))
            if time.monotonic() >= due:
                due = time.monotonic() + LINE
                moment = time.strftime("%H:%M:%S")
                self.say(Text(f"{moment} {sentence(progress, self._recent)}"))


@contextmanager
def _reader_may_be_gone() -> Iterator[None]:
    """Ignore an error when the block writes to standard error, and discard later output."""
    try:
        yield
    except (OSError, SystemExit):  # rich raises SystemExit for a broken pipe
        discard(sys.stderr)


def _in_front() -> bool:
    """Return whether this command is in the foreground of its terminal."""
    try:
        return os.tcgetpgrp(sys.stderr.fileno()) == os.getpgrp()
    except (AttributeError, OSError):
        return True
