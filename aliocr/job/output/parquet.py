"""Parquet output: write and read results in columns. Needs the extra `parquet`.

Nothing can be appended to a Parquet file, and it cannot be read before its end is written. So the
journal keeps the results during the job. When the job ends or stops, the file is written with an
atomic write.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

from aliocr.atomic_file import sync_folder
from aliocr.extras import needed
from aliocr.job.output.codecs import ADDED, COLUMNS, OWN, code_of, fields_of, result_of
from aliocr.job.output.journal import Journal
from aliocr.job.output.result import Result

ROWS_PER_GROUP = 10_000
"""Number of rows in a row group of the file. One row group is held in memory; its text and
positions take some 40 MB."""


class StagedResults:
    """Keeps results in the journal until the file is written; has the methods of `ResultFile`.

    The place of a result is the number of its row.

    Raises:
        ImportError: The extra is missing; the message says how to get it.
    """

    def __init__(self, path: Path, journal: Journal) -> None:
        _pyarrow()
        self._path = path
        self._journal = journal
        self.length = 0

    def append(self, results: Sequence[Result]) -> list[int]:
        """Return the places; write nothing yet, because another thread may be using the journal."""
        return [result.row for result in results]

    def sync(self, results: Sequence[Result]) -> None:
        """Give results to the journal; the next `change` of the journal commits them."""
        self._journal.stage(results)

    def read(self, place: int) -> Result:
        """Return the result of a row."""
        return next(self._journal.staged(place))

    def retry(self, kinds: frozenset[str], through: int) -> None:
        """Remove failures from the journal, so that the next file does not have them."""
        with self._journal.change(through=through, published=False):
            self._journal.retry(kinds)

    def publish(self) -> None:
        """Write the file with all results, unless the file has all results already.

        Raises:
            OSError: The file cannot be written; an earlier file is kept.
        """
        if self._journal.state.published and self._path.exists():
            return
        draft = self._path.with_name(f".{self._path.name}.draft")
        pyarrow = _pyarrow()
        schema = _schema(pyarrow)
        results = self._journal.staged()
        try:
            with pyarrow.parquet.ParquetWriter(draft, schema, compression="zstd") as file:
                while group := [_row(result) for result in islice(results, ROWS_PER_GROUP)]:
                    file.write_table(pyarrow.Table.from_pylist(group, schema=schema))
            with draft.open("rb") as written:
                os.fsync(written.fileno())
            if self._path.exists():
                shutil.copymode(self._path, draft)
            draft.replace(self._path)
        finally:
            draft.unlink(missing_ok=True)
        sync_folder(self._path)
        with self._journal.change(published=True):
            pass

    def close(self) -> None:
        """Do nothing, because no file is open."""


def _row(result: Result) -> dict[str, Any]:
    fields = {name: _text(value) for name, value in fields_of(result).items()}
    return fields | {"code": None if fields["code"] is None else str(fields["code"])}


def _text(value: Any) -> Any:
    """Return a value in which characters that UTF-8 cannot encode are escaped like in Python."""
    match value:
        case str():
            return value.encode("utf-8", "backslashreplace").decode()
        case list():
            return [_text(each) for each in value]
        case dict():
            return {name: _text(each) for name, each in value.items()}
        case _:
            return value


def parquet_results(path: Path) -> Iterator[Result]:
    """Yield the results in a file; raise a `ValueError` if the file is not an output of a job."""
    pyarrow = _pyarrow()
    try:
        file = pyarrow.parquet.ParquetFile(path)
    except pyarrow.ArrowInvalid as error:
        raise ValueError(f"{path} is not a Parquet file: {error}") from None
    with file:
        missing = set(COLUMNS) - ADDED - set(OWN) - set(file.schema_arrow.names)
        if missing:
            raise ValueError(f"{path} is not an output of a job: no column {min(missing)!r}")
        rows = chain.from_iterable(batch.to_pylist() for batch in file.iter_batches(1_000))
        for number, row in enumerate(rows, 1):
            fields = {"row": number} | row
            if fields["code"] is not None:
                fields["code"] = code_of(fields["code"])
            yield result_of(fields)


def _schema(pyarrow: Any) -> Any:
    text, number, whole = pyarrow.string(), pyarrow.float64(), pyarrow.int64()
    region = pyarrow.struct([("text", text), *((side, number) for side in "xywh")])
    frame = pyarrow.struct(
        [("text", text), ("regions", pyarrow.list_(region)), ("url", text), ("rate", number)]
    )
    kinds = {
        "row": whole,
        "line": whole,
        "ok": pyarrow.bool_(),
        "regions": pyarrow.list_(region),
        "frames": pyarrow.list_(frame),
        "rate": number,
        "interval": whole,
        "max_frames": whole,
        "needs_review": pyarrow.bool_(),
        "transient": pyarrow.bool_(),
        "maybe_charged": pyarrow.bool_(),
    }
    return pyarrow.schema([(name, kinds.get(name, text)) for name in COLUMNS])


def _pyarrow() -> Any:
    with needed("parquet"):
        import pyarrow as pa  # noqa: PLC0415 - an optional and large package
        import pyarrow.parquet  # noqa: PLC0415
    return pa
