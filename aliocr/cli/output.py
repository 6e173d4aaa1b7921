"""What the user sees: text for people, JSON lines for programs, progress while it lasts."""

from __future__ import annotations

import sys
import time
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

import attrs
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from aliocr.errors import APIError
from aliocr.models import Outcome, Scan

__all__ = ["JSONOutput", "Output", "TextOutput"]


class Output(ABC):
    """Results on standard output; progress, failures and the summary on standard error.

    Args:
        total: How many results there will be; None if nobody knows.
    """

    def __init__(self, total: int | None) -> None:
        self._started = time.monotonic()
        self.read = 0
        self.failed = 0
        self._out = Console(soft_wrap=True, highlight=False, markup=False, emoji=False)
        self._err = Console(stderr=True, soft_wrap=True, highlight=False, markup=False, emoji=False)
        # On one terminal the bar must know of the results, to stay below them.
        self._progress = Progress(
            TextColumn("reading"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._out if self._out.is_terminal else self._err,
            disable=not self._err.is_terminal,
            transient=True,
        )
        self._bar = self._progress.add_task("", total=total)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()
        if self._err.is_terminal:
            seconds = time.monotonic() - self._started
            self._err.print(f"{self.read} read, {self.failed} failed in {seconds:.1f} s")

    def show(self, source: str, outcome: Outcome) -> None:
        """One result."""
        if outcome.ok:
            self.read += 1
            self._write_scan(source, outcome)
            self._progress.advance(self._bar)
        else:
            error = outcome.error
            code = error.code if isinstance(error, APIError) else None
            self.fail(source, str(error), code)

    def fail(self, source: str, message: str, code: int | str | None = None) -> None:
        """One source that was not read."""
        self.failed += 1
        self._write_failure(source, message, code)
        self._progress.advance(self._bar)

    @abstractmethod
    def hint(self, source: str, message: str) -> None:
        """Something a person may want to know about a source that was read."""

    @abstractmethod
    def _write_scan(self, source: str, scan: Scan) -> None: ...

    @abstractmethod
    def _write_failure(self, source: str, message: str, code: int | str | None) -> None: ...


class TextOutput(Output):
    """For people: text under its source, which goes unsaid where there is one only."""

    def __init__(self, total: int | None) -> None:
        super().__init__(total)
        self._headings = total != 1

    def hint(self, source: str, message: str) -> None:
        """In a faint line."""
        self._err.print(Text(_plain(f"{source}: {message}"), style="dim"))

    def _write_scan(self, source: str, scan: Scan) -> None:
        if self._headings:
            self._out.print(Text(_plain(source), style="bold"))
        for line in _lines(scan) or ["(no text)"]:
            self._out.print(Text(_plain(line)))
        if self._headings:
            self._out.print()

    def _write_failure(self, source: str, message: str, code: int | str | None) -> None:
        del code  # the message begins with it
        self._err.print(Text(_plain(f"{source}: {message}"), style="red"))


class JSONOutput(Output):
    """For programs: an object a line, of good and bad sources alike."""

    def hint(self, source: str, message: str) -> None:
        """Nothing: a program did not ask."""

    def _write_scan(self, source: str, scan: Scan) -> None:
        found: dict[str, object] = {"source": source, "ok": True, "text": scan.text}
        found["regions"] = [attrs.asdict(region) for region in scan.regions]
        if scan.frames:
            found["frames"] = [attrs.asdict(frame) for frame in scan.frames]
        self._line(found)

    def _write_failure(self, source: str, message: str, code: int | str | None) -> None:
        self._line({"source": source, "ok": False, "code": code, "error": message})

    def _line(self, fields: dict[str, object]) -> None:
        """Through rich on a terminal only, where the bar must stay below it."""
        line = msgspec.json.encode(fields).decode()
        if self._out.is_terminal:
            self._out.print(Text(line))
        else:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()


def _lines(scan: Scan) -> list[str]:
    """The text line by line, frame by frame where that says more than the picture as a whole.

    Whether the service puts the text of all frames into that of the picture is not documented.
    """
    whole = [region.text for region in scan.regions] or [scan.text]
    frames = [
        line
        for frame in scan.frames
        for line in [region.text for region in frame.regions] or [frame.text]
    ]
    longer = max(whole, frames, key=lambda lines: sum(len(line.replace(" ", "")) for line in lines))
    return [line for line in longer if line]


def _plain(text: str) -> str:
    """Without control characters: what a picture says must not steer the terminal."""
    return "".join(c if c.isprintable() or c == "\t" else " " for c in text)
