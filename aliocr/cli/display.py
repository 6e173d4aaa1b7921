"""What a job says on standard error, to a person or to a file."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from types import TracebackType
from typing import Self, TypeAlias

from rich.console import Console
from rich.text import Text

from aliocr.cli.job_progress import STOPPING, JobProgress, Signs
from aliocr.cli.pen import Pen
from aliocr.cli.prose import wrapped
from aliocr.cli.recent import Recent
from aliocr.cli.standing import Drawn, StandingLines, columns_of, size_of
from aliocr.job.summary import Progress
from aliocr.limits import Limits

__all__ = ["Display"]

FRAME = 0.25
"""Seconds between two looks on a terminal."""

LINE = 5.0
"""Seconds between two lines where there is none."""

Look: TypeAlias = Callable[[], Progress | None]
"""Gives the progress of this moment; None before there is any."""


class Display:
    """Progress while it lasts, and whatever there is to say.

    Args:
        limits: What the account allows; None where nothing is limited.
        quiet: Show no progress.

    """

    def __init__(self, limits: Limits | None, *, quiet: bool = False) -> None:
        on_terminal = self.width is not None
        # It only finds the codes; even to write nothing is an error where nobody is.
        self._console = Console(
            file=io.StringIO(),
            force_terminal=on_terminal or None,
            soft_wrap=True,
            highlight=False,
            markup=False,
            emoji=False,
        )
        self._pen = Pen()
        self._quiet = quiet
        self._standing = StandingLines()
        self._recent = Recent(limits)
        self._lines = JobProgress(self._recent, limits, Signs.of(self._pen.encoding))
        dumb = os.environ.get("TERM", "dumb") in ("dumb", "unknown")
        self._in_place = on_terminal and not dumb

    def __enter__(self) -> Self:
        self._pen.__enter__()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._pen.__exit__(exc_type, exc, traceback)

    @property
    def width(self) -> int | None:
        """Columns that text for people should keep to; None if it is not for a terminal."""
        return columns_of(sys.stderr)

    def fail(self, why: str) -> None:
        """What ends all."""
        self.say(*(Text(line, "red") for line in wrapped(f"Error: {why}", self.width)))

    def say(self, *lines: Text) -> None:
        """Lines that stay."""
        for line in lines:
            self._pen.write(self._styled(line) + "\n")

    @asynccontextmanager
    async def watching(self, look: Look, stop: asyncio.Event) -> AsyncIterator[None]:
        """Show progress for as long as this block lasts; none of it stays on a terminal.

        Args:
            look: Gives the progress.
            stop: Set when the job is to finish what is under way.
        """
        if self._quiet:
            yield
            return
        watch = self._stand if self._in_place else self._report
        task = asyncio.create_task(watch(look, stop))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            if self._in_place:
                self._pen.write(self._standing.gone(size_of(self._pen.descriptor)[0]))

    async def _stand(self, look: Look, stop: asyncio.Event) -> None:
        """On a terminal: lines that change."""
        with _continued(self._standing.forget):
            while True:
                if progress := look():
                    self._recent.note(progress)
                    if self._pen.idle and _in_front(self._pen.descriptor):
                        self._draw(progress, stopping=stop.is_set())
                await _pause(stop)

    def _draw(self, progress: Progress, *, stopping: bool) -> None:
        columns, rows = size_of(self._pen.descriptor)
        # A column is left free, as some terminals go on to the next row with it.
        lines = self._lines.lines(progress, columns - 1, stopping=stopping)
        drawn = [Drawn(self._styled(line), line.cell_len) for line in lines[: rows - 1]]
        self._pen.write(self._standing.frame(drawn, columns))

    async def _report(self, look: Look, stop: asyncio.Event) -> None:
        """Elsewhere: a line now and then."""
        told = False
        due = time.monotonic() + LINE
        while True:
            await _pause(stop)
            if progress := look():
                self._recent.note(progress)
            if stop.is_set() and not told:
                told = True
                self.say(Text(STOPPING[0]))
            if progress and time.monotonic() >= due and self._pen.idle:
                due = time.monotonic() + LINE
                moment = time.strftime("%H:%M:%S")
                self.say(Text(f"{moment} {self._lines.sentence(progress)}"))

    def _styled(self, line: Text) -> str:
        with self._console.capture() as captured:
            self._console.print(line, end="")
        return captured.get()


async def _pause(stop: asyncio.Event) -> None:
    """Until the next look, which is at once when the job is told to stop."""
    if stop.is_set():
        await asyncio.sleep(FRAME)
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(FRAME):
            await stop.wait()


@contextmanager
def _continued(call: Callable[[], None]) -> Iterator[None]:
    """Call this when the process goes on after Ctrl-Z: the shell has written meanwhile."""
    number = getattr(signal, "SIGCONT", None)
    if number is None:
        yield
        return
    before = signal.signal(number, lambda *_: call())
    try:
        yield
    finally:
        signal.signal(number, before)


def _in_front(descriptor: int | None) -> bool:
    """Whether the terminal is this command's, and not that of others which run in front of it."""
    try:
        return descriptor is not None and os.tcgetpgrp(descriptor) == os.getpgrp()
    except (AttributeError, OSError):
        return True
