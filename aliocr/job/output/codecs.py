"""Codecs: encode results as JSON lines or CSV, and decode them.

`result_file` appends the encoded bytes to the output, and `read_back` decodes an output. The
journal holds JSON lines while the output is Parquet. This module uses no job and no journal.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO, TypeAlias

import attrs
import msgspec

from aliocr.job.csv_module import own_csv
from aliocr.job.output.result import Read, Result, Unread
from aliocr.models import Region

COLUMNS = (
    "row",
    "line",
    "id",
    "source",
    "ok",
    "text",
    "regions",
    "frames",
    "label",
    "suggestion",
    "rate",
    "interval",
    "max_frames",
    "task_id",
    "request_id",
    "kind",
    "code",
    "error",
    "maybe_charged",
)
"""Columns of CSV and Parquet: the fields of `Read`, then the fields that only `Unread` has."""

# The limit is the size of a field in characters. We chose a high limit, because the regions of a
# large page are longer than the parser's default limit.
_csv = own_csv(1 << 30)

_NUMBERS = {"row": int, "line": int, "interval": int, "max_frames": int, "rate": float}

_NAMES = {kind: tuple(attrs.fields_dict(kind)) for kind in (Read, Unread)}

_ALWAYS = {"row", "source", "ok", "text", "regions", "kind", "code", "error"}
"""Fields that are written even if they are empty, so that a program always finds them."""


def fields_of(result: Result) -> dict[str, Any]:
    """Return a result as plain values, in the order of its fields.

    Empty fields are left out, except the fields in `_ALWAYS`.
    """
    fields = _fields(result)
    if isinstance(result, Read):
        fields["regions"] = [_plain(region) for region in result.regions]
        for frame in fields.get("frames", ()):
            frame["regions"] = [_plain(region) for region in frame["regions"]]
    return fields


def _fields(result: Result) -> dict[str, Any]:
    # Like `fields_of`, but leave `Region` objects as they are: msgspec encodes them like dicts.
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


def encode_json(result: Result) -> bytes:
    """Return the result as a line of JSON in UTF-8, with its line end.

    Characters that UTF-8 cannot encode are escaped; a file name in another encoding may have them.
    """
    try:
        return msgspec.json.encode(_fields(result)) + b"\n"
    except UnicodeEncodeError:
        return json.dumps(fields_of(result)).encode() + b"\n"


def decode_json(line: bytes | str) -> Result:
    """Return the result in a line of JSON; raise a `ValueError` if the line has no result."""
    fields = _value_of(line)
    if not isinstance(fields, dict):
        raise ValueError("not an object")  # noqa: TRY004 - the text is wrong, not a type
    if fields.pop("ok", None) is True:
        return msgspec.convert(fields, Read)
    return msgspec.convert(fields, Unread)


def _value_of(text: bytes | str) -> Any:
    try:
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError:
            return json.loads(text)  # `json` also decodes lone surrogates
    except RecursionError:
        raise ValueError("nested too deeply") from None


class JSONLines:
    """Codec for JSON lines: each record is a line of JSON."""

    header = b""

    def encode(self, result: Result) -> bytes:
        """Return the record of a result, with its line end."""
        return encode_json(result)

    def decode(self, record: bytes) -> Result:
        """Return the result in a record; raise a `ValueError` if the record is wrong or cut off."""
        if not record.endswith(b"\n"):
            raise ValueError("the record is cut off")
        return decode_json(record)

    def records(self, file: BinaryIO) -> Iterator[bytes]:
        """Return the records from the current position on; the last record may be cut off."""
        return iter(file)


class CSV:
    """Codec for CSV with a line of column names; regions and frames are JSON."""

    header = (",".join(COLUMNS) + "\r\n").encode()

    def encode(self, result: Result) -> bytes:
        """Return the row of a result, which may have line breaks within quotes."""
        fields = fields_of(result) | {"ok": "true" if result.ok else "false"}
        if isinstance(result, Unread):
            fields["maybe_charged"] = "true" if result.maybe_charged else "false"
        for name in ("regions", "frames"):
            if name in fields:
                fields[name] = msgspec.json.encode(fields[name]).decode()
        row = io.StringIO()
        csv.writer(row).writerow([fields.get(name) for name in COLUMNS])
        return row.getvalue().encode("utf-8", "backslashreplace")

    def decode(self, record: bytes) -> Result:
        """Return the result in a row; raise a `ValueError` if the row is wrong or cut off."""
        if not record.endswith(b"\r\n"):
            raise ValueError("the record is cut off")
        try:
            (values,) = _csv.reader(io.StringIO(record.decode(), newline=""), strict=True)
        except _csv.Error as error:
            raise ValueError(str(error)) from None
        if len(values) != len(COLUMNS):
            raise ValueError(f"{len(values)} columns instead of {len(COLUMNS)}")
        row = zip(COLUMNS, values, strict=True)
        fields: dict[str, Any] = {
            name: _NUMBERS.get(name, str)(value) for name, value in row if value
        }
        if fields.pop("ok", None) == "true":
            for name in ("regions", "frames"):
                fields[name] = _value_of(fields.get(name, "[]"))
            return msgspec.convert({"source": "", "text": ""} | fields, Read)
        if "code" in fields:
            fields["code"] = code_of(fields["code"])
        fields["maybe_charged"] = fields.get("maybe_charged") == "true"
        return msgspec.convert({"source": "", "error": ""} | fields, Unread)

    def records(self, file: BinaryIO) -> Iterator[bytes]:
        """Yield the rows from the current position; rows may have line breaks within quotes."""
        record = b""
        for line in file:
            record += line
            if record.count(b'"') % 2 == 0:
                yield record
                record = b""
        if record:
            yield record


Codec: TypeAlias = JSONLines | CSV
"""The codec of a format in which records can be appended to a file."""


def code_of(text: str) -> int | str:
    """Return a code of the service: a number from a reply, or a word from the gateway."""
    return int(text) if re.fullmatch(r"-?[0-9]{1,18}", text) else text
