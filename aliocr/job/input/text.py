"""Images listed in a text file, one a line."""

from __future__ import annotations

from collections.abc import Iterator

from aliocr.job.input.lines import LONGEST, TO_UTF8, LineReader, Lines, decoded, shown
from aliocr.job.input.rows import BadRow, Checkpoint, Row, RowOrBad


class TextReader(LineReader):
    """One URL or path a line, white space around it left out; blank lines are no rows.

    Args:
        lines: The input.
        checkpoint: Where to go on; None for the beginning.

    Raises:
        InputError: The input is no text, or not the one of the checkpoint.
    """

    def __init__(self, lines: Lines, *, checkpoint: Checkpoint | None = None) -> None:
        super().__init__(lines)
        if checkpoint is None or not checkpoint.number:
            lines.begin()
        self._go_on(checkpoint)

    def __iter__(self) -> Iterator[RowOrBad]:
        """The rows from here on, in order."""
        lines = self._lines
        while line := lines.read():
            lines.take(line)
            text = decoded(line).strip()
            if text:
                self._number += 1
                problem = _problem(line, text)
                if problem:
                    yield BadRow(self._number, shown(text), problem, line=lines.line)
                else:
                    yield Row(self._number, text, line=lines.line)

    @property
    def taken(self) -> str:
        """What rows are made of."""
        return "each line"


def _problem(line: bytes, text: str) -> str:
    if len(line) > LONGEST:
        return f"a line of more than {LONGEST:,} bytes"
    if "\0" in text:
        return "a NUL byte in it"
    if "\r" in text:
        return "a carriage return in it, where the line should end"
    # The name of a file may be in any encoding.
    if not text.isascii() and "://" in text and _is_strange(text):
        return f"not UTF-8; {TO_UTF8}"
    return ""


def _is_strange(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
