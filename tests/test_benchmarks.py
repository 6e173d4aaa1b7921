"""The benchmarks run through, and count truly; what they measure is no matter for a test."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import aliocr

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.skipif(
    not (ROOT / "benchmarks" / "__main__.py").exists(),
    reason="the benchmarks are in a clone, not in the wheel",
)


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_chosen_rows_are_measured_printed_and_written_down(tmp_path: Path) -> None:
    """One command gives a table and a JSON file, and exit code 0 whatever the verdicts."""
    output = tmp_path / "results.json"
    run = _run("--rows", "2,13,14", "--quick", "--output", str(output))
    assert run.returncode == 0, run.stderr
    results = json.loads(output.read_text(encoding="utf-8"))
    assert [row["number"] for row in results["rows"]] == ["2", "13", "14"]
    for row in results["rows"]:
        assert row["lost"] == 0
        assert row["verdict"] in ("beat", "reached", "missed")
        assert row["figures"]
    assert results["machine"]["cores"] > 0
    for heading in ("question", "measured", "reach", "beat", "verdict"):
        assert heading in run.stdout


def test_an_unknown_row_is_misuse() -> None:
    """The message names it."""
    run = _run("--rows", "2,nine")
    assert run.returncode == 2
    assert "no such row: nine" in run.stderr


@pytest.mark.parametrize("breaks", [True, False])
def test_an_image_without_outcome_fails_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, breaks: bool
) -> None:
    """A missed target is a verdict, a lost image is a defect; so is a row that breaks."""
    from benchmarks import __main__ as program
    from benchmarks.figures import Row

    def question(*, quick: bool) -> list[Row]:
        if breaks:
            raise OSError(f"no server, quick or not: {quick}")
        return [Row("2", "lost?", lost=1)]

    monkeypatch.setattr(program, "ROWS", {"2": question})
    output = str(tmp_path / "results.json")
    assert program.main(["--rows", "2", "--output", output]) == 1


def test_the_tally_misses_nothing() -> None:
    """An image without an outcome and an outcome too many are both lost."""
    from benchmarks.tally import Tally, url_of

    tally = Tally(3)
    for number in (0, 1, 1):
        image = aliocr.Image(url_of(number))
        tally.note(aliocr.Failure(image, aliocr.OCRError("no")))
    assert tally.close().lost == 2
    assert tally.close().failed == 3


def test_a_verdict_is_the_worst_figure_s() -> None:
    """At a target is within it."""
    from benchmarks.figures import Row, at_least, at_most

    beat, reached, missed = (at_most("s", value, 2, 1) for value in (1, 2, 2.1))
    assert [figure.verdict for figure in (beat, reached, missed)] == ["beat", "reached", "missed"]
    assert at_least("rate", 0.9, 0.9, 0.95).verdict == "reached"
    assert Row("0", "?", (beat, reached)).verdict == "reached"
    assert Row("0", "?", (missed, beat)).verdict == "missed"
    assert Row("0", "?").verdict == "not measured"


def test_percentiles_are_values_that_were_measured() -> None:
    """The nearest rank: of a hundred, the 99th."""
    from benchmarks.spread import percentile

    assert percentile(range(1, 101), 99) == 99
    assert percentile(range(1, 101), 50) == 50
    assert percentile([7.0], 99) == 7.0
