"""What a job says on standard error, to a person or to a file."""

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

from aliocr.cli.output import plain
from aliocr.cli.run.progress import STOPPING, sentence, standing
from aliocr.cli.run.recent_rate import Recent
from aliocr.cli.wrapping import filled, plain_console, width_of
from aliocr.job.summary import Progress
from aliocr.limits import Limits

FRAME = 0.25
"""Seconds between two looks."""

LINE = 5.0
"""Seconds between two lines where there is no terminal."""

Look: TypeAlias = Callable[[], Progress | None]
"""Gives the progress of this moment; None before there is any."""


class Display:
    """Progress while it lasts, and whatever there is to say.

    Args:
        limits: What the account allows; None where nothing is limited.
        quiet: Show no progress.
    """

    def __init__(self, limits: Limits | None, *, quiet: bool = False) -> None:
        self._console = plain_console(stderr=True)
        self._quiet = quiet
        self._recent = Recent(limits)
        self._progress: Progress | None = None

    @property
    def width(self) -> int:
        """Columns that text for people should keep to."""
        return width_of(self._console)

    def fail(self, why: str) -> None:
        """What ends all."""
        self.say(Text(filled(f"Error: {plain(why)}", self.width), "red"))

    def say(self, *lines: Text) -> None:
        """Lines that stay."""
        with _nobody_is_no_error():
            for line in lines:
                self._console.print(line, soft_wrap=True)

    @contextmanager
    def watching(self, look: Look, stop: asyncio.Event) -> Iterator[None]:
        """Show progress for as long as this block lasts; none of it stays on a terminal.

        A thread shows it: a terminal can be held, by Ctrl-S or by a connection that has frozen,
        and a pipe may have no reader in a hurry. Whoever writes to it then waits, and should not
        be what reads images. The end of the block waits for it, or a signal ends the program.

        Args:
            look: Gives the progress; is called on the running event loop.
            stop: Set when the job is to finish what is under way.
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

    def _stand(self, moments: Iterator[Progress], stop: asyncio.Event) -> None:
        """On a terminal: lines that change."""

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
        with _nobody_is_no_error(), live:
            self._console.show_cursor()  # whoever stops or kills this wants to see it
            for _ in moments:
                if _in_front():
                    live.refresh()

    def _report(self, moments: Iterator[Progress], stop: asyncio.Event) -> None:
        """Elsewhere: a line now and then."""
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
def _nobody_is_no_error() -> Iterator[None]:
    """What is written in this block to standard error may find nobody there any more."""
    try:
        yield
    except (OSError, SystemExit):  # which is what rich makes of a broken pipe
        # The interpreter's end would try once more what it still holds.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def _in_front() -> bool:
    """Whether the terminal is this command's, and not that of others which run in front of it."""
    try:
        return os.tcgetpgrp(sys.stderr.fileno()) == os.getpgrp()
    except (AttributeError, OSError):
        return True
