"""Results: the fields of a result, for a row that was read and for a row that was not read."""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs

from aliocr.columns import NotFailed, NotRead, needs_review
from aliocr.models import Frame, Region
from aliocr.text.layout import Line, lines_of


@attrs.frozen(kw_only=True)
class _RowResult:
    row: int
    line: int | None = None
    id: str | None = None
    source: str
    data_id: str | None = None
    interval: int | None = None
    max_frames: int | None = None


@attrs.frozen(kw_only=True)
class Read(_RowResult, NotFailed):
    """A row whose image was read; `str(read)` is its text.

    Args:
        row: The number of the row in the input, from 1.
        line: The line of the input at which the row begins, from 1; None if the input has no lines.
        id: The id of the row in the input.
        source: The URL, without its query unless `whole_urls` is set; or the path.
        data_id: The data id that the image was given.
        interval: One frame of every `interval` frames was asked for. If only the first frame was
            asked for, `interval` and `max_frames` are None.
        max_frames: Maximum number of frames that were asked for.
        text: All text of the image, in one string.
        regions: The pieces of text with their positions in pixels, in the service's order.
        frames: The captured frames; empty if only one frame was captured.
        label: `"ocr"` if the image has text, `"normal"` if it has no text.
        suggestion: `"review"` or `"pass"`; None if the service gave no suggestion.
        rate: The service's confidence in percent.
        task_id: The service's id of the task for this image.
        request_id: The service's id of the request.
        width: Width of the picture in pixels, like `width` of `aliocr.Scan`.
        height: Height of the picture in pixels.
        turn: Angle in degrees by which the picture must be turned clockwise so that its text is
            upright.
    """

    ok: Literal[True] = attrs.field(default=True, init=False, repr=False)
    text: str
    regions: tuple[Region, ...] = ()
    frames: tuple[Frame, ...] = ()
    label: str | None = None
    suggestion: str | None = None
    rate: float | None = None
    task_id: str | None = None
    request_id: str | None = None
    width: int | None = None
    height: int | None = None
    turn: int | None = None

    def __str__(self) -> str:
        return self.text or "\n".join(self.lines)

    @property
    def lines(self) -> tuple[Line[Region], ...]:
        """The lines of text in reading order, like `lines` of `aliocr.Scan`."""
        return lines_of(self, self.frames, turn=self.turn, size=(self.width, self.height))

    @property
    def needs_review(self) -> bool:
        """True if a person should look at the image, like `needs_review` of `aliocr.Scan`."""
        return needs_review(self)


@attrs.frozen(kw_only=True)
class Unread(_RowResult, NotRead):
    """A row whose image was not read; `str(unread)` is the reason.

    Args:
        row: The number of the row, as in `Read`; so are the other fields up to `max_frames`.
        kind: The name of the error's class, such as `"DownloadError"`; `"BadRow"` for a row that
            names no image.
        code: The service's code; None if the service gave no code.
        error: The message of the error, with a remedy.
        transient: True if another try may succeed.
        maybe_charged: True if at least one try may have been charged.
        request_id: The service's id of the request.
    """

    ok: Literal[False] = attrs.field(default=False, init=False, repr=False)
    kind: str
    code: int | str | None = None
    error: str
    transient: bool = False
    maybe_charged: bool = False
    request_id: str | None = None

    def __str__(self) -> str:
        return self.error

    @property
    def needs_review(self) -> Literal[True]:
        """True, because the service has not judged the image."""
        return True


Result: TypeAlias = Read | Unread
"""The result of a row; `ok` says which of the two classes it is."""


def images_charged(result: Result) -> int:
    """Return how many images the service charged for a result that is no copy of another."""
    return max(1, len(result.frames)) if result.ok else 0
