"""The columns of an output: those of an outcome, in each format, and back again."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

import aliocr
from aliocr import Failure, Frame, Image, OCRError, Read, Region, Result, Scan, Unread
from aliocr.job.output.codecs import CSV, Codec, JSONLines
from aliocr.job.output.job_state import JobState
from aliocr.job.output.journal import Journal
from aliocr.job.output.parquet import StagedResults
from aliocr.job.output.read_back import results
from aliocr.job.output.versions import NEWEST
from tests.support.working import quick_emulator, quick_ocr

emulator, ocr = quick_emulator, quick_ocr

REGIONS = (Region('two "quoted"\r\nlines, 图', 1.0, 2.5, 30.0, 4.0), Region("", 0.0, 0.0, 0.0, 0.0))

ROWS: list[Result] = [
    Read(
        row=3,
        line=7,
        id="seven",
        source="https://example.com/3.png?…",
        data_id="three",
        interval=2,
        max_frames=9,
        text="a\nb",
        regions=REGIONS,
        frames=(Frame("a", REGIONS, "https://example.com/f.png?…", 99.5), Frame("")),
        label="ocr",
        suggestion="review",
        rate=99.91,
        task_id="task",
        request_id="request",
        width=1280,
        height=720,
        turn=0,
    ),
    Read(row=1, source="a.png", text=""),
    Unread(
        row=2,
        line=3,
        id="two",
        source="https://example.com/2.png",
        data_id="d",
        interval=1,
        max_frames=2,
        kind="APIError",
        code=580,
        error="580 no: why",
        transient=True,
        maybe_charged=True,
        request_id="request",
    ),
    Unread(row=4, source="", kind="BadRow", error="it is empty"),
    Unread(
        row=5, source="a", kind="ThrottledError", code="Throttling.User", error="", transient=True
    ),
]


def written(rows: list[Result], path: Path, suffix: str) -> Path:
    """An output of these results, as a job writes it."""
    output = path / f"results.{suffix}"
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
        place = path / "journal"
        place.touch()
        journal = Journal(place, JobState("", "parquet"))
        with journal.change():
            journal.stage(rows, NEWEST)
        StagedResults(output, journal, NEWEST).publish()
        journal.close()
        return output
    codec: Codec = CSV() if suffix == "csv" else JSONLines()
    output.write_bytes(codec.header + b"".join(map(codec.encode, rows)))
    return output


each_format = pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])


@each_format
def test_a_result_is_read_back_as_it_was_written(tmp_path: Path, suffix: str) -> None:
    """In each format, whatever is missing of it."""
    found = list(results(written(ROWS, tmp_path, suffix)))
    assert sorted(found, key=lambda row: row.row) == sorted(ROWS, key=lambda row: row.row)


@each_format
def test_every_row_has_every_column(tmp_path: Path, suffix: str) -> None:
    """The place in the list, and then what an outcome has, in its order and with its values."""
    output = written(ROWS, tmp_path, suffix)
    rows: list[dict[str, Any]]
    if suffix == "jsonl":
        rows = [json.loads(line) for line in output.read_text("utf-8").splitlines()]
    elif suffix == "csv":
        with output.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert {row["ok"] for row in rows} == {"true", "false"}
        assert {row["transient"] for row in rows} == {"", "true", "false"}
        assert rows[1]["regions"] == rows[3]["regions"] == "[]"
        assert json.loads(rows[0]["regions"])[0]["text"] == REGIONS[0].text
    else:
        import pyarrow.parquet as pq

        rows = sorted(
            pq.read_table(output).to_pylist(), key=lambda row: [3, 1, 2, 4, 5].index(row["row"])
        )
    columns = ("row", "line", "id", *aliocr.COLUMNS)
    assert [tuple(row) for row in rows] == [columns] * len(ROWS)
    assert [row["code"] or None for row in rows] == [None, None, "580", None, "Throttling.User"]
    if suffix == "csv":
        return
    scan = Scan(
        Image("https://example.com/3.png?x", "three", 2, 9),
        **{
            name: getattr(ROWS[0], name) for name in (*aliocr.COLUMNS[5:10], *aliocr.COLUMNS[11:15])
        },
        task_id="task",
        request_id="request",
    )
    assert rows[0] == {"row": 3, "line": 7, "id": "seven"} | scan.to_dict()
    error = OCRError("it is empty")
    bad = Failure(Image("https://example.com/"), error).to_dict() | {"kind": "BadRow", "source": ""}
    assert rows[3] == {"row": 4, "line": None, "id": ""} | bad


def test_outcomes_without_rows_are_numbered(tmp_path: Path) -> None:
    """Lines of `to_dict`, as `aliocr scan --json` prints them, are read like an output."""
    outcomes: list[aliocr.Outcome] = [
        Scan(Image("https://example.com/a.png?x"), "Total", REGIONS[:1], suggestion="pass"),
        Failure(Image("https://example.com/b.png"), aliocr.APIError(580, "no", transient=True)),
    ]
    output = tmp_path / "scans.jsonl"
    output.write_text("".join(f"{json.dumps(each.to_dict())}\n" for each in outcomes), "utf-8")
    read, unread = results(output)
    assert read == Read(
        row=1,
        source="https://example.com/a.png?…",
        text="Total",
        regions=REGIONS[:1],
        suggestion="pass",
    )
    assert unread == Unread(
        row=2,
        source="https://example.com/b.png",
        kind="APIError",
        code=580,
        error=str(aliocr.APIError(580, "no")),
        transient=True,
    )


@pytest.mark.parametrize(
    "line",
    ['{"ok":true}', '{"source":"a","ok":true}', '{"source":"a","ok":false}', "{}", "[]", "7", "x"],
)
def test_a_line_of_something_else_is_no_outcome(tmp_path: Path, line: str) -> None:
    """The message names file and record."""
    output = tmp_path / "other.jsonl"
    output.write_text(f"{line}\n", "utf-8")
    with pytest.raises(ValueError, match=r"other.jsonl is not an output of a job: record 1"):
        list(results(output))


def test_a_damaged_file_is_told_by_its_name(tmp_path: Path) -> None:
    """At any byte of a Parquet file: what PyArrow says of it is no error of the disk."""
    output = written(ROWS, tmp_path, "parquet")
    whole, told = output.read_bytes(), []
    for place in range(0, len(whole), 31):
        output.write_bytes(whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1 :])
        try:
            list(results(output))
        except ValueError as error:
            told.append(str(error))
    assert len(told) > 40
    assert all(said.startswith(f"{output} is not an output of a job") for said in told)
