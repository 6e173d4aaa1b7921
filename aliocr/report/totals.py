"""What became of all rows of an output, counted one by one."""

from __future__ import annotations

from bisect import insort
from typing import Any

import attrs

from aliocr.job.advice import advice
from aliocr.job.output.result import Read, Result, Unread

MOST_NAMED = 5
"""Rows that are named of those that failed for one reason."""

DIFFERENT = "for several reasons; each row says its own"
"""Of an error that nothing general is known about."""


@attrs.frozen
class FailureTotal:
    """Rows that failed for one reason.

    Args:
        kind: Of the error, as of `Unread`.
        code: The service's, if it gave one.
        rows: How many.
        first: The first of them in the input, in order.
        advice: What went wrong, and what to do: in the words of all of them if they are the same,
            else what is to be said of all.
    """

    kind: str
    code: int | str | None
    rows: int
    first: tuple[int, ...]
    advice: str

    def and_one(self, result: Unread) -> FailureTotal:
        """The same with one more."""
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
        rows: All of them.
        read: Those whose image was read.
        with_text: Those of them that have text.
        frames: Frames that were read: one for each image that was read, or all that were captured.
    """

    rows: int = 0
    read: int = 0
    with_text: int = 0
    frames: int = 0
    _failed: dict[tuple[str, int | str | None], FailureTotal] = attrs.field(factory=dict)

    def count(self, result: Result) -> None:
        """One more."""
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
        """Why the others failed, the commonest reason first."""
        return tuple(sorted(self._failed.values(), key=lambda each: -each.rows))

    def plain(self) -> dict[str, Any]:
        """As it stands on the page."""
        counts = {name: getattr(self, name) for name in ("rows", "read", "with_text", "frames")}
        return counts | {"failed": [attrs.asdict(each) for each in self.failed]}


def has_text(result: Read) -> bool:
    """Whether there is any, in the picture or a frame of it."""
    return bool(result.text or result.regions) or any(
        frame.text or frame.regions for frame in result.frames
    )


def _words(result: Unread) -> str:
    """Without the request id, which is that of this row alone."""
    return result.error.removesuffix(f" (request id {result.request_id})")
