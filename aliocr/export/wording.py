"""Words for people: what they call a picture, and its text without what cannot be seen."""

from __future__ import annotations

import unicodedata
from contextlib import suppress
from pathlib import PurePath
from urllib.parse import unquote, urlsplit

from aliocr.checks import is_url
from aliocr.job.output.result import Read
from aliocr.redaction import without_query

DROPPED = {"Cc", "Cf", "Cs"}
"""Unicode categories of the characters that are left out: they are invisible, or halves."""


def label_of(row: Read) -> str:
    """Return the id of a row; without an id the name of its picture, or the number of the row."""
    return row.id or name_of(row) or f"row {row.row}"


def name_of(row: Read) -> str:
    """Return the last part of the URL or of the path; empty if there is none."""
    if not is_url(row.source):
        return PurePath(row.source).name
    with suppress(ValueError):  # a malformed URL
        return unquote(urlsplit(row.source).path).rpartition("/")[2]
    return ""


def source_of(row: Read) -> str:
    """Return the URL of a row without its query, which may be a key; or its path."""
    return without_query(row.source) if is_url(row.source) else row.source


def legible(text: str) -> str:
    """Return the text without characters that cannot be seen; letters and marks are composed."""
    composed = unicodedata.normalize("NFC", text)
    if composed.isprintable():
        return composed
    blank = (" " if each.isspace() else each for each in composed)
    return "".join(each for each in blank if unicodedata.category(each) not in DROPPED)
