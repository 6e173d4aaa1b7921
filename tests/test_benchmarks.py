"""The benchmarks run and count correctly; a test does not judge their figures."""

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


def _run(*arguments: str, module: str = "benchmarks") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_chosen_rows_are_measured_printed_and_written_down(tmp_path: Path) -> None:
    """One command gives a table and a JSON file, and exit code 0 for any verdict."""
    output = tmp_path / "results.json"
    run = _run("--rows", "11,14", "--quick", "--output", str(output))
    assert run.returncode == 0, run.stderr
    results = json.loads(output.read_text(encoding="utf-8"))
    assert [row["number"] for row in results["rows"]] == ["11", "14"]
    for row in results["rows"]:
        assert row["lost"] == 0
        assert row["verdict"] in ("beat", "reached", "missed")
        assert row["figures"]
    assert results["machine"]["cores"] > 0
    for heading in ("question", "measured", "reach", "beat", "verdict"):
        assert heading in run.stdout


def test_an_unknown_row_is_misuse() -> None:
    """The message names the row."""
    run = _run("--rows", "2,nine")
    assert run.returncode == 2
    assert "no such row: nine" in run.stderr


def test_learnt_rates_are_simulated_and_printed() -> None:
    """Cases with targets and verdicts, and the faults by 20 s; an unknown row is misuse."""
    run = _run("--rows", "b,faults", "--seeds", "1", module="benchmarks.rates")
    assert run.returncode == 0, run.stderr
    for found in ("10 to 50, s", "verdict", "5 % of the requests throttled", "1 seeds from 1000"):
        assert found in run.stdout
    assert "no such row: z" in _run("--rows", "z", module="benchmarks.rates").stderr


async def test_the_server_refuses_the_shares_it_is_told_to() -> None:
    """Whole requests answered 588, or throttled, until a time."""
    from benchmarks.admission import AdmissionControl
    from benchmarks.reply import Task
    from benchmarks.service import Service

    tasks = [Task(b"1"), Task(b"2")]  # type: ignore[arg-type]
    over = AdmissionControl(Service(requests_per_second=None, over_quota_share=0.2))
    judged = [over.judge(tasks, float(moment)) for moment in range(1000)]
    assert 150 < judged.count([588, 588]) < 250
    assert judged.count([588, 588]) + judged.count([200, 200]) == 1000
    throttling = Service(requests_per_second=None, throttled_share=0.2, throttled_for=500.0)
    admission = AdmissionControl(throttling)
    admitted = [admission.admit(1, float(moment)) for moment in range(1000)]
    assert 70 < admitted[:500].count(False) < 130
    assert all(admitted[500:])


@pytest.mark.parametrize("breaks", [True, False])
def test_an_image_without_outcome_fails_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, breaks: bool
) -> None:
    """A missed target is a verdict; a lost image is a defect, and so is a row that fails."""
    from benchmarks import __main__ as program
    from benchmarks.figures import Row

    def question(*, quick: bool) -> list[Row]:
        if breaks:
            raise OSError(f"no server, quick or not: {quick}")
        return [Row("2", "lost?", lost=1)]

    monkeypatch.setattr(program, "ROWS", {"2": question})
    output = str(tmp_path / "results.json")
    assert program.main(["--rows", "2", "--output", output]) == 1


@pytest.mark.parametrize(
    ("rate", "options", "code"), [(1.0, ["--gate"], 0), (0.9, ["--gate"], 1), (0.9, [], 0)]
)
def test_a_target_missed_by_far_fails_where_it_is_asked_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rate: float, options: list[str], code: int
) -> None:
    """A busy machine misses a target; only a defect misses it by a factor of two."""
    from benchmarks import __main__ as program
    from benchmarks.figures import Row, at_least, at_most
    from benchmarks.report import Run

    def question(*, quick: bool) -> list[Row]:
        assert quick
        return [Row("2", "near?", (at_most("s", 1.9, 1, 0.5), at_least("rate", rate, 2, 3)))]

    monkeypatch.setattr(program, "ROWS", {"2": question})
    output = tmp_path / "results.json"
    assert program.main(["--quick", "--rows", "2", "--output", str(output), *options]) == code
    written = output.read_bytes()
    assert Run.from_json(written).to_json() == written


