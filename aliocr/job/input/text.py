"""Read images that are listed in a text file, one per line."""

from __future__ import annotations

from collections.abc import Iterator

from aliocr.checks import is_text
from aliocr.job.input.lines import LONGEST, TO_UTF8, LineReader, Lines, decoded, shown
from aliocr.job.input.rows import BadRow, Row, RowOrBad


class TextReader(LineReader):
    """Reads one URL or path per line, without the white space around it; skips blank lines."""

    description = "each line"

    def __init__(self, lines: Lines) -> None:
        super().__init__(lines)
        lines.begin()

    def __iter__(self) -> Iterator[RowOrBad]:
        """Yield the rows from the current position, in the order of the file."""
        lines = self._lines
        while line := lines.read():
            lines.take(line)
            text = decoded(line).strip()
            if not text:
                continue
            self._number += 1
            if len(line) > LONGEST:
                problem = f"the line has more than {LONGEST:,} bytes"
            elif "\0" in text:
                problem = "it contains a NUL byte"
            elif "\r" in text:
                problem = "it contains a carriage return; lines must end with a line feed"
            elif "://" in text and not is_text(text):  # a path may have any encoding
                problem = f"it is not UTF-8; {TO_UTF8}"
            else:
                yield Row(self._number, text, line=lines.line)
                continue
            yield BadRow(self._number, shown(text), problem, line=lines.line)
