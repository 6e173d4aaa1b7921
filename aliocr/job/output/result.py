"""A row of an output: what became of one row of the input, as an object and as a line of JSON."""

from __future__ import annotations

import json
from typing import Any, Literal, TypeAlias

import attrs
import msgspec

from aliocr.models import Frame, Region
from aliocr.text.layout import Line, lines_of


@attrs.frozen(kw_only=True)
class _Record:
    row: int
    line: int | None = None
    id: str | None = None
    source: str


@attrs.frozen(kw_only=True)
class Read(_Record):
    """A row whose image was read.

    Args:
        row: Its place in the input, from 1.
        line: The line it begins at in the input, from 1, if that has lines.
        id: The id it had there.
        source: Its URL, without the query unless that was asked for; or its path.
        text: All text, run on.
        regions: Its pieces with their places, in pixels, in the service's order.
        frames: The captured frames, empty unless more than one was captured.
        label: `"ocr"` for text, `"normal"` for none.
        suggestion: `"review"` or `"pass"`.
        rate: The service's confidence in percent.
        interval: One frame of so many was asked for; None, with `max_frames`, for the first only.
        max_frames: At most so many frames were asked for.
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
class Unread(_Record):
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
"""What a row of an output says: test `.ok`."""

_ALWAYS = {"row", "source", "ok", "text", "regions", "kind", "code", "error"}
"""Written though they hold nothing: what a program looks for is there."""


def fields_of(result: Result) -> dict[str, Any]:
    """The result as plain values, in the order of its fields; those that hold nothing left out."""
    fields = _fields(result)
    if isinstance(result, Read):
        fields["regions"] = [_plain(region) for region in result.regions]
        for frame in fields.get("frames", ()):
            frame["regions"] = [_plain(region) for region in frame["regions"]]
    return fields


_NAMES = {kind: tuple(attrs.fields_dict(kind)) for kind in (Read, Unread)}


def _fields(result: Result) -> dict[str, Any]:
    """The same, with regions as they are: msgspec writes them as it would write plain ones."""
    fields = {
        name: value
        for name in _NAMES[type(result)]
        if (value := getattr(result, name)) or name in _ALWAYS
    }
    if isinstance(result, Read) and result.frames:
        fields["frames"] = [
            {"text": frame.text, "regions": frame.regions}
            | ({} if frame.url is None else {"url": frame.url})
            | ({} if frame.rate is None else {"rate": frame.rate})
            for frame in result.frames
        ]
    return fields


def _plain(region: Region) -> dict[str, Any]:
    return {"text": region.text, "x": region.x, "y": region.y, "w": region.w, "h": region.h}


def encoded(result: Result) -> bytes:
    """The result as a line of JSON in UTF-8, its end included.

    What no UTF-8 can say, the name of a file in another encoding, is escaped as JSON can.
    """
    try:
        return msgspec.json.encode(_fields(result)) + b"\n"
    except UnicodeEncodeError:
        return json.dumps(fields_of(result)).encode() + b"\n"


def value_of(text: bytes | str) -> Any:
    """What a text of JSON says.

    Raises:
        ValueError: It is none.
    """
    try:
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError:
            return json.loads(text)  # which reads lone surrogates, too
    except RecursionError:
        raise ValueError("nested too deeply") from None


def decoded(line: bytes | str) -> Result:
    """The result that a line of JSON says.

    Raises:
        ValueError: It says none.
    """
    fields = value_of(line)
    if not isinstance(fields, dict):
        raise ValueError("not an object")  # noqa: TRY004 - it is the text that is wrong
    if fields.pop("ok", None) is True:
        return msgspec.convert(fields, Read)
    return msgspec.convert(fields, Unread)
