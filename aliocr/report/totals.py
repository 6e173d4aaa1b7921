"""Count all rows of an output, and failures by their reason."""

from __future__ import annotations

from bisect import insort
from typing import Any

import attrs

from aliocr.job.advice import advice
from aliocr.job.output.result import Read, Result, Unread

MOST_NAMED = 5
"""Rows that are named for one reason of failure."""

DIFFERENT = "for several reasons; each row says its own"
"""Advice for an error without general advice."""


@attrs.frozen
class FailureTotal:
    """Rows that failed for one reason.

    Args:
        kind: Kind of the error, as in `Unread`.
        code: The service's code, if there is one.
        rows: Number of rows.
        first: The first rows in the input, in order.
        advice: The error and what to do: the rows' own words if all rows have the same, else
            general words.
    """

    kind: str
    code: int | str | None
    rows: int
    first: tuple[int, ...]
    advice: str

    def and_one(self, result: Unread) -> FailureTotal:
        """Return the total with one more row."""
        first = self.first
        if len(first) < MOST_NAMED or result.row < first[-1]:
            named = list(first)
            insort(named, result.row)
            first = tuple(named[:MOST_NAMED])
        words = self.advice
        if _words(result) != words:
            words = advice(self.kind, self.code) or DIFFERENT
        return FailureTotal(self.kind, self.code, self.rows + 1, first, words)


@attrs.define
class Totals:
    """Counts results.

    Attributes:
        rows: All rows.
        read: Rows whose image was read.
        with_text: Rows with text.
        frames: Frames that were read: all captured frames of an image, or one.
    """

    rows: int = 0
    read: int = 0
    with_text: int = 0
    frames: int = 0
    _failed: dict[tuple[str, int | str | None], FailureTotal] = attrs.field(factory=dict)

    def count(self, result: Result) -> None:
        """Count a result."""
        self.rows += 1
        if isinstance(result, Read):
            self.read += 1
            self.with_text += has_text(result)
            self.frames += max(1, len(result.frames))
            return
        reason = result.kind, result.code
        before = self._failed.get(reason) or FailureTotal(*reason, 0, (), _words(result))
        self._failed[reason] = before.and_one(result)

    @property
    def failed(self) -> tuple[FailureTotal, ...]:
        """Totals of the failures, the commonest reason first."""
        return tuple(sorted(self._failed.values(), key=lambda each: -each.rows))

    def plain(self) -> dict[str, Any]:
        """Return the totals as JSON for the page."""
        counts = {name: getattr(self, name) for name in ("rows", "read", "with_text", "frames")}
        return counts | {"failed": [attrs.asdict(each) for each in self.failed]}


def has_text(result: Read) -> bool:
    """Return True if the picture, or a frame of it, has text."""
    return bool(result.text or result.regions) or any(
        frame.text or frame.regions for frame in result.frames
    )


def _words(result: Unread) -> str:
    """Return the error without the request id, which differs from row to row."""
    return result.error.removesuffix(f" (request id {result.request_id})")
