"""Read images that are listed in a text file, one per line."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from aliocr.checks import is_text, is_url
from aliocr.job.errors import BY_FORMAT, InputError
from aliocr.job.input.folder import SUFFIXES
from aliocr.job.input.lines import LONGEST, TO_UTF8, LineReader, Lines, decoded, shown
from aliocr.job.input.rows import BadRow, Row, RowOrBad

LOOKED_AT = 50
"""Maximum number of lines in which the first row is looked for, to know what the file is."""

PICTURES = tuple(SUFFIXES)


class TextReader(LineReader):
    """Reads one URL or path per line, without the white space around it.

    Blank lines and comments are skipped. Only a job that an earlier version began has a row for
    each comment, so that its rows keep their numbers.

    `guessed` means that the input is read as text because the caller gave no format and its name,
    if it has one, says none. Then input that looks like a table, JSON or HTML is refused, because
    all its rows would fail.
    """

    description = "each line"

    def __init__(self, lines: Lines, *, guessed: bool, earlier: bool = False) -> None:
        super().__init__(lines)
        lines.begin()
        lines.old_ends = self._has_comments = not earlier
        begins = self._first_text()
        is_other = re.search(r"[,;\t{<]", begins) and not is_url(begins)
        # A path may have a comma in it.
        if guessed and is_other and not os.path.exists(begins):  # noqa: PTH110 - takes any text
            raise InputError(
                f"{lines.name} does not begin with a URL; give its format {BY_FORMAT}: csv, jsonl, "
                "or, if it has one image per line, text"
            )

    def __iter__(self) -> Iterator[RowOrBad]:
        """Yield the rows from the current position, in the order of the file."""
        lines, has_comments = self._lines, self._has_comments
        while line := lines.read():
            lines.take(line)
            text = line.decode("utf-8", "surrogateescape").strip()  # `decoded`, but quicker
            if has_comments and ("#" in text or text[:1] == ";"):
                text = without_comment(text)
            if not text:
                continue
            self._number += 1
            if len(line) > LONGEST:
                problem = f"the line has more than {LONGEST:,} bytes"
            elif "\0" in text:
                problem = "it contains a NUL byte"
            elif "\r" in text:
                problem = "it contains a carriage return; lines must end with a line feed"
            elif (
                not text.isascii() and "://" in text and not is_text(text)
            ):  # a path may have any encoding
                problem = f"it is not UTF-8; {TO_UTF8}"
            else:
                yield Row(self._number, text, None, lines.line)
                continue
            yield BadRow(self._number, shown(text), problem, line=lines.line)

    def _first_text(self) -> str:
        """Return the first line that is a row; do not take any line."""
        read: list[bytes] = []
        text = ""
        while not text and len(read) < LOOKED_AT and (line := self._lines.read()):
            read.append(line)
            text = decoded(line).strip()
            if self._has_comments:
                text = without_comment(text)
        self._lines.give_back(read)
        return text


def without_comment(text: str) -> str:
    """Return a line without a comment, which begins with `#` or `;`.

    The name of a picture may begin with these characters (`#1.png`), and a URL may have a `#` in
    it: behind a URL, a comment is divided from it by a blank. Browsers do not send what follows a
    `#`.
    """
    if text.startswith(("#", ";")):
        is_name = text.lower().endswith(PICTURES) and not re.search(r"\s|://", text)
        return text if is_name else ""
    if "#" in text and is_url(text):
        return re.split(r"\s+#", text, maxsplit=1)[0]
    return text
