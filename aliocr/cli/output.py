"""What the user sees: text for people, JSON lines for programs, progress while it lasts."""

from __future__ import annotations

import json
import os
import sys
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

import attrs
import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from aliocr.errors import APIError, OCRError, ResponseError, TransportError, without_query
from aliocr.models import Outcome, Scan

BESIDE_BAR = 32
"""Columns for what stands beside the bar, and for the ^C that a terminal writes after it."""

MOST_BAR = 40
"""Columns of the bar."""

SAME = 3
"""Sources said to have failed for one reason that is none of theirs; more are counted."""

MOST_NAME = 200
"""Characters of a source's name in a message."""


class Output(ABC):
    """Results on standard output; progress, failures and the summary on standard error.

    Args:
        total: How many results there will be; None if nobody knows.
        remedy: What to look at if the service is not reached.
    """

    def __init__(self, total: int | None, *, remedy: str = "") -> None:
        self._started = time.monotonic()
        self._remedy = remedy
        self.read = 0
        self.failed = 0
        self._out = Console(soft_wrap=True, highlight=False, markup=False, emoji=False)
        self._err = Console(stderr=True, soft_wrap=True, highlight=False, markup=False, emoji=False)
        bar_width = min(MOST_BAR, max(1, self._err.width - BESIDE_BAR))
        self._progress = Progress(
            TextColumn("reading"),
            BarColumn(bar_width),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._out if self._out.is_terminal else self._err,
            disable=not self._err.is_terminal,
            transient=True,
        )
        # Whatever is printed where the bar is must go through the bar's console, which keeps the
        # bar below it; another one would print over it.
        self._notes = self._progress.console if self._err.is_terminal else self._err
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
        with writing():
            self._last_words()
        if self._err.is_terminal:
            seconds = time.monotonic() - self._started
            self._err.print(f"{self.read} read, {self.failed} failed in {seconds:.1f} s")

    def show(self, source: str, outcome: Outcome, frames_total: int | None = None) -> None:
        """One result, with the number of frames that its picture has, if known."""
        if outcome.ok:
            self.read += 1
            with writing():
                self._write_scan(source, outcome, frames_total)
            self._progress.advance(self._bar)
            return
        error = outcome.error
        code = error.code if isinstance(error, APIError) else None
        self.fail(source, reason(error, self._remedy), code, shared=_is_shared(error))

    def fail(
        self, source: str, message: str, code: int | str | None = None, *, shared: bool = False
    ) -> None:
        """One source that was not read; of a `shared` reason others will fail as well."""
        self.failed += 1
        with writing():
            self._write_failure(source, message, code, shared=shared)
        self._progress.advance(self._bar)

    @abstractmethod
    def hint(self, source: str, message: str) -> None:
        """Something a person may want to know about a source that was read."""

    @abstractmethod
    def _write_scan(self, source: str, scan: Scan, frames_total: int | None) -> None: ...

    @abstractmethod
    def _write_failure(
        self, source: str, message: str, code: int | str | None, *, shared: bool
    ) -> None: ...

    @abstractmethod
    def _last_words(self) -> None:
        """What is left to say once all is read."""


class TextOutput(Output):
    """For people: text under its source, which goes unsaid where there is one only."""

    def __init__(self, total: int | None, *, remedy: str = "") -> None:
        super().__init__(total, remedy=remedy)
        self._headings = total != 1
        self._shared: Counter[str] = Counter()

    def hint(self, source: str, message: str) -> None:
        """In a faint line."""
        with writing():
            self._notes.print(Text(f"{shown(source)}: {plain(message)}", style="dim"))

    def _write_scan(self, source: str, scan: Scan, frames_total: int | None) -> None:
        del frames_total  # a hint says what a person needs
        if self._headings:
            self._out.print(Text(plain(_decoded(source)), style="bold"))
        for line in scan.lines or ("(no text)",):
            self._out.print(Text(plain(str(line))))
        if self._headings:
            self._out.print()

    def _write_failure(
        self, source: str, message: str, code: int | str | None, *, shared: bool
    ) -> None:
        del code  # the message begins with it
        if shared:
            self._shared[message] += 1
        if self._shared[message] <= SAME:
            self._notes.print(Text(f"{shown(source)}: {plain(message)}", style="red"))

    def _last_words(self) -> None:
        for message, times in self._shared.items():
            if times > SAME:
                self._err.print(Text(f"{times - SAME} more: {plain(message)}", style="red"))


class JSONOutput(Output):
    """For programs: an object a line, of good and bad sources alike."""

    def hint(self, source: str, message: str) -> None:
        """Nothing: a program did not ask."""

    def _write_scan(self, source: str, scan: Scan, frames_total: int | None) -> None:
        found: dict[str, object] = {"source": _decoded(source), "ok": True, "text": scan.text}
        found["regions"] = [attrs.asdict(region) for region in scan.regions]
        if scan.frames:
            found["frames"] = [attrs.asdict(frame) for frame in scan.frames]
        if frames_total is not None:
            found["frames_total"] = frames_total
        self._line(found)

    def _write_failure(
        self, source: str, message: str, code: int | str | None, *, shared: bool
    ) -> None:
        del shared  # a program has a line for each source
        self._line({"source": _decoded(source), "ok": False, "code": code, "error": message})

    def _last_words(self) -> None:
        """Nothing."""

    def _line(self, fields: dict[str, object]) -> None:
        """Through rich on a terminal only, where the bar must stay below it."""
        line = _json(fields, self._out.encoding)
        if self._out.is_terminal:
            self._out.print(Text(line))
        else:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()


@contextmanager
def writing() -> Iterator[None]:
    """What is written in this block may not find room.

    Raises:
        ClickException: It did not; nothing more is written to standard output then.
    """
    try:
        yield
    except BrokenPipeError:
        raise  # nobody listens: not an error
    except OSError as error:
        # The interpreter's end would try once more what it still holds.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise click.ClickException(f"cannot write: {error.strerror or error}") from None


def _json(fields: dict[str, object], encoding: str) -> str:
    """In UTF-8 if the stream is; else in ASCII, which all encodings share.

    A file's name that is not UTF-8 needs it too: its odd bytes are lone surrogates, of which
    `os.fsencode` makes the name again.
    """
    line = json.dumps(fields, ensure_ascii=False)
    try:
        line.encode()
    except UnicodeEncodeError:
        return json.dumps(fields)
    return line if encoding.lower().replace("_", "-") == "utf-8" else json.dumps(fields)


def _is_shared(error: OCRError) -> bool:
    """Whether it is none of the one picture's."""
    return isinstance(error, TransportError | ResponseError)


def reason(error: OCRError, remedy: str = "") -> str:
    """Why a picture was not read.

    Args:
        error: What the session says.
        remedy: What to look at if the service was not reached.
    """
    return f"{error}; {remedy}" if remedy and _is_shared(error) else str(error)


def shown(name: str) -> str:
    """A source as a message names it: printable, not too long, without the query of a URL."""
    words = plain(_decoded(without_query(name) if "://" in name else name))
    return words if len(words) <= MOST_NAME else f"{words[:MOST_NAME]}…"


def _decoded(name: str) -> str:
    """A file's name as its bytes say in UTF-8, whatever the locale made of them, if they do."""
    try:
        return os.fsencode(name).decode()
    except UnicodeError:
        return name


def plain(text: str) -> str:
    """Without control characters: what a picture says must not steer the terminal."""
    text = text.encode("utf-8", "backslashreplace").decode()
    return "".join(c if c.isprintable() or c == "\t" else " " for c in text)
