"""Images listed in a Parquet file."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from aliocr.extras import needed
from aliocr.job.errors import InputError
from aliocr.job.input.columns import described, id_name, row_of, source_name
from aliocr.job.input.lines import DIGEST_BYTES
from aliocr.job.input.rows import Checkpoint, RowOrBad, changed

ROWS_AT_ONCE = 4096
"""Rows decoded at once."""

BUFFER = 1 << 20
"""Bytes read at once of a column. Without a bound PyArrow reads all that a row group has of it, and
many files have one group."""

TAIL = 8
"""Bytes of the end: the footer's length, and `PAR1`. Source: the format's specification."""


class ParquetReader:
    """A row for each row of the table; only the columns of images and ids are read.

    Args:
        file: The file, which is closed with the reader.
        path: Its path, for messages.
        column: The column of the images; None for the usual one.
        id_column: The column of the ids; None for the usual one, if there is one.

    Raises:
        InputError: It is no Parquet file, or has no such column of text.
        ImportError: The extra `parquet` is missing.
    """

    def __init__(
        self,
        file: BinaryIO,
        path: Path,
        column: str | None,
        id_column: str | None,
    ) -> None:
        with needed("parquet"):
            import pyarrow as pa  # noqa: PLC0415 - from the extra
            from pyarrow import parquet  # noqa: PLC0415 - from the extra
        self._file = file
        self._where = str(path)
        self._unreadable = (pa.ArrowException, OSError)
        self._digest = _digest(file, self._where)
        self._number = 0
        try:
            self._table = parquet.ParquetFile(file, buffer_size=BUFFER, pre_buffer=False)
            schema = self._table.schema_arrow
        except self._unreadable as error:
            raise InputError(f"{path} cannot be read as Parquet: {_reason(error)}") from None
        self._column = source_name(schema.names, column, self._where)
        self._id_column = id_name(schema.names, id_column, self._where)
        _check(schema, self._column, self._id_column, self._where)

    def __iter__(self) -> Iterator[RowOrBad]:
        """Give the rows from here on, in order."""
        pieces = self._pieces()
        while True:
            try:
                piece = next(pieces, None)
            except self._unreadable as error:
                raise InputError(
                    f"{self._where} cannot be read past row {self._number:,}: {_reason(error)}"
                ) from error
            if piece is None:
                return
            sources = _values(piece.column(self._column))
            names: list[Any] = [None] * len(sources)
            if self._id_column is not None:
                names = _values(piece.column(self._id_column))
            for source, name in zip(sources, names, strict=True):
                self._number += 1
                yield row_of(self._number, source, name, None, self._column)

    def compare(self, checkpoint: Checkpoint) -> None:
        """Check that the footer has not changed."""
        if checkpoint.number and checkpoint.digest != self._digest:
            raise changed(self._where, "its footer differs")

    def skip_to(self, checkpoint: Checkpoint) -> None:
        """Go to a checkpoint."""
        self.compare(checkpoint)
        self._number = checkpoint.number

    @property
    def checkpoint(self) -> Checkpoint:
        """The place after the last row that was given."""
        return Checkpoint(self._number, self._number, 0, self._digest)

    @property
    def share(self) -> float | None:
        """The part of the rows before the checkpoint, from 0 to 1."""
        rows = self._table.metadata.num_rows
        return self._number / rows if rows else 1.0

    @property
    def description(self) -> str:
        """The columns of images and ids."""
        return described(self._column, self._id_column)

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._table.close()
        self._file.close()

    def _pieces(self) -> Iterator[Any]:
        """Give the rows past the checkpoint; row groups before it are not read."""
        metadata = self._table.metadata
        skipped, group = self._number, 0
        while group < metadata.num_row_groups and skipped >= metadata.row_group(group).num_rows:
            skipped -= metadata.row_group(group).num_rows
            group += 1
        columns = [self._column] if self._id_column is None else [self._column, self._id_column]
        groups = range(group, metadata.num_row_groups)
        pieces = self._table.iter_batches(ROWS_AT_ONCE, groups, columns, use_threads=False)
        for piece in pieces:
            if skipped < piece.num_rows:
                yield piece.slice(skipped)
            skipped = max(0, skipped - piece.num_rows)


def _digest(file: BinaryIO, where: str) -> str:
    """Return the hash of the footer, which says where each column lies and what it holds."""
    try:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - TAIL))
        tail = file.read(TAIL)
        length = int.from_bytes(tail[:4], "little")
        if size < TAIL + 4 or tail[4:] != b"PAR1" or length > size - TAIL:
            raise InputError(f"{where} is no Parquet file, or its end is missing")
        file.seek(size - TAIL - length)
        footer = file.read(length)
        file.seek(0)
    except OSError as error:
        raise InputError(f"{where} cannot be read: {_reason(error)}") from error
    return hashlib.blake2b(footer, digest_size=DIGEST_BYTES).hexdigest()


def _check(schema: Any, column: str, id_column: str | None, where: str) -> None:
    """Refuse columns that do not hold texts, or ids."""
    import pyarrow as pa  # noqa: PLC0415 - from the extra

    types = pa.types
    texts = (
        types.is_string,
        types.is_large_string,
        types.is_string_view,
        types.is_binary,
        types.is_large_binary,
    )
    numbers = (types.is_integer, types.is_floating, types.is_decimal)

    def of_text(kind: Any) -> bool:
        held = kind.value_type if types.is_dictionary(kind) else kind
        return any(is_text(held) for is_text in texts)

    kind = schema.field(column).type
    if not of_text(kind):
        raise InputError(
            f"{where} has {kind} in its column {column}, not URLs or paths; name a column of text"
        )
    if id_column is not None:
        kind = schema.field(id_column).type
        if not of_text(kind) and not any(is_number(kind) for is_number in numbers):
            raise InputError(
                f"{where} has {kind} in its column {id_column}, which cannot be ids; name a column "
                "of text or numbers"
            )


def _values(column: Any) -> list[Any]:
    """Return the cells; text that is not UTF-8 as bytes, which make a bad row."""
    import pyarrow as pa  # noqa: PLC0415 - from the extra

    try:
        values: list[Any] = column.to_pylist()
    except UnicodeDecodeError:
        values = column.cast(pa.large_binary()).to_pylist()
    return [_text(value) if type(value) is bytes else value for value in values]


def _text(value: bytes) -> str | bytes:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value


def _reason(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0].rstrip(".")
