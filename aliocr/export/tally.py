"""Counts of an export: what was written, what was not read, and what a reader should know."""

from __future__ import annotations

from collections import Counter

import attrs


@attrs.define
class Tally:
    """Counts of an export. A writer increases them as it goes, so they are true after an error.

    Attributes:
        written: Number of files, pages or rows that were written.
        unread: Number of rows that have no text, because their picture was not read.
        remarks: Number of written things for each remark, such as "page without its picture".
            A remark is a clause that follows its number; it has no names of files.
    """

    written: int = 0
    unread: int = 0
    remarks: Counter[str] = attrs.field(factory=Counter)
