"""Promises of an output in any format."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from aliocr.job.output.ledger import Ledger, OutputFormat
from aliocr.job.output.parquet import StagedResults
from aliocr.job.output.read_back import results
from aliocr.job.output.result import Read, Result
from aliocr.job.output.result_file import ResultFile

FORMATS: list[OutputFormat] = ["jsonl", "csv", "parquet"]


@pytest.mark.parametrize("output_format", FORMATS)
def test_what_comes_while_others_are_made_lasting_is_next(
    output_format: OutputFormat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answers do not wait for the disk, and none of them is lost or kept twice for that."""
    if output_format == "parquet":
        pytest.importorskip("pyarrow")
    first, second = (Read(row=row, source=str(row), text="text") for row in (1, 2))
    output = tmp_path / f"results.{output_format}"
    ledger = Ledger(output, output_format, "")
    kind = StagedResults if output_format == "parquet" else ResultFile
    sync = kind.sync

    def busy(self: Any, synced: Sequence[Result]) -> None:
        ledger.write([second])
        sync(self, synced)

    ledger.write([first])
    monkeypatch.setattr(kind, "sync", busy)
    ledger.commit(1, duplicates=0)
    monkeypatch.undo()
    assert (ledger.result(1), ledger.result(2)) == (first, None)
    assert (ledger.has(1), ledger.has(2)) == (True, False)
    ledger.commit(2, duplicates=0)
    assert (ledger.result(1), ledger.result(2)) == (first, second)
    ledger.close()
    assert list(results(output)) == [first, second]


def test_a_parquet_file_is_not_written_for_nothing(tmp_path: Path) -> None:
    """To look whether there is more to do leaves it as it is; one that is gone is made again."""
    pytest.importorskip("pyarrow")
    output = tmp_path / "results.parquet"
    ledger = Ledger(output, "parquet", "")
    ledger.write([Read(row=1, source="a", text="")])
    ledger.commit(1, duplicates=0)
    ledger.close()
    before, written = output.stat(), list(results(output))
    Ledger(output, "parquet", "").close()
    assert (output.stat().st_ino, output.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    output.unlink()
    Ledger(output, "parquet", "").close()
    assert list(results(output)) == written
