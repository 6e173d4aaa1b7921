"""A ledger stays true to its output, after any retry."""

from __future__ import annotations

import random
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aliocr.job.output import image_index
from aliocr.job.output.job_state import JobState
from aliocr.job.output.journal import Journal
from aliocr.job.output.ledger import Ledger, OutputFormat
from aliocr.job.output.read_back import results
from aliocr.job.output.result import Read, Result, Unread
from aliocr.job.output.rowset import RowSet

ROWS = st.integers(1, 200)

FAILURES: list[tuple[str, int | str | None]] = [
    ("BadRow", None),
    ("DownloadError", 404),
    ("ImageError", 590),
    ("ThrottledError", "Throttling.User"),
]


@given(st.integers(0, 30), st.lists(st.lists(ROWS)))
def test_a_set_of_rows_is_a_set(through: int, parts: list[list[int]]) -> None:
    """With all rows up to some row in it, whenever it is told to advance."""
    rows, model = RowSet(through=through), set(range(1, through + 1))
    for part in parts:
        rows.update(part)
        model.update(part)
        assert {row for row in range(1, 250) if row in rows} == model
        advanced = rows.advance()
        assert set(range(1, advanced + 1)) <= model
        assert advanced + 1 not in model
        behind = {row for row in model if row > advanced}
        assert rows.least == min(behind, default=None)
        assert rows.most == max(behind, default=None)
        assert {row for row in range(1, 250) if row in rows} == model


def some(chances: random.Random, row: int) -> Result:
    """A result for a row, short or long, in one line or several."""
    if chances.random() < 0.6:
        text = 'a "quoted" text,\nin two lines' * chances.randrange(4)
        return Read(row=row, source=f"https://example.com/{row}.png", text=text)
    kind, code = chances.choice(FAILURES)
    return Unread(row=row, source="", kind=kind, code=code, error="no" * chances.randrange(50))


@pytest.mark.parametrize("output_format", ["jsonl", "csv", "parquet"])
@pytest.mark.parametrize(
    "kinds", [(), ("404",), ("DownloadError", "590"), ("Throttling.User", "BadRow")]
)
def test_what_is_not_retried_is_found_where_it_stands(
    tmp_path: Path, output_format: OutputFormat, kinds: tuple[str, ...]
) -> None:
    """Equal rows that come later get their results from there; so does a job opened again."""
    if output_format == "parquet":
        pytest.importorskip("pyarrow")
    chances = random.Random(f"{output_format} {kinds}")
    output = tmp_path / f"results.{output_format}"
    order = chances.sample(range(1, 301), 250)
    written = {row: some(chances, row) for row in order}
    ledger = Ledger(output, output_format, "")
    for first in range(0, 250, 50):
        ledger.write([written[row] for row in order[first : first + 50]])
        ledger.commit(0, duplicates=0)
    ledger.retry(frozenset(kinds))
    again = {
        row
        for row, result in written.items()
        if not result.ok and (not kinds or {result.kind, str(result.code)} & set(kinds))
    }
    for _ in range(2):
        assert [ledger.result(row) for row in order] == [
            None if row in again else written[row] for row in order
        ]
        assert {row for row in range(1, 400) if ledger.has(row)} == set(order) - again
        assert set(ledger.journal.retries()) == again
        counted = {(kind, code): rows for kind, code, rows in ledger.journal.counts()}
        assert sum(counted.values()) == 250 - len(again)
        assert counted.get(("BadRow", ""), 0) == sum(
            row not in again and not result.ok and result.kind == "BadRow"
            for row, result in written.items()
        )
        ledger.close()
        assert {result.row: result for result in results(output)} == {
            row: result for row, result in written.items() if row not in again
        }
        ledger = Ledger(output, output_format, "")
    ledger.close()


STEPS = st.tuples(
    st.integers(1, 50), st.integers(0, 9), st.sampled_from(["go on", "go on", "settle", "kill"])
)


@settings(deadline=None)  # it waits for the disk
@given(st.lists(STEPS, unique_by=lambda step: step[0]))
def test_the_first_row_of_an_image_is_remembered(steps: list[tuple[int, int, str]]) -> None:
    """In any number, in any order of rows, and after a stop anywhere."""
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(image_index, "SORTED_AT_ONCE", 5)
        path = Path(folder) / "journal"
        path.touch()
        first: dict[bytes, int] = {}
        lasting: dict[bytes, int] = {}
        journal = Journal(path, JobState("", "jsonl"))
        try:
            for row, image, then in steps:
                digest = bytes([image] * 16)
                first[digest] = min(row, first.get(digest, row))
                assert journal.first(digest, row) == first[digest]
                if then == "settle":
                    with journal.change():
                        lasting = dict(first)
                elif then == "kill":
                    journal.close()
                    journal, first = Journal(path, JobState("", "jsonl")), dict(lasting)
        finally:
            journal.close()
