"""Read the results of an output, in any of its formats and versions, with or without a journal."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from aliocr.job.output.codecs import CSV, Codec, JSONLines
from aliocr.job.output.parquet import MAGIC, parquet_columns, parquet_results
from aliocr.job.output.result import Result
from aliocr.job.output.result_file import results_from
from aliocr.job.output.versions import NEWEST, OLDEST, OWN, VERSIONS, Version, version_of

MOST_HEADER = 4096
"""Size of the start of a file in which its format is looked for, in bytes."""


def results(path: str | Path) -> Iterator[Result]:
    """Return the results of a job, in the order of its output, not of its input.

    The results are in the order in which the replies came; `row` is the number of the row in the
    input. The output can be read while the job runs; if the last record is not complete yet, it is
    left out.

    A file of outcomes that has no rows, such as what `aliocr scan --json` printed, can be read,
    too. Its rows are numbered from 1 on.

    Args:
        path: An output in JSON lines, CSV or Parquet. The first bytes of the file show the format.

    Raises:
        ValueError: The file is not such an output; the message names the file and the record.
        ImportError: The file is Parquet, and the extra `parquet` is missing.
        OSError: The file cannot be read.
    """
    path = Path(path)
    mode = path.stat().st_mode
    # Refuse devices, which may have no end, and pipes, which cannot be read twice. A folder passes
    # here, because `open` raises an error that says it is a folder.
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise ValueError(f"{path} is not a regular file, so it is not an output of a job")
    if (names := _csv_header(path)) is None:
        return parquet_results(path)
    return _results(path, CSV(columns=names) if names else JSONLines())


def _csv_header(path: Path) -> list[str] | None:
    """Return the columns that the first line of CSV names; empty for JSON lines; None for Parquet.

    Files of an earlier version lack some columns.
    """
    with path.open("rb") as file:
        start = file.read(MOST_HEADER)
    if start.startswith(MAGIC):
        return None
    names = start.partition(b"\r\n")[0].decode(errors="replace").split(",")
    return names if set(OLDEST.columns) - set(OWN) <= set(names) else []


def _results(path: Path, codec: Codec) -> Iterator[Result]:
    with path.open("rb") as file:
        file.seek(len(codec.header))
        for number, record in enumerate(codec.records(file), 1):
            try:
                yield codec.decode(record, number)
            except ValueError as error:
                if _is_cut(record, codec):
                    return
                raise ValueError(
                    f"{path} is not an output of a job: record {number}: {error}"
                ) from None


def _is_cut(record: bytes, codec: Codec) -> bool:
    """Return True if the rest of the last record may be missing, because a job is writing it."""
    if record.endswith(b"\n"):
        return False
    if codec.header:  # the file begins as an output does
        return True
    try:
        msgspec.json.decode(record)
    except ValueError:
        return record.startswith(b"{")
    return False


def written_in(path: Path) -> Version | None:
    """Return the version of the rows of an output; None if it has no row, or rows of others."""
    with suppress(ValueError):
        return version_of(_columns_in(path)) if has_bytes(path) else None
    return None


def _columns_in(path: Path) -> tuple[str, ...]:
    """Return the columns of an output, in JSON lines those of its first record.

    Raises:
        ValueError: The file is not an output.
    """
    if (names := _csv_header(path)) is None:
        return parquet_columns(path)
    if names:
        return tuple(names)
    with path.open("rb") as file:
        return tuple(msgspec.json.decode(file.readline(), type=dict[str, msgspec.Raw]))


def codec_of(output_format: str, version: Version) -> Codec:
    """Return the codec of a format in which results are appended."""
    return CSV(version) if output_format == "csv" else JSONLines(version)


def has_lost_journal(path: Path, journal: Path, output_format: str) -> bool:
    """Return True if an output has no journal; refuse a file that is not an output of a job."""
    if not has_bytes(path) or has_bytes(journal):
        return False
    for header in (CSV(version).header for version in VERSIONS.values()):
        with path.open("rb") as file:
            if header.startswith(file.read(len(header) + 1)):
                return False  # a run ended before its first result
    with suppress(ValueError):
        # `aliocr scan --json` writes no rows.
        if written_in(path) and next(found_in(path, output_format), None):
            return True
    raise ValueError(_newer(path) or in_the_way(path))


def _newer(path: Path) -> str:
    """Return the message for an output of a newer version; empty if the file is none."""
    known = set(NEWEST.columns)
    with suppress(ValueError):
        columns = _columns_in(path)
        unknown = next((name for name in columns if name not in known), None)
        if unknown is not None and known <= set(columns):
            return (
                f"{path} has a column {unknown!r}, which this version of aliocr does not know: "
                "upgrade aliocr, or give another output"
            )
    return ""


def found_in(path: Path, output_format: str) -> Iterator[tuple[Result, int]]:
    """Yield the results of an output that has no journal, each with its place."""
    if output_format == "parquet":
        yield from ((result, result.row) for result in parquet_results(path))
    else:
        codec = codec_of(output_format, written_in(path) or NEWEST)
        for place, _, result in results_from(path, codec):
            yield result, place


def in_the_way(path: Path) -> str:
    """Return the message for a file that is no output of a job."""
    return (
        f"{path} is there already, without a journal of a job beside it: give another output, or "
        "move the file away"
    )


def has_bytes(path: Path) -> bool:
    """Return True if there is a file, and it is not empty."""
    return path.exists() and path.stat().st_size > 0
