"""Read the results of an output, in any of its formats."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from aliocr.job.output.codecs import CSV, Codec, JSONLines
from aliocr.job.output.parquet import MAGIC, parquet_results
from aliocr.job.output.result import Result


def results(path: str | Path) -> Iterator[Result]:
    """Return the results of a job, in the order of its output, not of its input.

    The results are in the order in which the replies came; `row` is the number of the row in the
    input. The output can be read while the job runs; if the last record is not complete yet, it is
    left out.

    Args:
        path: An output in JSON lines, CSV or Parquet. The first bytes of the file show the format.

    Raises:
        ValueError: The file is not an output of a job; the message names the file and the record.
        ImportError: The file is Parquet, and the extra `parquet` is missing.
        OSError: The file cannot be read.
    """
    path = Path(path)
    mode = path.stat().st_mode
    # Refuse devices, which may have no end, and pipes, which cannot be read twice. A folder passes
    # here, because `open` raises an error that says it is a folder.
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise ValueError(f"{path} is not a regular file, so it is not an output of a job")
    with path.open("rb") as file:
        start = file.read(max(len(MAGIC), len(CSV.header)))
    if start.startswith(MAGIC):
        return parquet_results(path)
    return _results(path, CSV() if start == CSV.header else JSONLines())


def _results(path: Path, codec: Codec) -> Iterator[Result]:
    with path.open("rb") as file:
        file.seek(len(codec.header))
        for number, record in enumerate(codec.records(file), 1):
            try:
                yield codec.decode(record)
            except ValueError as error:
                if not record.endswith(b"\n"):
                    return
                raise ValueError(
                    f"{path} is not an output of a job: record {number}: {error}"
                ) from None