def test_a_peer_that_is_not_installed_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence names the missing package and the install command; the others are measured."""
    import benchmarks.peers
    from benchmarks.peers import contract

    monkeypatch.setattr(contract, "find_spec", lambda _: None)
    sentences = benchmarks.peers.missing_peers()
    assert len(sentences) == 3
    assert all("not installed" in each and "pip install" in each for each in sentences)
    assert benchmarks.peers.installed_peers() == (
        *("bare socket", "raw floor", "aliocr", "aiohttp by hand"),
    )


# The vendor's SDKs use datetime functions that are deprecated since Python 3.12.
@pytest.mark.filterwarnings("ignore:datetime.datetime.utc:DeprecationWarning")
async def test_every_peer_reads_every_image() -> None:
    """Every peer reads 6 images in 2 requests of 3."""
    from benchmarks.peers import PEERS, installed_peers
    from benchmarks.server import Server
    from benchmarks.service import Service
    from benchmarks.tally import urls

    async def read_by(name: str, url: str) -> int:
        read: list[int] = []
        await PEERS[name].read_images(
            url, urls(6), lambda count, _: read.append(count), per_request=3
        )
        return sum(read)

    with Server(Service(requests_per_second=None, seconds=0.0, regions=(1, 2))) as server:
        for name in installed_peers():
            before = server.control.counts()
            read = await read_by(name, server.url)
            counts = server.control.counts().since(before)
            assert (name, read, counts.read_images, counts.requests) == (name, 6, 6, 2)


def test_the_readme_says_what_was_measured() -> None:
    """Every table and every sentence of figures in the README comes from `results.json`."""
    from benchmarks.publish import README, RESULTS, filled
    from benchmarks.report import Run

    run = Run.from_json(RESULTS.read_bytes())
    assert run.size == "full"
    assert run.lost == 0
    text = README.read_text(encoding="utf-8")
    assert filled(text, run) == text, "run: python -m benchmarks.publish"


def test_a_run_is_read_as_it_was_written() -> None:
    """A table from the file is the table of the run."""
    from benchmarks.publish import RESULTS
    from benchmarks.report import Run

    text = RESULTS.read_bytes()
    assert Run.from_json(text).to_json() == text


def test_the_charts_exist_and_are_small() -> None:
    """A clone stays small."""
    from benchmarks.charts import CHARTS

    for stem in CHARTS:
        picture = (ROOT / "benchmarks" / f"{stem}.png").read_bytes()
        assert picture.startswith(b"\x89PNG")
        assert len(picture) < 60_000
        assert f"({stem}.png)" in (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")


def test_the_tally_misses_nothing() -> None:
    """An image without an outcome and an outcome too many are both lost."""
    from benchmarks.tally import Tally, url_of

    tally = Tally(3)
    for number in (0, 1, 1):
        image = aliocr.Image(url_of(number))
        tally.note(aliocr.Failure(image, aliocr.OCRError("no")))
    assert tally.totals().lost == 2
    assert tally.totals().failed == 3


def test_a_verdict_is_the_worst_figure_s() -> None:
    """A value equal to the target meets the target."""
    from benchmarks.figures import Row, at_least, at_most

    beat, reached, missed = (at_most("s", value, 2, 1) for value in (1, 2, 2.1))
    assert [figure.verdict for figure in (beat, reached, missed)] == ["beat", "reached", "missed"]
    assert at_least("rate", 0.9, 0.9, 0.95).verdict == "reached"
    assert Row("0", "?", (beat, reached)).verdict == "reached"
    assert Row("0", "?", (missed, beat)).verdict == "missed"
    assert Row("0", "?").verdict == "not measured"


def test_a_figure_is_the_median_of_its_rounds() -> None:
    """The range stands beside it, and the unit is written once."""
    from benchmarks.figures import at_most

    figure = at_most("grown by", [3.0, 1.0, 7.0], 4, 2, "{:.0f} MB")
    assert figure.value == 3.0
    assert figure.cells == ("grown by 3 MB (1–7)", "≤ 4 MB", "≤ 2 MB")
    assert at_most("grown by", 3.0, 4, 2, "{:.0f} MB").cells[0] == "grown by 3 MB"


def test_a_rise_is_found_at_any_size() -> None:
    """A cost that falls and then rises is compared with its lowest value."""
    from benchmarks.spread import ratios, rise

    assert rise([8.0, 2.0, 3.0, 1.0]) == 1.5
    assert rise([4.0, 2.0, 1.0]) == 0.5
    assert ratios([1.0, 6.0], [2.0, 3.0]) == (0.5, 2.0)


def test_percentiles_are_values_that_were_measured() -> None:
    """Nearest rank: the 99th of a hundred."""
    from benchmarks.spread import percentile

    assert percentile(range(1, 101), 99) == 99
    assert percentile(range(1, 101), 50) == 50
    assert percentile([7.0], 99) == 7.0


def test_a_job_is_measured_however_small() -> None:
    """The job is stopped and resumed, and each row has exactly one result."""
    job = _run("--images", "1000", module="benchmarks.job")
    assert job.returncode == 0, job.stderr
    assert "1,000 rows" in job.stdout
    assert "one half " in job.stdout
    assert "without their one result" not in job.stdout
