"""The results in an output of a job."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from aliocr.job.record import Result, decoded

__all__ = ["results"]


def results(path: str | Path) -> Iterator[Result]:
    """What became of each row of a job, in the order of its output.

    Args:
        path: An output in JSON lines.

    Raises:
        ValueError: It is no output of a job; the message names it and the record.
        OSError: It cannot be read.
    """
    with Path(path).open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                yield decoded(line)
            except ValueError as error:
                raise ValueError(
                    f"{path} is no output of a job: record {number}: {error}"
                ) from None
