"""Images listed in a text file, one a line."""

from __future__ import annotations

import re
from collections.abc import Iterator

from aliocr.checks import is_text, is_url
from aliocr.job.errors import BY_FORMAT, InputError
from aliocr.job.input.lines import LONGEST, TO_UTF8, LineReader, Lines, decoded, shown
from aliocr.job.input.rows import BadRow, Row, RowOrBad


class TextReader(LineReader):
    """One URL or path a line, white space around it left out; blank lines are no rows.

    Where neither a suffix nor the caller says that the input is text, it is `guessed`; then CSV and
    JSON are refused, since all rows would fail.
    """

    description = "each line"

    def __init__(self, lines: Lines, *, guessed: bool) -> None:
        super().__init__(lines)
        first = lines.begin()
        if guessed and not is_url(decoded(first)) and re.search(rb"[,;\t{]", first):
            raise InputError(
                f"{lines.name} does not begin with a URL: if it is CSV or JSON lines, give the "
                f"format {BY_FORMAT}"
            )

    def __iter__(self) -> Iterator[RowOrBad]:
        """Give the rows from here on, in order."""
        lines = self._lines
        while line := lines.read():
            lines.take(line)
            text = decoded(line).strip()
            if not text:
                continue
            self._number += 1
            if len(line) > LONGEST:
                problem = f"a line of more than {LONGEST:,} bytes"
            elif "\0" in text:
                problem = "a NUL byte in it"
            elif "\r" in text:
                problem = "a carriage return in it, where the line should end"
            elif "://" in text and not is_text(text):  # the name of a file may be in any encoding
                problem = f"not UTF-8; {TO_UTF8}"
            else:
                yield Row(self._number, text, line=lines.line)
                continue
            yield BadRow(self._number, shown(text), problem, line=lines.line)
