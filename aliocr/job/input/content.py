"""Tell what a file is from its first line, so that it is not read row by row as something else.

The name of a file may be wrong: a page that says "not found" is often saved as `list.csv`. If the
caller gives no format, a list whose first line does not suit its name is refused, with a remedy.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import BinaryIO

from aliocr.checks import is_url
from aliocr.job.errors import BY_FORMAT, InputError
from aliocr.job.input.columns import is_usual
from aliocr.job.input.lines import OTHER_FILES, Lines, decoded, shown
from aliocr.job.input.text import without_comment
from aliocr.redaction import without_query

LOOKED_AT = 100
"""Maximum number of lines among which the first is looked for that is neither blank nor a comment,
and number of bytes of a line that a message shows at most."""

MARKUP = re.compile(r"<(?!https?://)[!?a-z]", re.IGNORECASE).match
ARRAY = re.compile(r"\[\s*([\"'{\[]|$)").match
OBJECT = re.compile(r"\{\s*(\"|$)").match
QUOTED_URL = re.compile(r"<https?://.*>$|([\"'])https?://.*\1$", re.IGNORECASE).match
MARKDOWN = re.compile(r"(?:[-*+]|\d+\.)\s+\S*https?://|!?\[.*\]\(https?://", re.IGNORECASE).match

MORE_THAN_A_URL = re.compile(
    r"""https?://.*(?:
        [,;|\s]\s*["'<]?https?://  # a second URL; one within the first follows another sign
        |[,;|]$
        |\.(?:bmp|gif|jpe?g|png|webp)["']?(?:
            ,|[;|](?!\w+=)|\s(?!.*\.(?:bmp|gif|jpe?g|png|webp)$)  # `;w=9` is a part of a URL
        )
        |\t
    )""",
    re.IGNORECASE | re.VERBOSE,
).match
"""Finds a line that begins with a URL and has more in it. A URL may have a comma or semicolon in
its path or query, as in `?x-oss-process=image/resize,w_100`."""

SEPARATORS = re.compile(r"[,;\t|{]")


def _is_image(line: str) -> bool:
    # A path may have a comma in it.
    return is_url(line) or os.path.exists(line)  # noqa: PTH110 - takes any text


def _has_column_names(line: str) -> bool:
    return any(is_usual(field.strip(" \"'")) for field in SEPARATORS.split(line))


BY_JQ = f"with jq -c '.[]', and give the format jsonl {BY_FORMAT}"

WITH_HEADER = (
    "; if it is CSV, begin it with a line of column names, such as url,id, and give the format "
    f"csv, or, if each line is one image, text {BY_FORMAT}"
)

KINDS: tuple[tuple[str, Callable[[str], object], str], ...] = (
    (
        "text csv jsonl",
        MARKUP,
        "is HTML or XML, not a list; write the URLs of its pictures to a file, one per line",
    ),
    (
        "text csv",
        ARRAY,
        f"is one JSON array, but needs one line per image; convert it {BY_JQ}",
    ),
    ("text csv", OBJECT, f"has JSON in its first line, {{}}; give the format jsonl {BY_FORMAT}"),
    ("jsonl", is_url, f"is not JSON but begins with {{}}; give the format text {BY_FORMAT}"),
    (
        "jsonl",
        re.compile(r"[^{\[\"]").match,
        f"is not JSON but begins with {{}}; give its format, such as csv {BY_FORMAT}",
    ),
    ("text", MORE_THAN_A_URL, f"has more than a URL in its first line, {{}}{WITH_HEADER}"),
    ("text", _is_image, ""),
    ("text", QUOTED_URL, "has signs around its URLs, as in {}; remove them"),
    ("text", MARKDOWN, "is Markdown, as in {}; write its URLs to a file, one per line"),
    (
        "text",
        _has_column_names,
        f"begins with names of columns, {{}}; give the format csv {BY_FORMAT}",
    ),
    ("text", SEPARATORS.search, f"does not begin with a URL but with {{}}{WITH_HEADER}"),
)
"""What a list may be instead of its format: the formats for which this is wrong, a test of the
first line, and what is said with this line in place of `{}`. The first that fits is taken; an empty
text says that nothing is wrong."""


def check_content(lines: Lines, format_: str) -> None:
    """Raise `InputError` if the first line of a list is not of the format that its name says.

    The lines are given back. A first line that may be a broken row is left to the reader.
    """
    first = _first_line(lines)
    if first and (problem := _problem(first, format_)):
        raise InputError(f"{lines.name} {problem}")


def check_parquet(file: BinaryIO, name: str) -> None:
    """Raise `InputError` if a file does not begin as Parquet does."""
    begins = file.read(200)
    file.seek(0)
    if not begins or begins.startswith((b"PAR1", b"PARE")):  # PARE: encrypted
        return
    for beginning, problem in OTHER_FILES.items():
        if begins.startswith(beginning):
            raise InputError(f"{name} {problem}")
    line = decoded(begins).strip().partition("\n")[0]
    if not line.isprintable():
        return  # damaged: the reader says so
    line = shown(without_query(line)[:LOOKED_AT])
    what = "HTML or XML" if MARKUP(line) else f"a file that begins with {line!r}"
    raise InputError(f"{name} is not Parquet but {what}; give its format {BY_FORMAT}")


def _first_line(lines: Lines) -> str:
    """Return the first line that is neither blank nor a comment, without the space around it."""
    lines.begin()
    read: list[bytes] = []
    first = ""
    while len(read) < LOOKED_AT and not first and (line := lines.read()):
        read.append(line)
        first = without_comment(decoded(line).strip().partition("\r")[0])
    lines.give_back(read)
    return first


def _problem(first: str, format_: str) -> str:
    """Return what a list is instead of its format, and the remedy; empty if nothing is wrong."""
    for formats, fits, problem in KINDS:
        if format_ in formats.split() and fits(first):
            return problem.format(shown(without_query(first)[:LOOKED_AT]))
    return ""
