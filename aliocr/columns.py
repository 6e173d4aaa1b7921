"""The columns of an outcome: plain values under the same names in the same order, everywhere.

`to_dict`, `aliocr scan --json` and the outputs of jobs have these columns. So a program that reads
one of them can read all of them, and a table has a value in each cell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Never, Protocol

from aliocr.errors import APIError, OCRError
from aliocr.redaction import without_query

EMPTY: dict[str, Any] = {
    "source": "",
    "ok": None,
    "data_id": "",
    "interval": None,
    "max_frames": None,
    "text": "",
    "regions": (),
    "frames": (),
    "label": "",
    "suggestion": "",
    "needs_review": None,
    "rate": None,
    "width": None,
    "height": None,
    "turn": None,
    "task_id": "",
    "request_id": "",
    "kind": "",
    "code": None,
    "error": "",
    "transient": None,
    "maybe_charged": None,
}
"""The value of each column where there is nothing: an empty text, no items, or null."""

COLUMNS = tuple(EMPTY)
"""The keys of `to_dict`, in its order."""


class _Image(Protocol):
    @property
    def url(self) -> str: ...

    @property
    def data_id(self) -> str | None: ...

    @property
    def interval(self) -> int | None: ...

    @property
    def max_frames(self) -> int | None: ...


class _Read(Protocol):
    @property
    def text(self) -> str: ...

    @property
    def lines(self) -> tuple[object, ...]: ...

    @property
    def suggestion(self) -> str | None: ...


def of_image(image: _Image) -> dict[str, Any]:
    """Return the columns that say what was asked for."""
    return {
        "source": image.url,
        "data_id": image.data_id,
        "interval": image.interval,
        "max_frames": image.max_frames,
    }


def of_error(error: OCRError) -> dict[str, Any]:
    """Return the columns that say why an image was not read."""
    return {
        "kind": type(error).__name__,
        "code": error.code if isinstance(error, APIError) else None,
        "error": str(error),
        "transient": error.transient,
        "maybe_charged": error.maybe_charged,
        "request_id": error.request_id,
    }


def needs_review(read: _Read) -> bool:
    """Return True if the service did not suggest to let the image pass.

    If it suggested nothing, return True if there is text: what was not judged is not let pass.
    """
    if read.suggestion is None:
        return bool(read.text or read.lines)
    return read.suggestion != "pass"


def plain_regions(regions: Iterable[Any]) -> list[dict[str, Any]]:
    """Return regions as dicts, for programs that do not know the class."""
    return [
        {"text": each.text, "x": each.x, "y": each.y, "w": each.w, "h": each.h} for each in regions
    ]


def columns_of(
    values: Mapping[str, Any],
    *,
    whole_urls: bool,
    regions: Callable[[Iterable[Any]], Any] = plain_regions,
) -> dict[str, Any]:
    """Return all columns in their order.

    Args:
        values: The values of some columns; a value that is None counts as missing.
        whole_urls: Keep the queries of URLs, which may be keys to the images.
        regions: Writes the regions. A JSON encoder that knows the class takes them as they are.
    """
    row = {
        name: empty if (value := values.get(name)) is None else value
        for name, empty in EMPTY.items()
    }
    shown = str if whole_urls else without_query
    row["source"] = shown(row["source"])
    row["regions"] = regions(row["regions"])
    row["frames"] = [
        {
            "text": frame.text,
            "regions": regions(frame.regions),
            "url": shown(frame.url or ""),
            "rate": frame.rate,
        }
        for frame in row["frames"]
    ]
    return row


# --- what an outcome lacks, for type checkers ----------------------------------------------------

# mypy narrows an outcome by `if outcome.ok:`. pyright, which is the checker of Pylance, narrows it
# by `is True`, `isinstance` and `match`, but not by a plain `.ok`, and so it would report every use
# of `outcome.text`. Below it reads that a failure has a `text` whose use never gives a value. So
# the type of `outcome.text` is that of a scan. At run time the attributes are missing.

MYPY = False
"""True for mypy alone, which therefore still reports a `.text` for which `.ok` was not tested."""


class NotRead:
    """Base of failures: the attributes that only a picture has that was read."""

    __slots__ = ()

    if TYPE_CHECKING and not MYPY:
        text: Never
        regions: Never
        frames: Never
        lines: Never
        label: Never
        suggestion: Never
        rate: Never
        width: Never
        height: Never
        turn: Never
        task_id: Never


class NotFailed:
    """Base of pictures that were read: the attributes that only a failure has."""

    __slots__ = ()

    if TYPE_CHECKING and not MYPY:
        kind: Never
        code: Never
        error: Never
        transient: Never
        maybe_charged: Never
