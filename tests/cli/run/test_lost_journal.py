"""`aliocr run` after its journal was lost or damaged: the exit code, and one line that helps."""

from __future__ import annotations

from pathlib import Path

import pytest

from aliocr.emulator import Emulator
from aliocr.job.output.read_back import results
from tests.support.program import run

pytest.importorskip("click")
pytest.importorskip("rich")


def zeroed(journal: Path) -> None:
    """A page is zeroed, as by a bad block of the disk."""
    data = journal.read_bytes()
    journal.write_bytes(data[:4096] + bytes(4096) + data[8192:])


def test_a_damaged_journal_is_one_line_and_its_remedy_works(
    tmp_path: Path,
) -> None:
    """The journal is moved away, as the line says; the same command then pays for nothing twice."""
    source, output = tmp_path / "urls.txt", tmp_path / "results.jsonl"
    journal = tmp_path / "results.jsonl.journal"
    source.write_text("".join(f"https://example.com/{number}.png\n" for number in range(20)))
    with Emulator(requests_per_second=None) as emulator:
        key = emulator.credentials
        environment = {
            "ALIOCR_ENDPOINT": emulator.url,
            "ALIBABA_CLOUD_ACCESS_KEY_ID": key.access_key_id,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": key.access_key_secret,
        }
        command = ("run", source, "-o", output)
        assert run(*command, **environment).returncode == 0
        before = output.read_bytes()
        zeroed(journal)
        for options in ((), ("--dry-run",)):
            told = run(*command, *options, **environment)
            assert told.returncode == 3
            (line,) = told.stderr.splitlines()
            assert "move it away, and the same command makes it again from the results in" in line
        assert output.read_bytes() == before
        journal.rename(tmp_path / "away")
        assert "20 of the rows are already" in run(*command, "--dry-run", **environment).stdout
        assert run(*command, **environment).returncode == 0
        assert (output.read_bytes(), emulator.charged) == (before, 20)
    assert len(list(results(output))) == 20
