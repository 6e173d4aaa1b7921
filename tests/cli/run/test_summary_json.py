"""`aliocr run --summary-json`: what schedulers read."""

import json
from pathlib import Path

import pytest

from tests.support.program import run

pytest.importorskip("click")
pytest.importorskip("rich")


def test_it_says_how_a_job_ended(tmp_path: Path, served: dict[str, str]) -> None:
    """With the number of rows for each reason, the charges, and the exit code of the process."""
    urls, output, told = tmp_path / "urls.txt", tmp_path / "out.jsonl", tmp_path / "told.json"
    urls.write_text("https://example.com/1.png\nno url\nhttps://example.com/2.png\n")
    command = ("run", urls, "-o", output, "--quiet", "--allow-failed")
    done = run(*command, "40%", "--summary-json", told, **served)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    summary = json.loads(told.read_text())
    assert summary.pop("seconds") > 0
    assert summary == {
        "ended": "complete",
        "exit_code": 0,
        "error": None,
        "output": str(output),
        "total": 3,
        "rows": 3,
        "read": 2,
        "failed": 1,
        "failures": {"BadRow": 1},
        "charged": 2,
        "charged_at_most": 2,
    }
    done = run(*command, "0", "--summary-json", "-", **served)
    assert done.returncode == 1
    again = json.loads(done.stdout)
    assert again["exit_code"] == 1
    assert again["failures"] == {"BadRow": 1}


def test_it_says_why_a_job_did_not_end(tmp_path: Path, served: dict[str, str]) -> None:
    """An error is in it, as on standard error; what is no summary is not overwritten."""
    urls, told = tmp_path / "urls.txt", tmp_path / "told.json"
    urls.write_text("https://example.com/1.png\n")
    words = ("run", urls, "-o", tmp_path / "out.jsonl", "--summary-json", told)
    done = run(*words, **(served | {"ALIBABA_CLOUD_ACCESS_KEY_SECRET": "wrong"}))
    assert done.returncode == 3
    summary = json.loads(told.read_text())
    assert (summary["ended"], summary["exit_code"], summary["rows"]) == ("error", 3, 0)
    assert f"Error: {summary['error']}\n" == done.stderr
    told.write_text("a diary")
    done = run(*words, **served)
    assert done.returncode == 2
    assert "told.json is no summary of a job" in done.stderr
    assert told.read_text() == "a diary"
