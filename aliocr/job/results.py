"""Reads back what a job has written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from aliocr.job.record import Result, decoded

__all__ = ["results"]


def results(path: str | Path) -> Iterator[Result]:
    """The rows of an output, in the order of the file; a line that is not whole yet is left out.

    Args:
        path: JSON lines.

    Raises:
        ValueError: There is no such file, it cannot be read, or it is no output of a job; names
            file and line.
    """
    try:
        with Path(path).open("rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    yield decoded(line)
                except ValueError as error:
                    if not line.endswith(b"\n"):
                        return  # a job may be writing it
                    why = f"{path}, line {number}: not a row of a job's output: {error}"
                    raise ValueError(why) from None
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror or error}") from None
