"""What became of all rows of an output, counted one by one."""

from __future__ import annotations

from typing import Any

import attrs

from aliocr.job.record import Read, Result, Unread

__all__ = ["Failed", "Totals"]


@attrs.frozen
class Failed:
    """Rows that failed for one reason.

    Args:
        kind: Of the error, as of `Unread`.
        code: The service's, if it gave one.
        rows: How many.
        advice: What the first of them said went wrong, and what to do.
    """

    kind: str
    code: int | str | None
    rows: int
    advice: str


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
    _failed: dict[tuple[str, int | str | None], Failed] = attrs.field(factory=dict)

    def count(self, result: Result) -> None:
        """One more."""
        self.rows += 1
        if isinstance(result, Read):
            self.read += 1
            self.with_text += has_text(result)
            self.frames += max(1, len(result.frames))
            return
        reason = result.kind, result.code
        before = self._failed.get(reason) or Failed(*reason, 0, _advice(result))
        self._failed[reason] = attrs.evolve(before, rows=before.rows + 1)

    @property
    def failed(self) -> tuple[Failed, ...]:
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


def _advice(result: Unread) -> str:
    """Without the request id, which is that of this row alone."""
    return result.error.removesuffix(f" (request id {result.request_id})")
