"""Images listed in a text file, one a line."""

from __future__ import annotations

from collections.abc import Iterator

from aliocr.checks import is_text
from aliocr.job.input.lines import LONGEST, TO_UTF8, LineReader, Lines, decoded, shown
from aliocr.job.input.rows import BadRow, Row, RowOrBad


class TextReader(LineReader):
    """One URL or path a line, white space around it left out; blank lines are no rows.

    Args:
        lines: The input.

    Raises:
        InputError: The input is no text.
    """

    description = "each line"

    def __init__(self, lines: Lines) -> None:
        super().__init__(lines)
        lines.begin()

    def __iter__(self) -> Iterator[RowOrBad]:
        """Give the rows from here on, in order."""
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


def _problem(line: bytes, text: str) -> str:
    if len(line) > LONGEST:
        return f"a line of more than {LONGEST:,} bytes"
    if "\0" in text:
        return "a NUL byte in it"
    if "\r" in text:
        return "a carriage return in it, where the line should end"
    # The name of a file may be in any encoding.
    return f"not UTF-8; {TO_UTF8}" if "://" in text and not is_text(text) else ""
