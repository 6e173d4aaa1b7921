"""Reading back what a job has written."""

from __future__ import annotations

from pathlib import Path

import pytest
from rows_read import failed, said, sample

from aliocr.job.record import encoded
from aliocr.job.results import results


def test_what_was_written_is_read(tmp_path: Path) -> None:
    """In the order of the file; a row that is being written is left out."""
    rows = [said("a"), failed(2), sample("anim4.gif", 3)]
    whole = b"".join(map(encoded, rows))
    output = tmp_path / "out.jsonl"
    for cut in (0, 1, 30):
        output.write_bytes(whole + encoded(said("cut", 4))[:cut])
        assert list(results(output)) == rows


def test_what_is_no_output_is_said_to_be_none(tmp_path: Path) -> None:
    """With file and line."""
    output = tmp_path / "out.jsonl"
    output.write_bytes(encoded(said("a")) + b'{"ok": true}\n')
    with pytest.raises(ValueError, match=r"out\.jsonl, line 2: not a row of a job's output"):
        list(results(output))
    output.write_bytes(b"\x89PNG\r\n\x1a\n\n")
    with pytest.raises(ValueError, match=r"line 1"):
        list(results(output))
    with pytest.raises(ValueError, match=r"cannot read .*: No such file or directory$"):
        list(results(tmp_path / "nowhere"))
