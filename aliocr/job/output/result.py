"""Results: a row of the input that was read, or was not."""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs

from aliocr.models import Frame, Region
from aliocr.text.layout import Line, lines_of


@attrs.frozen(kw_only=True)
class _RowResult:
    row: int
    line: int | None = None
    id: str | None = None
    source: str


@attrs.frozen(kw_only=True)
class Read(_RowResult):
    """A row whose image was read.

    Args:
        row: The number of the row in the input, from 1.
        line: The line in the input at which the row begins, from 1; None if it has no lines.
        id: The row's id in the input.
        source: The URL, without its query unless `whole_urls` is set; or the path.
        text: All text, run on.
        regions: The pieces of text with their places, in pixels, in the service's order.
        frames: The captured frames, empty unless more than one was captured.
        label: `"ocr"` for text, `"normal"` for none.
        suggestion: `"review"` or `"pass"`.
        rate: The service's confidence in percent.
        interval: One frame in this many was asked for; None, with `max_frames`, for the first only.
        max_frames: At most this many frames were asked for.
        task_id: The service's id of this image's work.
        request_id: The service's id of the request.
    """

    ok: Literal[True] = attrs.field(default=True, init=False, repr=False)
    text: str
    regions: tuple[Region, ...] = ()
    frames: tuple[Frame, ...] = ()
    label: str = "normal"
    suggestion: str = "pass"
    rate: float | None = None
    interval: int | None = None
    max_frames: int | None = None
    task_id: str | None = None
    request_id: str | None = None

    @property
    def lines(self) -> tuple[Line[Region], ...]:
        """The text line by line in reading order, as of `aliocr.Scan`."""
        return lines_of(self, self.frames)


@attrs.frozen(kw_only=True)
class Unread(_RowResult):
    """A row whose image was not read.

    Args:
        row: As of `Read`, and so are `line`, `id` and `source`.
        kind: The name of the error's class, such as `"DownloadError"`; `"BadRow"` for a row that
            names no image.
        code: The service's code, if it gave one.
        error: What went wrong and what to do.
        maybe_charged: Whether any try may have been charged.
        request_id: The service's id of the request.
    """

    ok: Literal[False] = attrs.field(default=False, init=False, repr=False)
    kind: str
    code: int | str | None = None
    error: str
    maybe_charged: bool = False
    request_id: str | None = None


Result: TypeAlias = Read | Unread
"""The result of a row: test `.ok`."""
