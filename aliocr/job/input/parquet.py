"""Read images that are listed in a Parquet file."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, BinaryIO

from aliocr.extras import needed
from aliocr.job.errors import InputError
from aliocr.job.input.columns import Choice, described, id_name, row_of, source_name
from aliocr.job.input.ids import Ids
from aliocr.job.input.lines import DIGEST_BYTES, shown
from aliocr.job.input.parquet_ids import can_be_ids, id_values
from aliocr.job.input.rows import Checkpoint, Reader, RowOrBad, changed

ROWS_AT_ONCE = 4096
"""Number of rows decoded in one step."""

BUFFER = 1 << 20
"""Maximum number of bytes of one column that PyArrow reads in one step. Without this limit PyArrow
reads a column of a whole row group in one step; in many files, this is the column of all rows."""

TAIL = 8
"""Number of bytes after the footer: 4 for the footer's length, and 4 for `PAR1`. Source: the
format's specification."""


class ParquetReader(Reader):
    """Reads the rows of the table, but only the columns of images and ids.

    `close` also closes the file. `where` is the path of the file, for messages.
    """

    def __init__(self, file: BinaryIO, where: str, choice: Choice) -> None:
        with needed("parquet"):
            import pyarrow as pa  # noqa: PLC0415 - from the extra
            from pyarrow import parquet  # noqa: PLC0415 - from the extra
        self._file = file
        self._where = where
        self._unreadable = (pa.ArrowException, OSError)
        self._digest = _digest(file, where)
        try:
            self._table = parquet.ParquetFile(file, buffer_size=BUFFER, pre_buffer=False)
            schema = self._table.schema_arrow
        except self._unreadable as error:
            raise InputError(f"{where} cannot be read as Parquet: {_reason(error)}") from None
        column = source_name(schema.names, choice, where)
        id_column = id_name(schema.names, choice, where)
        self.ids = Ids(asked=choice.id_column is not None)
        _check_images(schema, column, where)
        if id_column is not None and not can_be_ids(schema.field(id_column).type):
            kind = f"{shown(str(schema.field(id_column).type))} in its column {shown(id_column)}"
            if self.ids.asked:
                raise InputError(
                    f"{where} has {kind}, which cannot be ids; give a column of texts or numbers"
                )
            self.ids.reason, id_column = f"it has {kind}", None
        self.columns = self.ids.columns = column, id_column

    def __iter__(self) -> Iterator[RowOrBad]:
        """Yield the rows from the current position, in the order of the file.

        Row groups that end before this position are not read.
        """
        metadata = self._table.metadata
        skipped, group = self._number, 0
        while group < metadata.num_row_groups and skipped >= metadata.row_group(group).num_rows:
            skipped -= metadata.row_group(group).num_rows
            group += 1
        column, id_column = self.ids.columns
        columns = [column] if id_column is None else [column, id_column]
        groups = range(group, metadata.num_row_groups)
        pieces = self._table.iter_batches(ROWS_AT_ONCE, groups, columns, use_threads=False)
        try:
            for piece in pieces:
                rest = piece.slice(min(skipped, piece.num_rows))
                skipped -= piece.num_rows - rest.num_rows
                sources = _values(rest.column(column))
                names: list[Any] = [None] * len(sources)
                if id_column is not None:
                    names = id_values(rest.column(id_column))
                for source, name in zip(sources, names, strict=True):
                    self._number += 1
                    yield row_of(self._number, source, name, None, self.ids)
        except self._unreadable as error:
            raise InputError(
                f"{self._where} cannot be read past row {self._number:,}: {_reason(error)}"
            ) from error

    def compare(self, checkpoint: Checkpoint) -> None:
        """Check that the footer has not changed. The rows themselves are not compared."""
        if checkpoint.number and checkpoint.digest != self._digest:
            raise changed(self._where, "its footer differs")

    def finish(self) -> str:
        """Return the hash of the footer."""
        return self._digest

    @property
    def checkpoint(self) -> Checkpoint:
        """The position after the last row that was returned."""
        return Checkpoint(self._number, self._number, 0, self._digest)

    @property
    def share(self) -> float | None:
        """The share of the rows that were returned, from 0 to 1."""
        rows = self._table.metadata.num_rows
        return self._number / rows if rows else 1.0

    @property
    def description(self) -> str:
        """Text that names the columns of images and ids."""
        return described(*self.ids.columns) + self.note

    def close(self) -> None:
        """Close the file. May be called more than once."""
        self._table.close()
        self._file.close()


def _digest(file: BinaryIO, where: str) -> str:
    """Return the hash of the footer, which has the position and a description of each column."""
    try:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - TAIL))
        tail = file.read(TAIL)
        length = int.from_bytes(tail[:4], "little")
        if size < TAIL + 4 or tail[4:] != b"PAR1" or length > size - TAIL:
            raise InputError(f"{where} is not a Parquet file, or its end is missing")
        file.seek(size - TAIL - length)
        footer = file.read(length)
        file.seek(0)
    except OSError as error:
        raise InputError(f"{where} cannot be read: {_reason(error)}") from error
    return hashlib.blake2b(footer, digest_size=DIGEST_BYTES).hexdigest()


def _check_images(schema: Any, column: str, where: str) -> None:
    """Raise `InputError` if the column of images has no texts."""
    import pyarrow as pa  # noqa: PLC0415 - from the extra

    types = pa.types
    kind = schema.field(column).type
    held = kind.value_type if types.is_dictionary(kind) else kind
    if not (
        types.is_null(held)  # a part of a table in which no row has an image
        or types.is_string(held)
        or types.is_large_string(held)
        or types.is_string_view(held)
        or types.is_binary(held)
        or types.is_large_binary(held)
    ):
        raise InputError(
            f"{where} has {kind} in its column {column}, not URLs or paths; give a column of texts"
        )


def _values(column: Any) -> list[Any]:
    """Return the cells of a column. Text that is not UTF-8 is returned as bytes, for a bad row."""
    import pyarrow as pa  # noqa: PLC0415 - from the extra

    try:
        values: list[Any] = column.to_pylist()
    except UnicodeDecodeError:
        values = column.cast(pa.large_binary()).to_pylist()
    for at, value in enumerate(values):
        if type(value) is bytes:
            with suppress(UnicodeDecodeError):
                values[at] = value.decode()
    return values


def _reason(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0].rstrip(".")
