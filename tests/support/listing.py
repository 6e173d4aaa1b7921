"""Inputs of jobs in memory, and all that a reader gives of them."""

from __future__ import annotations

import io
from contextlib import closing
from typing import Any

from aliocr.job.input.opening import InputSource, opened
from aliocr.job.input.rows import BadRow, Checkpoint, Reader, Row, RowOrBad


def piped(data: bytes | str, format_: str | None, **more: Any) -> Reader:
    """A reader of what is piped in, at its beginning or at a `checkpoint`."""
    raw = data.encode() if isinstance(data, str) else data
    checkpoint = more.pop("checkpoint", None)
    reader = opened(io.BytesIO(raw), input_format=format_, **more)
    if checkpoint is not None:
        reader.skip_to(checkpoint)
    return reader


def rows_of(data: bytes | str, format_: str | None, **more: Any) -> list[RowOrBad]:
    """All rows of what is piped in."""
    return list(piped(data, format_, **more))


def rows_in(path: InputSource, **more: Any) -> list[RowOrBad]:
    """All rows of a file, a folder, or several."""
    with closing(opened(path, **more)) as reader:
        return list(reader)


def sources_of(rows: list[RowOrBad]) -> list[str]:
    """The images, none of the rows being bad."""
    assert all(isinstance(row, Row) for row in rows), rows
    return [row.source for row in rows]


def bad_of(rows: list[RowOrBad]) -> list[tuple[int, int | None, str]]:
    """Number, line and problem of each bad row."""
    return [(row.number, row.line, row.problem) for row in rows if isinstance(row, BadRow)]


def checkpointed(data: bytes, format_: str, **more: Any) -> tuple[list[RowOrBad], list[Checkpoint]]:
    """All rows, and the checkpoint before the first and after each."""
    reader = piped(data, format_, **more)
    checkpoints, rows = [reader.checkpoint], []
    for row in reader:
        rows.append(row)
        checkpoints.append(reader.checkpoint)
    return rows, checkpoints
