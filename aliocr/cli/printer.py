"""Printers of outcomes for `aliocr scan`: text for people or JSON lines, and a progress bar."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from types import TracebackType
from typing import Self

from rich.text import Text

from aliocr.cli.console import (
    decoded,
    harmless_json,
    plain,
    plain_console,
    progress_bar,
    shown,
    writing,
)
from aliocr.columns import columns_of
from aliocr.errors import OCRError, ResponseError, TransportError
from aliocr.job.input.rows import BAD_ROW
from aliocr.models import Failure, Outcome, Scan

BESIDE_BAR = 32

SAME = 3
"""Maximum number of shared failures to print with the same message.

The number of further failures with this message is printed at the end.
"""


LOW_RATE = 80
"""Below this confidence in percent, a text of this machine's engine is doubtful. Pages that are
well read have 90 or more; short pages in Greek or in Cyrillic capitals, of which many look Latin,
have up to 77, and other pages in these scripts, Arabic or Korean less."""


def doubt(outcome: Outcome) -> str | None:
    """Return a note on a text of this machine's engine that was read with low confidence."""
    if not outcome.ok or outcome.rate is None or outcome.rate >= LOW_RATE:
        return None
    return (
        f"read with low confidence ({outcome.rate:.0f} %): it may be blurred, or in a script that "
        "this machine cannot read"
    )


class OutcomePrinter:
    """Prints texts on standard output, and the progress, failures and summary on standard error.

    Each text is printed below the name of its source. If there is only one picture, its name is
    left out.

    Args:
        total: Number of pictures; None if unknown.
        local: This machine reads the pictures, so failures do not advise to check the network.
    """

    def __init__(self, total: int | None, *, local: bool) -> None:
        self._started = time.monotonic()
        self._local = local
        self._headings = total != 1
        self._shared: Counter[str] = Counter()
        self.read = 0
        self.failed = 0
        self._out = plain_console(soft_wrap=True)
        self._err = plain_console(stderr=True, soft_wrap=True)
        console = self._out if self._out.is_terminal else self._err
        self._progress = progress_bar(console, BESIDE_BAR, hidden=not self._err.is_terminal)
        # On a terminal, print notes through the console of the bar, which keeps the bar below the
        # notes. Another console would print over the bar.
        self._notes = self._progress.console if self._err.is_terminal else self._err
        self._bar = self._progress.add_task("reading", total=total)

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
            for message, times in self._shared.items():
                if times > SAME:
                    self._err.print(Text(f"{times - SAME} more: {plain(message)}", style="red"))
        if self._err.is_terminal:
            seconds = time.monotonic() - self._started
            self._err.print(f"{self.read} read, {self.failed} failed in {seconds:.1f} s")

    def show(self, source: str, outcome: Outcome, frames_total: int | None = None) -> None:
        """Print one outcome; `frames_total` is the number of frames in its picture, if known."""
        if outcome.ok:
            self.read += 1
            with writing():
                self._write_scan(source, outcome, frames_total)
            self._progress.advance(self._bar)
            return
        self.fail(source, reason(outcome.error, local=self._local), outcome)

    def fail(self, source: str, message: str, failure: Failure | None = None) -> None:
        """Print the failure of one source; without a `failure`, the source names no image."""
        self.failed += 1
        with writing():
            self._write_failure(source, message, failure)
        self._progress.advance(self._bar)

    def hint(self, source: str, message: str) -> None:
        """Print a note for people about a source."""
        self.note(source, message)

    def note(self, source: str, message: str) -> None:
        """Print a note about a source on standard error, as a dim line."""
        with writing():
            self._notes.print(Text(f"{shown(source)}: {plain(message)}", style="dim"))

    def _write_scan(self, source: str, scan: Scan, frames_total: int | None) -> None:
        del frames_total  # people read this number in a hint
        if self._headings:
            self._out.print(Text(plain(decoded(source)), style="bold"))
        for line in scan.lines or ("(no text)",):
            self._out.print(Text(plain(str(line))))
        if self._headings:
            self._out.print()

    def _write_failure(self, source: str, message: str, failure: Failure | None) -> None:
        if failure is not None and _is_shared(failure.error):
            self._shared[message] += 1
        if self._shared[message] <= SAME:
            self._notes.print(Text(f"{shown(source)}: {plain(message)}", style="red"))


class JSONPrinter(OutcomePrinter):
    """Prints one line with a JSON object for each source, whether it was read or failed."""

    def hint(self, source: str, message: str) -> None:
        """Print nothing, because programs do not need notes."""

    def _write_scan(self, source: str, scan: Scan, frames_total: int | None) -> None:
        self._line(source, scan.to_dict(whole_urls=True), frames_total)

    def _write_failure(self, source: str, message: str, failure: Failure | None) -> None:
        self._line(
            source,
            failure.to_dict(whole_urls=True)
            if failure is not None
            else columns_of(
                {"ok": False, "needs_review": True, "kind": BAD_ROW, "error": message}
                | {"transient": False, "maybe_charged": False},
                whole_urls=True,
            ),
        )

    def _line(
        self, source: str, fields: dict[str, object], frames_total: int | None = None
    ) -> None:
        """Print an object with the name of its source as it was given.

        Each object has the same keys, because many readers take the keys of the first object.

        The object is in UTF-8 if standard output uses UTF-8, and in ASCII if it does not.
        ASCII is a part of all encodings. A file name that is not UTF-8 contains lone surrogates,
        which UTF-8 cannot encode. JSON in ASCII can escape them, so the object of such a file is
        always printed in ASCII. `os.fsencode` turns the name back into the bytes of the file name.
        """
        fields |= {"source": decoded(source), "frames_total": frames_total}
        if fields["code"] is not None:
            fields["code"] = str(fields["code"])  # one type in a column, as in outputs of jobs
        is_utf8 = self._out.encoding.lower().replace("_", "-") == "utf-8"
        line = harmless_json(json.dumps(fields, ensure_ascii=not is_utf8))
        try:
            line.encode()
        except UnicodeEncodeError:
            line = json.dumps(fields)
        if self._out.is_terminal:  # this console keeps the bar below the object
            self._out.print(Text(line))
        else:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()


def _is_shared(error: OCRError) -> bool:
    """Return whether the cause of an error also affects other pictures."""
    return isinstance(error, TransportError | ResponseError)


def reason(error: OCRError, *, local: bool) -> str:
    """Return the message of an error. If the service gave no valid reply, add what to check."""
    if local or not _is_shared(error):
        return str(error)
    return f"{error}; check the network, --endpoint and --region"
