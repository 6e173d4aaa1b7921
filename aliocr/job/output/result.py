"""Results: the fields of a result, for a row that was read and for a row that was not read."""

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
        line: The line of the input at which the row begins, from 1; None if the input has no lines.
        id: The id of the row in the input.
        source: The URL, without its query unless `whole_urls` is set; or the path.
        text: All text of the image, in one string.
        regions: The pieces of text with their positions in pixels, in the service's order.
        frames: The captured frames; empty if only one frame was captured.
        label: `"ocr"` if the image has text, `"normal"` if it has no text.
        suggestion: `"review"` or `"pass"`.
        rate: The service's confidence in percent.
        interval: One frame of every `interval` frames was asked for. If only the first frame was
            asked for, `interval` and `max_frames` are None.
        max_frames: Maximum number of frames that were asked for.
        task_id: The service's id of the task for this image.
        request_id: The service's id of the request.
    """

    ok: Literal[True] = attrs.field(default=True, init=False, repr=False)
    text: str
    regions: tuple[Region, ...] = ()
    frames: tuple[Frame, ...] = ()
    label: str | None = None
    suggestion: str | None = None
    rate: float | None = None
    interval: int | None = None
    max_frames: int | None = None
    task_id: str | None = None
    request_id: str | None = None

    @property
    def lines(self) -> tuple[Line[Region], ...]:
        """The lines of text in reading order, like `lines` of `aliocr.Scan`."""
        return lines_of(self, self.frames)


@attrs.frozen(kw_only=True)
class Unread(_RowResult):
    """A row whose image was not read.

    Args:
        row: The number of the row, as in `Read`; `line`, `id` and `source` are also as in `Read`.
        kind: The name of the error's class, such as `"DownloadError"`; `"BadRow"` for a row that
            names no image.
        code: The service's code; None if the service gave no code.
        error: The message of the error, with a remedy.
        maybe_charged: True if at least one try may have been charged.
        request_id: The service's id of the request.
    """

    ok: Literal[False] = attrs.field(default=False, init=False, repr=False)
    kind: str
    code: int | str | None = None
    error: str
    maybe_charged: bool = False
    request_id: str | None = None


Result: TypeAlias = Read | Unread
"""The result of a row; `ok` says which of the two classes it is."""
