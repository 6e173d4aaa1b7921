"""Records of an output as bytes, one after the other: JSON lines, and CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import Any, BinaryIO, Protocol

import msgspec

from aliocr.job.csv_module import own_csv
from aliocr.job.output.result import Read, Result, Unread, decoded, encoded, fields_of, value_of

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
"""Of outputs that have columns: the fields of `Read`, then those of `Unread` besides."""

_NESTED = ("regions", "frames")

MOST_CHARACTERS = 1 << 30
"""Of a field: the regions of a large page are more than a field of a usual table may hold."""

_csv = own_csv(MOST_CHARACTERS)


class Codec(Protocol):
    """A format whose records can be appended to a file."""

    header: bytes
    """What the file begins with."""

    def encode(self, result: Result) -> bytes:
        """The record of a result, its end included."""
        ...

    def decode(self, record: bytes) -> Result:
        """The result of a record.

        Raises:
            ValueError: It is none.
        """
        ...

    def records(self, file: BinaryIO) -> Iterator[bytes]:
        """The records from here on; the last one may be cut off, and then has no end."""
        ...


class JSONLines:
    """An object a line."""

    header = b""

    def encode(self, result: Result) -> bytes:
        """A line."""
        return encoded(result)

    def decode(self, record: bytes) -> Result:
        """Of a line; one without an end was cut."""
        if not record.endswith(b"\n"):
            raise ValueError("the record is cut off")
        return decoded(record)

    def records(self, file: BinaryIO) -> Iterator[bytes]:
        """The lines."""
        return iter(file)


class CSV:
    """A table with a line of column names; positions and frames as JSON."""

    header = (",".join(COLUMNS) + "\r\n").encode()

    def encode(self, result: Result) -> bytes:
        """A row of the table, which may have line breaks within quotes."""
        fields = fields_of(result) | {"ok": "true" if result.ok else "false"}
        if isinstance(result, Unread):
            fields["maybe_charged"] = "true" if result.maybe_charged else "false"
        for name in _NESTED:
            if name in fields:
                fields[name] = msgspec.json.encode(fields[name]).decode()
        row = io.StringIO()
        csv.writer(row).writerow([fields.get(name) for name in COLUMNS])
        return row.getvalue().encode("utf-8", "backslashreplace")

    def decode(self, record: bytes) -> Result:
        """Of a row of the table; one without an end was cut."""
        if not record.endswith(b"\r\n"):
            raise ValueError("the record is cut off")
        try:
            (values,) = _csv.reader(io.StringIO(record.decode(), newline=""), strict=True)
        except _csv.Error as error:
            raise ValueError(str(error)) from None
        if len(values) != len(COLUMNS):
            raise ValueError(f"{len(values)} columns instead of {len(COLUMNS)}")
        return _result(dict(zip(COLUMNS, values, strict=True)))

    def records(self, file: BinaryIO) -> Iterator[bytes]:
        """The rows: a line that ends within quotes goes on in the next."""
        record = b""
        for line in file:
            record += line
            if record.count(b'"') % 2 == 0:
                yield record
                record = b""
        if record:
            yield record


_NUMBERS: dict[str, type[int | float]] = {
    "row": int,
    "line": int,
    "interval": int,
    "max_frames": int,
    "rate": float,
}


def _result(row: dict[str, str]) -> Result:
    """What a row of the table says, an empty field being one that is not there."""
    fields: dict[str, Any] = {name: value for name, value in row.items() if value}
    read = fields.pop("ok", None) == "true"
    for name, kind in _NUMBERS.items():
        if name in fields:
            fields[name] = kind(fields[name])
    if read:
        for name in _NESTED:
            fields[name] = value_of(fields.get(name, "[]"))
        return msgspec.convert({"source": "", "text": ""} | fields, Read)
    if "code" in fields:
        fields["code"] = code_of(fields["code"])
    fields["maybe_charged"] = fields.get("maybe_charged") == "true"
    return msgspec.convert({"source": "", "error": ""} | fields, Unread)


def code_of(text: str) -> int | str:
    """A code of the service as it was: a number inside a reply, a word from the gateway."""
    return int(text) if re.fullmatch(r"-?[0-9]{1,18}", text) else text
