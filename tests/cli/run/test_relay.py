"""`aliocr run -o -`: the results on standard output, and nothing that stays."""

import json
import signal
import subprocess
from pathlib import Path

import pytest

from tests.support.program import ALIOCR, PATIENCE, in_a_shell, run, variables

pytest.importorskip("click")
pytest.importorskip("rich")


@pytest.fixture
def urls(tmp_path: Path) -> Path:
    """A list of 300, of which one is there twice."""
    path = tmp_path / "urls.txt"
    path.write_text("".join(f"https://example.com/{n % 299}.png\n" for n in range(300)))
    return path


def test_each_row_is_a_line_of_standard_output(urls: Path, served: dict[str, str]) -> None:
    """Whole and once, though results of equal rows are looked up; nothing is kept."""
    temporary = urls.with_name("temporary")
    temporary.mkdir()
    done = run("run", urls, "-o", "-", TMPDIR=str(temporary), **served)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert sorted(row["row"] for row in rows) == list(range(1, 301))
    assert done.stderr.startswith("complete: 300 rows read, 0 failed")
    assert "to look" not in done.stderr
    assert done.returncode == 0
    assert sorted(urls.parent.iterdir()) == [temporary, urls]
    assert not list(temporary.iterdir())


def test_a_reader_that_is_gone_ends_the_job(urls: Path, served: dict[str, str]) -> None:
    """Quietly, as `| head` is meant; a full disk is an error."""
    urls.write_text("".join(f"https://example.com/{n}.png\n" for n in range(2_000)))
    command = f"aliocr run '{urls}' -o - --requests-per-second 2 --quiet"
    done = in_a_shell(f"{{ {command}; echo $? >&2; }} | head -n 1", served)
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr.decode().startswith("stopped before the end: ")
    assert done.stderr.endswith(b"\n3\n")
    done = in_a_shell(f"{command} > /dev/full", served)
    assert done.returncode == 3
    assert b"cannot write to standard output: No space left on device; run the" in done.stderr


def test_a_signal_has_it_finish_what_is_under_way(urls: Path, served: dict[str, str]) -> None:
    """All that was charged is on standard output; the summary for programs says the same."""
    report = urls.with_name("summary.json")
    words = ["-o", "-", "--requests-per-second", "0.05", "--summary-json", str(report)]
    with subprocess.Popen(
        [*ALIOCR, "run", urls, *words],
        env=variables(**served),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as job:
        assert job.stdout is not None
        assert job.stderr is not None
        first = job.stdout.readline()
        job.send_signal(signal.SIGINT)
        rest, said = job.stdout.read(), job.stderr.read()
        job.wait(PATIENCE)
    assert job.returncode == 130
    told = json.loads(report.read_text())
    assert told["ended"] == "stopped"
    assert told["exit_code"] == 130
    assert told["charged"] <= told["rows"] == len((first + rest).splitlines()) < 300
    assert "Traceback" not in said
