"""Count all rows of a job's output, and the failures of each reason."""

from __future__ import annotations

from bisect import insort
from typing import Any

import attrs

from aliocr.job.advice import advice
from aliocr.job.output.result import Read, Result, Unread
from aliocr.models import Frame

MOST_NAMED = 5
"""Maximum number of row numbers listed for one reason of failure."""

DIFFERENT = "for several reasons; see the error of each row"
"""Advice if the rows have different errors and there is no general advice."""


@attrs.define
class FailureTotal:
    """Count of the rows that failed for one reason. A reason is a kind of error with its code.

    Args:
        kind: Kind of the error, as in `Unread`.
        first: Numbers of those failed rows that come first in the input, in the order of the input.
        advice: Text about the error and what to do. If all rows have the same error, the text is
            this error; if not, it is a general text.
    """

    kind: str
    code: int | str | None
    advice: str
    rows: int = 0
    first: list[int] = attrs.field(factory=list)

    def count(self, result: Unread) -> None:
        """Add one row to the count."""
        self.rows += 1
        insort(self.first, result.row)
        del self.first[MOST_NAMED:]
        if _words(result) != self.advice:
            self.advice = advice(self.kind, self.code) or DIFFERENT


@attrs.define
class Totals:
    """Counts of all results.

    Attributes:
        rows: Number of all rows.
        with_text: Number of rows that were read and have text.
        frames: Number of frames that were read. An image without separate frames counts as one.
    """

    rows: int = 0
    read: int = 0
    with_text: int = 0
    frames: int = 0
    _failed: dict[tuple[str, int | str | None], FailureTotal] = attrs.field(factory=dict)

    def count(self, result: Result) -> None:
        """Add one result to the counts."""
        self.rows += 1
        if isinstance(result, Read):
            self.read += 1
            parts: tuple[Read | Frame, ...] = (result, *result.frames)
            self.with_text += any(part.text or part.regions for part in parts)
            self.frames += max(1, len(result.frames))
            return
        reason = result.kind, result.code
        self._failed.setdefault(reason, FailureTotal(*reason, _words(result))).count(result)

    def plain(self) -> dict[str, Any]:
        """Return the totals as JSON for the page, with the most frequent failure first."""
        counts = {name: getattr(self, name) for name in ("rows", "read", "with_text", "frames")}
        failed = sorted(self._failed.values(), key=lambda each: -each.rows)
        return counts | {"failed": [attrs.asdict(each) for each in failed]}


def _words(result: Unread) -> str:
    """Return the error without the request id, which is different in each row."""
    return result.error.removesuffix(f" (request id {result.request_id})")
