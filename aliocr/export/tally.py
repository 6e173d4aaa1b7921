"""Counts of an export: what was written, what was not read, and what a reader should know."""

from __future__ import annotations

from collections import Counter

import attrs


@attrs.define
class ExportTally:
    """Counts of an export. A writer increases them as it goes, so they are true after an error.

    Attributes:
        written: Number of files, pages or rows that were written.
        unread: Number of rows that have no text, because their picture was not read.
        remarks: How often each remark holds for what was written, such as "drawn as text; no
            picture on this machine". It is printed behind the number, which may be 1.
    """

    written: int = 0
    unread: int = 0
    remarks: Counter[str] = attrs.field(factory=Counter)
