"""Find the header of a CSV file: skip the lines before it, and find the delimiter."""

from __future__ import annotations

import re

from aliocr.checks import is_url
from aliocr.job.csv_module import own_csv
from aliocr.job.input.columns import RANKS
from aliocr.job.input.lines import LONGEST, Lines, decoded

DELIMITERS = "\t,;|"
"""Delimiters that are looked for in the header. If the header has a tab, the tab is chosen, because
names of columns contain no tab."""

NO_DELIMITER = "\x1f"
"""Delimiter of a file with one column: a character that URLs do not contain. A comma in a URL
(`x-oss-process=image/resize,w_100`) then does not divide the URL, even if the URL has no quotes."""

LOOKED_AT = 20
"""Maximum number of lines in which the header is looked for. A pipe may give them slowly."""

# The parser never reaches its limit for one field, because a row has at most `LONGEST` bytes.
csv_parser = own_csv(2 * LONGEST)

_NAMES = {name for rank in RANKS for name in rank}

_SEPARATOR = re.compile(r'"?sep=([^"\w\s]|\t)"?\s*', re.IGNORECASE)
"""The first line by which Excel learns the delimiter."""

_DATA = re.compile(r"[\d.,:/ -]+|\S+\.\w{3,4}")
"""Cells that are no names of columns: numbers, dates, names of files."""


def delimiter_at_header(lines: Lines, column: str | None, *, look: bool) -> str:
    """Take the lines before the header; return the delimiter of the header.

    These lines are blank lines, Excel's `sep=;`, and the titles and comments that programs write
    above a table. The header is the first line that names the column of the images, and no URL is
    in the lines before it. If there is no such line, it is the first line that is not blank.

    Args:
        lines: The lines, at their beginning.
        column: The column of the images; None for the usual names.
        look: False to skip blank lines only.
    """
    read: list[bytes] = []
    header: int | None = None
    said: str | None = None
    first = ""
    while len(read) < LOOKED_AT and (line := lines.read()):
        read.append(line)
        text = decoded(line)
        if look and header is None and (separator := _SEPARATOR.fullmatch(text)):
            said = separator[1]
        elif text.strip():
            if header is None:
                header, first = len(read) - 1, text
            names = _cells(text, said)
            if look and _names_images(names, column):
                header, first = len(read) - 1, text
                break
            is_open = text.count('"') % 2  # a cell goes on in the next line
            if not look or is_open or len(line) > LONGEST or any(map(is_url, names)):
                break
    lines.give_back(read)
    for _ in range(len(read) if header is None else header):
        lines.take(lines.read())
    return said or _delimiter(first)


def _cells(line: str, delimiter: str | None) -> list[str]:
    parser = csv_parser.reader([line], delimiter=delimiter or _delimiter(line))
    try:
        return [cell.strip() for cell in next(parser, ())]
    except csv_parser.Error:
        return []


def _names_images(cells: list[str], column: str | None) -> bool:
    """Return True if these cells are a header that has the column of the images."""
    if not cells or cells[0].startswith("#") or any(map(_DATA.fullmatch, cells)):
        return False
    if column is not None:
        return column in cells
    return any(cell.lower() in _NAMES for cell in cells)


def _delimiter(header: str) -> str:
    """Return the delimiter that divides the header into most columns, but a tab before any other.

    Return `NO_DELIMITER` if no delimiter divides the header.
    """
    try:
        counts = {
            each: len(next(csv_parser.reader([header], delimiter=each), ())) for each in DELIMITERS
        }
    except csv_parser.Error:  # the reader parses the header again, and reports the error
        return NO_DELIMITER
    best = "\t" if counts["\t"] > 1 else max(counts, key=counts.__getitem__)
    return best if counts[best] > 1 else NO_DELIMITER
