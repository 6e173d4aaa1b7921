"""A draft that replaces an output is a new file, whatever somebody has put in its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from aliocr.job.errors import JobError
from aliocr.job.output.ledger import Ledger, OutputFormat
from aliocr.job.output.read_back import results
from aliocr.job.output.replacement import Replacement
from aliocr.job.output.result import Read, Unread

FORMATS: list[OutputFormat] = ["jsonl", "csv", "parquet"]

READ = Read(row=1, source="a", text="")
FAILED = Unread(row=2, source="b", kind="DownloadError", code=404, error="gone")


def begun(output: Path, output_format: OutputFormat) -> Ledger:
    """A job that has read a row and failed at another."""
    if output_format == "parquet":
        pytest.importorskip("pyarrow")
    ledger = Ledger(output, output_format, "")
    ledger.write([READ, FAILED])
    ledger.commit(1, duplicates=0)
    return ledger


def replaced(ledger: Ledger) -> None:
    """Replace the output by one without failures: now, or a Parquet file at the end."""
    ledger.retry(frozenset())
    ledger.close()


@pytest.mark.parametrize("output_format", FORMATS)
def test_a_link_in_the_place_of_a_draft_is_not_followed(
    tmp_path: Path, output_format: OutputFormat
) -> None:
    """One that is there is removed; one that comes later is an error; its target stays as it is."""
    output, draft = tmp_path / "results", tmp_path / ".results.draft"
    mine = tmp_path / "mine"
    mine.write_text("precious")
    draft.symlink_to(mine)
    ledger = begun(output, output_format)
    draft.symlink_to(mine)
    with pytest.raises(JobError, match=r"cannot write .*\.draft: File exists"):
        replaced(ledger)
    if output_format != "parquet":
        ledger.close()
    assert mine.read_text() == "precious"
    ledger = Ledger(output, output_format, "")
    replaced(ledger)
    assert mine.read_text() == "precious"
    assert list(results(output)) == [READ]
    assert not draft.is_symlink()


@pytest.mark.parametrize("output_format", FORMATS)
@pytest.mark.parametrize("kind", ["link", "another", "folder", "own"])
def test_only_the_draft_of_the_job_takes_the_place_of_the_output(
    tmp_path: Path, output_format: OutputFormat, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a kill came just before: the next run takes the draft that the journal knows."""
    output, draft = tmp_path / "results", tmp_path / ".results.draft"
    place = Replacement.place

    def killed(_: Replacement) -> None:
        raise OSError(4, "killed")

    ledger = begun(output, output_format)
    if output_format == "parquet":
        ledger.close()
        ledger = Ledger(output, output_format, "")
    monkeypatch.setattr(Replacement, "place", killed)
    with pytest.raises(JobError, match="killed"):
        replaced(ledger)
    if output_format != "parquet":
        ledger.close()
    monkeypatch.setattr(Replacement, "place", place)
    before, own = output.read_bytes(), draft.read_bytes()
    if kind != "own":
        draft.unlink()
    if kind == "link":
        (tmp_path / "copy").write_bytes(own)
        draft.symlink_to(tmp_path / "copy")
    elif kind == "another":
        draft.write_bytes(own.replace(own[-9:], b"x" * 9))
    elif kind == "folder":
        draft.mkdir()
    if kind in ("link", "another", "folder"):
        with pytest.raises(ValueError, match=r"\.draft is not the draft of this job: remove it"):
            Ledger(output, output_format, "")
        assert output.read_bytes() == before
        return
    Ledger(output, output_format, "").close()
    assert list(results(output)) == [READ]
    assert not draft.exists()


@pytest.mark.parametrize("output_format", FORMATS)
def test_a_link_in_the_place_of_a_journal_is_not_followed(
    tmp_path: Path, output_format: OutputFormat
) -> None:
    """Nothing is written where it points to."""
    (tmp_path / "results.journal").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match=r"results\.journal is not a regular file: remove it, or"):
        Ledger(tmp_path / "results", output_format, "")
    assert [path.name for path in tmp_path.iterdir()] == ["results.journal"]
