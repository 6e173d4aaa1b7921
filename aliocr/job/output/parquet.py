"""Parquet output: write and read results in columns. Needs the extra `parquet`.

Nothing can be appended to a Parquet file, and it cannot be read before its end is written. So the
journal keeps the results during the job. When the job ends or stops, the file is written with an
atomic write.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Any

from aliocr.extras import needed
from aliocr.job.output.codecs import fields_of, result_of
from aliocr.job.output.journal import Journal
from aliocr.job.output.recovery import ending_of, is_known, rebuilt, strange, take_up
from aliocr.job.output.replacement import Replacement
from aliocr.job.output.result import Result
from aliocr.job.output.versions import OLDEST, OWN, Version

ROWS_PER_GROUP = 10_000
"""Number of rows in a row group of the file. One row group is held in memory; its text and
positions take some 40 MB."""

MAGIC = b"PAR1"
"""The first and the last bytes of every whole Parquet file."""


class StagedResults:
    """Keeps results in the journal until the file is written; has the methods of `ResultFile`.

    The place of a result is the number of its row. A file that is missing, empty or without its end
    is written again from the journal.

    Raises:
        ImportError: The extra is missing; the message says how to get it.
        OSError: The file cannot be read or written.
        ValueError: The file is not of this job; the message says what to do.
    """

    def __init__(self, path: Path, journal: Journal, version: Version) -> None:
        _pyarrow()
        self._path = path
        self._journal = journal
        self._version = version
        self._replacement = Replacement(path, journal)
        size = path.stat().st_size if path.exists() else 0
        if journal.is_new and size:
            facts = {"published": True, "length": size, "ending": ending_of(path, size)}
            with journal.change(**facts) as changed:
                found = ((result, result.row) for result in parquet_results(path))
                changed.update(rebuilt(journal, take_up(journal, found, path, version)))
        elif size and not self._is_as_written and not self._is_cut_off(size):
            raise ValueError(strange(path))

    @property
    def length(self) -> int:
        """The size of the file that was written last, in bytes; results do not change it."""
        return self._journal.state.length

    @property
    def _is_as_written(self) -> bool:
        path, state = self._path, self._journal.state
        return path.exists() and path.stat().st_size == state.length and is_known(path, state)

    def _is_cut_off(self, size: int) -> bool:
        with self._path.open("rb") as file:
            starts = MAGIC.startswith(file.read(len(MAGIC)))
            file.seek(max(0, size - len(MAGIC)))
            return starts and size < self.length and file.read() != MAGIC

    def append(self, results: Sequence[Result]) -> list[int]:
        """Return the places; write nothing yet, because another thread may be using the journal."""
        return [result.row for result in results]

    def sync(self, results: Sequence[Result]) -> None:
        """Give results to the journal; the next `change` of the journal commits them."""
        self._journal.stage(results, self._version)

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
        if self._journal.state.published and self._is_as_written:
            return
        try:
            self._write_draft()
            with self._journal.change(**self._replacement.facts()):
                pass
        except BaseException:
            self._replacement.drop()
            raise
        self._replacement.place()
        with self._journal.change(published=True):
            pass

    def _write_draft(self) -> None:
        pyarrow = _pyarrow()
        schema = _schema(pyarrow, self._version.columns)
        results = self._journal.staged()
        with self._replacement.open() as draft:
            with pyarrow.parquet.ParquetWriter(draft, schema, compression="zstd") as file:
                while group := [self._row(each) for each in islice(results, ROWS_PER_GROUP)]:
                    file.write_table(pyarrow.Table.from_pylist(group, schema=schema))
            draft.flush()
            os.fsync(draft.fileno())

    def _row(self, result: Result) -> dict[str, Any]:
        fields = fields_of(result, self._version, table=True)
        if fields.get("code") is not None:
            fields["code"] = str(fields["code"])
        return {name: _text(value) for name, value in fields.items()}

    def close(self) -> None:
        """Do nothing, because no file is open."""


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
    with _reading(path), _pyarrow().parquet.ParquetFile(path) as file:
        missing = set(OLDEST.columns) - set(OWN) - set(file.schema_arrow.names)
        if missing:
            raise ValueError(f"it has no column {min(missing)!r}")
        rows = chain.from_iterable(batch.to_pylist() for batch in file.iter_batches(1_000))
        for number, row in enumerate(rows, 1):
            yield result_of({"row": number} | row)


def parquet_columns(path: Path) -> tuple[str, ...]:
    """Return the names of the columns of a file; raise a `ValueError` if it is not Parquet."""
    with _reading(path), _pyarrow().parquet.ParquetFile(path) as file:
        return tuple(file.schema_arrow.names)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn the errors of a block that reads a file into a `ValueError`, but not those of a disk.

    For most damage PyArrow raises an `OSError`, which has no number of the system.
    """
    try:
        yield
    except (_pyarrow().ArrowException, ValueError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        why = (str(error).splitlines() or [""])[0]
        raise ValueError(f"{path} is not an output of a job, or is damaged: {why}") from None


def _schema(pyarrow: Any, columns: Iterable[str]) -> Any:
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
        "width": whole,
        "height": whole,
        "turn": whole,
        "interval": whole,
        "max_frames": whole,
        "needs_review": pyarrow.bool_(),
        "transient": pyarrow.bool_(),
        "maybe_charged": pyarrow.bool_(),
    }
    return pyarrow.schema([(name, kinds.get(name, text)) for name in columns])


def _pyarrow() -> Any:
    with needed("parquet"):
        import pyarrow as pa  # noqa: PLC0415 - an optional and large package
        import pyarrow.parquet  # noqa: PLC0415
    return pa
