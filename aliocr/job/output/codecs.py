"""Codecs: encode results as JSON lines or CSV, and decode them.

`result_file` appends the encoded bytes to the output, and `read_back` decodes an output. The
journal holds JSON lines while the output is Parquet. This module uses no job and no journal.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO, TypeAlias

import msgspec

from aliocr.columns import COLUMNS as OUTCOME_COLUMNS
from aliocr.columns import columns_of, plain_regions
from aliocr.job.csv_module import own_csv
from aliocr.job.output.result import Read, Result, Unread
from aliocr.job.output.versions import NEWEST, Version, filled

# The limit is the size of a field in characters. We chose a high limit, because the regions of a
# large page are longer than the parser's default limit.
_csv = own_csv(1 << 30)

_WHOLE_NUMBERS = ("row", "line", "interval", "max_frames", "width", "height", "turn")
_NUMBERS = dict.fromkeys(_WHOLE_NUMBERS, int) | {"rate": float}
_CLAIMS = ("ok", "needs_review", "transient", "maybe_charged")
_LISTS = ("regions", "frames")

_REQUIRED = ("source", "text", "kind", "error")
"""Texts that may be empty; another empty text stands for nothing."""


def fields_of(
    result: Result,
    version: Version = NEWEST,
    regions: Callable[[Iterable[Any]], Any] = plain_regions,
    *,
    table: bool = False,
) -> dict[str, Any]:
    """Return the columns of a result, as `aliocr.Scan.to_dict` returns those of a scan."""
    values = {name: getattr(result, name, None) for name in OUTCOME_COLUMNS}
    own = {"row": result.row, "line": result.line, "id": result.id or ""}
    return version.fields(own | columns_of(values, whole_urls=True, regions=regions), table=table)


def result_of(fields: Mapping[str, Any]) -> Result:
    """Return the result with these columns; raise a `ValueError` if they are not of a result."""
    told = {
        name: value
        for name, value in fields.items()
        if value is not None and (value != "" or name in _REQUIRED)
    }
    if isinstance(code := told.get("code"), str):
        told["code"] = code_of(code)
    if told.pop("ok", None) is not True:
        return msgspec.convert(told, Unread)
    if isinstance(frames := told.get("frames"), list):
        told["frames"] = [filled(each) if isinstance(each, dict) else each for each in frames]
    return msgspec.convert(told, Read)


def code_of(text: str) -> int | str:
    """Return a code of the service: a number from a reply, or a word from the gateway."""
    return int(text) if re.fullmatch(r"-?[0-9]{1,18}", text) else text


def encode_json(result: Result, version: Version = NEWEST) -> bytes:
    """Return the result as a line of JSON in UTF-8, with its line end.

    Characters that UTF-8 cannot encode are escaped; a file name in another encoding may have them.
    """
    try:
        # msgspec encodes `Region` objects like dicts.
        return msgspec.json.encode(fields_of(result, version, tuple)) + b"\n"
    except UnicodeEncodeError:
        return json.dumps(fields_of(result, version)).encode() + b"\n"


def decode_json(line: bytes | str, row: int | None = None) -> Result:
    """Return the result in a line of JSON; raise a `ValueError` if the line has no result.

    `row` is the number of a row whose line does not say it, as those of `aliocr scan --json`.
    """
    fields = _value_of(line)
    if not isinstance(fields, dict):
        raise ValueError("not an object")  # noqa: TRY004 - the text is wrong, not a type
    return result_of(fields if row is None else {"row": row} | fields)


def _value_of(text: bytes | str) -> Any:
    try:
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError:
            return json.loads(text)  # `json` also decodes lone surrogates
    except RecursionError:
        raise ValueError("nested too deeply") from None


class JSONLines:
    """Codec for JSON lines: each record is a line of JSON.

    Args:
        version: The version in which results are written; every version is read.
    """

    header = b""

    def __init__(self, version: Version = NEWEST) -> None:
        self._version = version

    def encode(self, result: Result) -> bytes:
        """Return the record of a result, with its line end."""
        return encode_json(result, self._version)

    def decode(self, record: bytes, row: int | None = None) -> Result:
        """Return the result in a record; raise a `ValueError` if the record is wrong or cut off.

        `row` is the number of the row if the record does not say it.
        """
        if not record.endswith(b"\n"):
            raise ValueError("the record is cut off")
        return decode_json(record, row)

    def records(self, file: BinaryIO) -> Iterator[bytes]:
        """Return the records from the current position on; the last record may be cut off."""
        return iter(file)


class CSV:
    """Codec for CSV with a line of column names; regions and frames are JSON.

    Args:
        version: The version in which results are written.
        columns: The columns of a file that is only read; None for those of the version.
    """

    def __init__(self, version: Version = NEWEST, columns: Sequence[str] | None = None) -> None:
        self._version = version
        self._columns = version.columns if columns is None else columns
        self.header = (",".join(self._columns) + "\r\n").encode()

    def encode(self, result: Result) -> bytes:
        """Return the row of a result, which may have line breaks within quotes."""
        fields = fields_of(result, self._version, table=True)
        for name in _CLAIMS:
            if fields.get(name) is not None:
                fields[name] = str(fields[name]).lower()
        for name in _LISTS:
            if name in fields:
                fields[name] = msgspec.json.encode(fields[name]).decode()
        row = io.StringIO()
        csv.writer(row).writerow([fields.get(name) for name in self._columns])
        return row.getvalue().encode("utf-8", "backslashreplace")

    def decode(self, record: bytes, row: int | None = None) -> Result:
        """Return the result in a row; raise a `ValueError` if the row is wrong or cut off.

        `row` is the number of the row if there is no column that says it.
        """
        if not record.endswith(b"\r\n"):
            raise ValueError("the record is cut off")
        try:
            (values,) = _csv.reader(io.StringIO(record.decode(), newline=""), strict=True)
        except _csv.Error as error:
            raise ValueError(str(error)) from None
        if len(values) != len(self._columns):
            raise ValueError(f"{len(values)} columns instead of {len(self._columns)}")
        fields: dict[str, Any] = {"row": row}
        for name, value in zip(self._columns, values, strict=True):
            if name in _CLAIMS:
                fields[name] = value == "true" if value else None
            elif name in _LISTS:
                fields[name] = _value_of(value or "[]")
            else:
                fields[name] = _NUMBERS.get(name, str)(value) if value else value
        return result_of(fields)

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
