"""`aliocr run` as a person or a script meets it: real processes, pipes, signals and terminals."""

import csv
import gzip
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest

from aliocr.job.input.folder import OTHERS
from aliocr.job.sources import Urls
from aliocr.job.summary import Failed, Summary
from tests.support.program import (
    ALIOCR,
    BAR,
    CODES,
    IMPATIENT,
    ON_ITS_TERMINAL,
    PATIENCE,
    TerminalOutput,
    call,
    emulating,
    in_a_shell,
    on_a_terminal,
    run,
    variables,
)
from tests.support.truth import SAMPLES

pytest.importorskip("click")
pytest.importorskip("rich")

from aliocr.cli.run.summary_text import summary_lines

SLOWLY = ("--requests-per-second", "2")
"""Half a second for each hundred images: time to interrupt, and to look."""


@pytest.fixture(scope="module")
def faulty() -> Iterator[dict[str, str]]:
    """The same of one that finds no image at some URLs, and is out of connections for others."""
    options = ("--chaos-images", "404=0.2", "--chaos-images", "591=0.2", "--chaos-seed", "1")
    with emulating("--quiet", *options) as emulator:
        yield emulator.exports


@pytest.fixture
def urls(tmp_path: Path) -> Path:
    """A list of twenty."""
    return listed(tmp_path, 20)


def listed(folder: Path, many: int) -> Path:
    """A list of so many URLs, each with a key in its query."""
    path = folder / "urls.txt"
    path.write_text("".join(f"https://example.com/{n}.png?Signature=key\n" for n in range(many)))
    return path


def results(path: Path) -> list[dict[str, Any]]:
    """Return the rows of an output; each row of the input is in it once at most."""
    found = [json.loads(line) for line in path.read_text().splitlines()]
    assert len({row["row"] for row in found}) == len(found)
    return found


def started(*arguments: str | Path, **environment: str) -> subprocess.Popen[str]:
    """One that is running; its owner waits for it."""
    return subprocess.Popen(
        [*ALIOCR, "run", *map(str, arguments)],
        env=variables(**environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def until_something_is_in(path: Path) -> None:
    """Wait for the first results."""
    end = time.monotonic() + PATIENCE
    while not (path.exists() and path.stat().st_size):
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_list_is_read_into_a_file(urls: Path, served: dict[str, str]) -> None:
    """Each URL has its row, without its query; what there is to know is said at the end."""
    output = urls.with_name("results.jsonl")
    done = run("run", urls, "-o", output, **served)
    assert (done.returncode, done.stdout) == (0, "")
    assert {row["source"] for row in results(output)} == {
        f"https://example.com/{n}.png?…" for n in range(20)
    }
    first, *rest = done.stderr.splitlines()
    assert first.startswith("complete: 20 rows read, 0 failed, in ")
    assert rest == [
        f"results  {output}",
        "charged  20 images",
        f"to look  aliocr report {output} --input {urls}",
    ]
    assert "\x1b" not in done.stderr


def test_a_list_may_come_through_a_pipe(tmp_path: Path, served: dict[str, str]) -> None:
    """As `cut -f2 … | aliocr run - -o …`; a row that is no URL is one that failed."""
    output = tmp_path / "results.csv"
    listing = "https://example.com/a.png\nno url\nhttps://example.com/a.png\n"
    done = run("run", "-", "-o", output, stdin=listing, **served)
    assert done.returncode == 1
    assert "2 rows read, 1 failed" in done.stderr
    assert re.search(r"^  1  BadRow: ", done.stderr, re.MULTILINE)
    assert "repeated  1 row of images that other rows have" in done.stderr
    assert "--retry-failed" not in done.stderr
    assert len(output.read_text().splitlines()) == 4


def test_several_lists_are_one_job(tmp_path: Path, served: dict[str, str]) -> None:
    """Named or by a pattern that no shell has expanded; a bad row names its file."""
    (tmp_path / "a.csv").write_text("id,url\n1,https://e.com/1.png\n")
    (tmp_path / "b.csv").write_text("id,url\n2,no url\n")
    (tmp_path / "c.csv.gz").write_bytes(gzip.compress(b"id,url\n3,https://e.com/3.png\n"))
    output = tmp_path / "results.csv"
    named = [tmp_path / name for name in ("a.csv", "b.csv", "c.csv.gz")]
    planned = run("run", *named, "-o", output, "--dry-run")
    assert "input     the column url, with the ids in id, in 3 files\n" in planned.stdout
    said = " ".join(planned.stdout.split())
    assert f"line 2 of {named[1]}: not an http:// or https:// URL" in said
    again: list[list[str | Path]] = [[*named], [f"{tmp_path}/*.csv*"], [tmp_path]]
    for sources in again:
        done = run("run", *sources, "-o", output, **served)
        assert done.returncode == 1
        assert "complete: 2 rows read, 1 failed" in done.stderr
        with output.open() as file:
            rows = sorted(csv.DictReader(file), key=itemgetter("row"))
        assert [(row["row"], row["line"], row["id"]) for row in rows] == [
            ("1", "2", "1"),
            ("2", "2", "2"),
            ("3", "2", "3"),
        ]


def test_a_folder_without_pictures_and_lists_is_refused(tmp_path: Path) -> None:
    """As a pattern that matches nothing is, before anything is written."""
    refused = {str(tmp_path): "--local reads a folder", "*.nothing": "no file matches it"}
    for source, said in refused.items():
        done = run("run", source, "-o", tmp_path / "out.jsonl", "--dry-run")
        assert done.returncode == 2
        assert said in done.stderr
    assert not list(tmp_path.iterdir())


def test_the_same_command_again_has_nothing_to_do(urls: Path, served: dict[str, str]) -> None:
    """It says so, and costs nothing."""
    output = urls.with_name("results.jsonl")
    for _ in range(2):
        done = run("run", urls, "-o", output, **served)
        assert done.returncode == 0
        assert "complete: 20 rows read, 0 failed" in done.stderr
        assert "charged  20 images" in done.stderr
    assert len(results(output)) == 20


def test_failures_are_told_by_kind_with_what_to_do(urls: Path, faulty: dict[str, str]) -> None:
    """And those of which another try may come to more can be tried alone."""
    output = urls.with_name("results.jsonl")
    done = run("run", urls, "-o", output, **faulty)
    assert done.returncode == 1
    missing = sum(row["code"] == "404" for row in results(output))
    assert missing
    assert f"{missing}  DownloadError 404: no image at this URL" in done.stderr
    assert "to retry  --retry-failed" in done.stderr
    again = run("run", urls, "-o", output, "--retry-failed", "--kind", "404", **faulty)
    left = sum(row["code"] == "404" for row in results(output))
    assert left < missing
    assert again.returncode == (1 if any(not row["ok"] for row in results(output)) else 0)


def test_quiet_is_silent_if_all_is_well_and_not_otherwise(
    urls: Path, served: dict[str, str], faulty: dict[str, str]
) -> None:
    """So that cron writes when there is something to read."""
    done = run("run", urls, "-o", urls.with_name("a.jsonl"), "--quiet", **served)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    done = run("run", urls, "-o", urls.with_name("b.jsonl"), "--quiet", **faulty)
    assert done.returncode == 1
    assert "DownloadError 404" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "Usage"),
        (["LIST"], "Missing option '-o'"),
        (["LIST", "-o", "-", "--retry-failed"], "needs a file of results"),
        (["LIST", "-o", "-", "--output-format", "parquet"], "Parquet cannot be written to"),
        (["LIST", "-o", "-", "--summary-json", "-"], "give a file for the summary"),
        (["LIST", "-o", "OUT.gz", "--local"], "out.jsonl as the output, and compress it"),
        (["LIST", "-o", "OUT", "--summary-json", "LIST"], "LIST is a file of the job"),
        (["LIST", "-o", "OUT", "--summary-json", "FOLDER"], "cannot be a file"),
        (["LIST", "-o", "OUT", "--summary-json", "OUT", "--dry-run"], "does not run"),
        (["LIST", "-o", "OUT", "--allow-failed", "101%"], "'101%' is no number of rows"),
        (["nothing.txt", "-o", "OUT"], "cannot read nothing.txt: no such file or directory"),
        (
            ["https://example.com/a.png?Signature=key", "-o", "OUT"],
            "to read one URL, use aliocr scan",
        ),
        (["FOLDER", "-o", "OUT"], "/*.txt' its text files"),
        (["LIST", "-", "-o", "OUT"], "- (standard input) cannot be one of several inputs"),
        (["LIST", "-o", "OUT", "--kind", "592"], "must be used together with --retry-failed"),
        (["LIST", "-o", "OUT", "--interval", "2"], "--max-frames must be used together"),
        (["LIST", "-o", "OUT", "--budget", "-1"], "-1 is not in the range"),
        (["LIST", "-o", "OUT", "--requests-per-second", "0"], "0.0 is not in the range"),
        (["LIST", "-o", "OUT", "--images-per-second", "nan"], "images_per_second must be"),
        (["LIST", "-o", "OUT", "--endpoint", "localhost"], "without a path, not 'localhost'"),
        (
            ["LIST", "-o", "OUT", "--local", "--endpoint", "http://a", "--biz-type", "b"],
            "this machine reads the pictures, not the service: leave out --endpoint and --biz-type",
        ),
        (["LIST", "-o", "OUT"], "set ALIBABA_CLOUD_ACCESS_KEY_ID"),
    ],
)
def test_misuse_is_a_sentence_and_exit_2(urls: Path, arguments: list[str], says: str) -> None:
    """It names what is wrong and what to do instead; nothing was sent or written."""
    names = {"LIST": urls, "OUT": urls.with_name("out.jsonl"), "FOLDER": urls.parent}
    names["OUT.gz"] = urls.with_name("out.jsonl.gz")
    done = call("run", *(names.get(argument, argument) for argument in arguments))
    assert done.returncode == 2
    assert says.replace("LIST", str(urls)) in done.stdout + done.stderr
    assert "Signature" not in done.stderr
    assert list(urls.parent.iterdir()) == [urls]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ["LIST", "-o", "OUT", "--column", "url"],
            "if it has columns, give its format (--format of",
        ),
        (["LIST", "-o", "LIST"], "give the output format (--output-format, or"),
        (["LIST", "-o", "LIST", "--output-format", "jsonl"], "LIST is there already"),
        (["LIST", "-o", "LIST/out.jsonl"], "there is no folder LIST"),
    ],
)
def test_what_is_in_the_way_of_a_job_is_said_before_anything_is_sent(
    urls: Path, served: dict[str, str], arguments: list[str], says: str
) -> None:
    """One line and exit 2; nothing is written, and nothing that was there is harmed."""
    before = urls.read_text()
    names = {"LIST": str(urls), "OUT": str(urls.with_name("out.jsonl"))}
    names["LIST/out.jsonl"] = f"{urls}/out.jsonl"
    done = call("run", *(names.get(argument, argument) for argument in arguments), **served)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert says.replace("LIST", str(urls)) in line
    assert list(urls.parent.iterdir()) == [urls]
    assert urls.read_text() == before


def test_a_closed_standard_input_is_misuse(tmp_path: Path, served: dict[str, str]) -> None:
    """It says so and ends, where it could wait for ever."""
    done = in_a_shell(f"aliocr run - -o {tmp_path}/out.jsonl <&-", served)
    assert done.returncode == 2
    assert done.stderr == b"Error: cannot read standard input: it is closed\n"


def test_a_wrong_key_is_one_line_and_exit_3(urls: Path, served: dict[str, str]) -> None:
    """Nothing is lost by it: with the right one the same command does it all."""
    output = urls.with_name("results.jsonl")
    wrong = served | {"ALIBABA_CLOUD_ACCESS_KEY_SECRET": "wrong"}
    done = run("run", urls, "-o", output, **wrong)
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert "the AccessKey secret is wrong" in line
    assert "nothing was read yet; fix this problem and run the same command again" in line
    assert run("run", urls, "-o", output, **served).returncode == 0
    assert len(results(output)) == 20


def test_a_dead_server_fails_no_rows_and_says_how_to_go_on(
    tmp_path: Path, served: dict[str, str]
) -> None:
    """Nothing hangs; once it is back, the same command reads them."""
    urls, output = listed(tmp_path, 3), tmp_path / "results.jsonl"
    dead = served | {"ALIOCR_ENDPOINT": "http://127.0.0.1:1"}
    done = run("run", urls, "-o", output, program=IMPATIENT, **dead)
    assert done.returncode == 3
    *_, line = done.stderr.splitlines()  # behind the progress, since retries take their time
    assert "3 images in a row were not served" in line
    assert "read when the job is started again" in line
    assert results(output) == []
    assert run("run", urls, "-o", output, **served).returncode == 0
    assert len(results(output)) == 3


def test_a_folder_that_cannot_be_written_is_one_line_and_exit_3(
    urls: Path, served: dict[str, str]
) -> None:
    """Before anything is sent."""
    folder = urls.with_name("closed")
    folder.mkdir(mode=0o555)
    if not os.geteuid():  # to whom no folder is closed but one of the system's
        folder = Path("/proc")
    done = run("run", urls, "-o", folder / "results.jsonl", **served)
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 1
    assert "cannot write" in done.stderr


def test_a_full_disk_is_one_line_and_exit_3(tmp_path: Path, served: dict[str, str]) -> None:
    """The written rows are kept, and once there is room the same command continues."""
    urls, output = listed(tmp_path, 1_500), tmp_path / "results.jsonl"
    done = in_a_shell(f"ulimit -f 200; aliocr run {urls} -o {output}", served)
    assert done.returncode == 3
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("Error: cannot write ")
    assert run("run", urls, "-o", output, **served).returncode == 0
    assert len(results(output)) == 1_500


def test_a_spent_budget_is_exit_3(urls: Path, served: dict[str, str]) -> None:
    """The paid rows are there, and a higher budget continues the job."""
    output = urls.with_name("results.jsonl")
    done = run("run", urls, "-o", output, "--budget", 5, **served)
    assert done.returncode == 3
    assert "budget spent before the end: 5 rows read, 0 failed" in done.stderr
    assert "to go on  the same command again with a higher --budget" in done.stderr
    assert run("run", urls, "-o", output, "--budget", 20, **served).returncode == 0
    assert len(results(output)) == 20


def test_what_is_charged_twice_is_a_tenth_of_the_budget_at_most(tmp_path: Path) -> None:
    """However often the service takes an image and gives no answer; in all runs together."""
    urls = listed(tmp_path, 200)
    with emulating("--quiet", "--chaos-requests", "drop_connection=1") as emulator:
        job = ("run", urls, "-o", tmp_path / "results.jsonl", "--budget", 50)
        assert run(*job, **emulator.exports).returncode == 3
        done = run(*job, **emulator.exports)
        (most,) = re.findall(r"^charged +0 to (\d+) images: ", done.stderr, re.MULTILINE)
        _, status = emulator.ask("GET", "/_emulator/status")
        assert status["charged"] <= int(most) <= 55


def test_a_dry_run_says_what_would_be_done(tmp_path: Path) -> None:
    """Without a key, and nothing is written."""
    urls = tmp_path / "urls.txt"
    urls.write_text("https://example.com/a.png\n" * 2 + "no url\nhttps://example.com/b.png\n")
    done = run("run", urls, "-o", tmp_path / "results.jsonl", "--dry-run")
    assert (done.returncode, done.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == [urls]
    with pytest.raises(ValueError, match="not an http") as problem:
        Urls().check("no url")
    said = problem.value
    assert done.stdout.splitlines() == [
        "input     each line",
        "rows      4",
        "to read   2 images",
        "repeated  1 row of images that other rows have",
        "requests  1 of 100 images at most",
        "time      at least 0 s, with 10 requests/s",
        "charge    2 images, if no image is sent again",
        "bad       1 row that will fail",
        f"{'':10}line 3: {said}",
        "Nothing was sent or written.",
    ]


@pytest.mark.parametrize("name", ["urls.csv", "urls.jsonl"])
def test_a_dry_run_says_which_column_it_took(tmp_path: Path, name: str) -> None:
    """Before anything is paid for the wrong one."""
    urls = tmp_path / name
    row = {"sku": "7", "Image": "https://example.com/a.png", "data_id": "a"}
    lines = [json.dumps(row)] if name == "urls.jsonl" else [",".join(row), ",".join(row.values())]
    urls.write_text("".join(f"{line}\n" for line in lines))
    job = ("run", urls, "-o", tmp_path / "results.jsonl", "--dry-run")
    assert "input     the column Image, with the ids in data_id\n" in run(*job).stdout
    assert "input     the column Image, with the ids in sku\n" in run(*job, "--id", "sku").stdout


@pytest.mark.parametrize("terminal", [True, False])
def test_a_run_says_which_column_it_took(
    tmp_path: Path, served: dict[str, str], terminal: bool
) -> None:
    """A guess is told whenever it is made, also if the job ends at once."""
    urls, output = tmp_path / "urls.csv", tmp_path / "results.jsonl"
    urls.write_text("id,url,image_url\n1,https://e.com/page,https://e.com/1.png\n")
    for _ in range(2):
        if terminal:
            said = _seen(urls, output, environment=served).screen
        else:
            said = run("run", urls, "-o", output, **served).stderr
        assert said.splitlines()[0].rstrip() == "input: the column image_url, with the ids in id"
        assert "complete: 1 row read" in said
    assert [row["source"] for row in results(output)] == ["https://e.com/1.png"]
    assert run("run", urls, "-o", output, "--quiet", **served).stderr == ""


def test_two_columns_that_may_have_the_images_are_asked_about(
    tmp_path: Path, served: dict[str, str]
) -> None:
    """Both are named, and nothing is written."""
    urls, output = tmp_path / "urls.csv", tmp_path / "results.jsonl"
    urls.write_text("url,link\nhttps://e.com/1,https://e.com/2\n")
    done = run("run", urls, "-o", output, **served)
    assert done.returncode == 2
    assert "has the columns url, link, and each may have the images" in " ".join(
        done.stderr.split()
    )
    assert list(tmp_path.iterdir()) == [urls]


def test_a_path_that_leads_nowhere_says_where_it_began(tmp_path: Path) -> None:
    """A list in another folder may mean its own; only a path in full says where it was."""
    (tmp_path / "a.png").touch()
    paths = ["a.png", "b.png", f"{tmp_path}/c.png"]
    (tmp_path / "paths.txt").write_text("\n".join(paths))
    done = in_a_shell(f"cd '{tmp_path}' && aliocr run paths.txt -o results.jsonl --local --dry-run")
    missing = "no such file, and not an http:// or https:// URL"
    *_, relative, full, _ = done.stdout.decode().splitlines()
    assert relative.strip() == f"line 2: {missing}; relative paths start at {tmp_path}"
    assert full.strip() == f"line 3: {missing}"


def test_files_of_this_machine_have_advice_of_their_own() -> None:
    """They have no URL to check, and fail until they are fixed; then the list is good."""
    kinds = [("BadRow", None), ("DownloadError", 480), ("DownloadError", 404), ("ImageError", 590)]
    summary = Summary(
        read=1,
        failed=tuple(Failed(*kind, rows=1) for kind in kinds),
        rows=5,
        charged=0,
        charged_at_most=0,
        duplicates=0,
        ended="complete",
        output=Path("results.jsonl"),
        seconds=1.0,
    )
    said = "\n".join(line.plain for line in summary_lines(summary, 100, local=True))
    assert "1  BadRow: the output says what is wrong with each\n" in said
    assert "480: the output says why; in most cases a smaller picture helps" in said
    assert "404: there is no picture, or it was removed" in said
    assert "590: not a readable PNG" in said
    assert "--retry-failed, after the causes are fixed" in said
    assert "charged" not in said
    remote = "\n".join(line.plain for line in summary_lines(summary, 100))
    assert "list the fixed rows in another file" in remote
    assert "404: no image at this URL" in remote


def test_a_dry_run_of_one_image_says_so(tmp_path: Path) -> None:
    """One is not several, and several are as many as they may become."""
    urls = tmp_path / "urls.txt"
    urls.write_text("https://example.com/a.png\n")
    job = ("run", urls, "-o", tmp_path / "results.jsonl", "--dry-run")
    assert "charge    1 image, if no image is sent again\n" in run(*job).stdout
    done = run(*job, "--interval", 1, "--max-frames", 1000)
    assert "charge    1 to 1,000 images, because each frame is charged\n" in done.stdout


def test_two_jobs_on_one_output_are_refused(tmp_path: Path, served: dict[str, str]) -> None:
    """The second says why and ends with 3; the first never notices."""
    urls, output = listed(tmp_path, 300), tmp_path / "results.jsonl"
    with started(urls, "-o", output, "--requests-per-second", "0.01", **served) as first:
        until_something_is_in(output)
        second = run("run", urls, "-o", output, **served)
        assert second.returncode == 3
        (line,) = second.stderr.splitlines()
        assert "another job" in line
        first.send_signal(signal.SIGINT)
        assert first.wait(PATIENCE) == 130
    assert run("run", urls, "-o", output, **served).returncode == 0
    assert len(results(output)) == 300


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_has_it_finish_what_is_under_way(
    tmp_path: Path, served: dict[str, str], number: signal.Signals
) -> None:
    """The exit code is the signal's, and the same command goes on where it stopped."""
    urls, output = listed(tmp_path, 1_000), tmp_path / "results.jsonl"
    with started(urls, "-o", output, *SLOWLY, **served) as job:
        until_something_is_in(output)
        job.send_signal(number)
        assert job.wait(PATIENCE) == 128 + number
        assert job.stderr is not None
        said = job.stderr.read()
    assert "Traceback" not in said
    assert "stopped before the end: " in said
    assert "to go on  the same command again" in said
    assert 0 < len(results(output)) < 1_000
    assert run("run", urls, "-o", output, **served).returncode == 0
    assert len(results(output)) == 1_000


def test_a_closed_terminal_has_it_finish(tmp_path: Path, served: dict[str, str]) -> None:
    """Though nothing can be printed any more, and the shell sends SIGHUP a second time."""
    urls, output = listed(tmp_path, 1_000), tmp_path / "results.jsonl"
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", ON_ITS_TERMINAL, "run", str(urls), "-o", str(output), *SLOWLY],
        env=variables(TERM="xterm", **served),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as job:
        os.close(theirs)
        until_something_is_in(output)
        os.close(ours)
        job.send_signal(signal.SIGHUP)
        assert job.wait(PATIENCE) == 128 + signal.SIGHUP
    assert 0 < len(results(output)) < 1_000
    assert run("run", urls, "-o", output, **served).returncode == 0
    assert len(results(output)) == 1_000


def test_nohup_keeps_it_running(tmp_path: Path, served: dict[str, str]) -> None:
    """Its SIGHUP stays ignored."""
    urls, output = listed(tmp_path, 300), tmp_path / "results.jsonl"
    with subprocess.Popen(
        ["/usr/bin/env", "nohup", *ALIOCR, "run", str(urls), "-o", str(output), *SLOWLY],
        env=variables(**served),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as job:
        until_something_is_in(output)
        job.send_signal(signal.SIGHUP)
        assert job.wait(PATIENCE) == 0
    assert len(results(output)) == 300


def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    """Though an answer is still awaited; the first said how."""
    with emulating("--quiet", "--chaos-requests", "hang=1") as emulator:
        urls, output = listed(tmp_path, 3), tmp_path / "results.jsonl"
        with started(urls, "-o", output, **emulator.exports) as job:
            assert job.stderr is not None
            while not emulator.ask("GET", "/_emulator/calls")[1]["calls"]:
                time.sleep(0.02)
            job.send_signal(signal.SIGINT)
            assert "press Ctrl-C again to stop immediately" in job.stderr.readline()
            job.send_signal(signal.SIGINT)
            assert job.wait(PATIENCE) == 130
            assert job.stderr.read() == ""


def test_standard_error_that_nobody_reads_holds_up_nothing(
    urls: Path, served: dict[str, str]
) -> None:
    """A pipe that is full, as a terminal that is held: all is read and written nevertheless."""
    output = urls.with_name("results.jsonl")
    ours, theirs = os.pipe()
    os.set_blocking(theirs, False)
    while select.select([], [theirs], [], 0)[1]:
        os.write(theirs, b"x" * 4096)
    os.set_blocking(theirs, True)
    command = [*ALIOCR, "run", str(urls), "-o", str(output)]
    with subprocess.Popen(command, env=variables(**served), stderr=theirs) as job:
        os.close(theirs)
        end = time.monotonic() + PATIENCE
        while not output.exists() or len(output.read_text().splitlines()) < 20:
            assert time.monotonic() < end
            time.sleep(0.02)
        with os.fdopen(ours, "rb") as pipe:
            assert b"complete: 20 rows" in pipe.read()
        assert job.wait(PATIENCE) == 0


def test_a_terminal_that_is_held_holds_up_nothing(tmp_path: Path, served: dict[str, str]) -> None:
    """As by Ctrl-S: all is read and written, and what came of it is said when it is let go."""
    urls, output = listed(tmp_path, 200), tmp_path / "results.jsonl"
    ours, theirs = os.openpty()
    termios.tcflow(theirs, termios.TCOOFF)
    command = [*ALIOCR, "run", str(urls), "-o", str(output), *SLOWLY]
    environment = variables(**served, TERM="xterm")
    with subprocess.Popen(command, env=environment, stderr=theirs) as job:
        end = time.monotonic() + PATIENCE
        while not output.exists() or len(output.read_text().splitlines()) < 200:
            assert time.monotonic() < end
            time.sleep(0.02)
        termios.tcflow(theirs, termios.TCOON)
        os.close(theirs)
        with os.fdopen(ours, "rb", 0) as terminal:
            said = b""
            while b"complete: 200 rows" not in said:
                said += terminal.read(4096)
        assert job.wait(PATIENCE) == 0


@pytest.mark.parametrize("redirected", ["2>&-", "<&- 2>&-", "2>/dev/full", "2>&1 | head -c 1"])
def test_standard_error_that_is_not_there_is_no_error(
    redirected: str, urls: Path, served: dict[str, str]
) -> None:
    """The job is done, and no message ends up in a file."""
    output = urls.with_name("results.jsonl")
    done = in_a_shell(f"aliocr run {urls} -o {output} {redirected}", served)
    assert done.returncode == 0
    assert done.stderr == b""
    assert len(results(output)) == 20


@pytest.mark.parametrize("columns", [80, 40])
def test_a_terminal_shows_progress_and_a_summary(
    tmp_path: Path, served: dict[str, str], columns: int
) -> None:
    """Lines that stand below while it reads, none wrapped; of them nothing is left."""
    urls, output = listed(tmp_path, 200), tmp_path / "results.jsonl"
    seen = _seen(urls, output, *SLOWLY, columns=columns, environment=served)
    assert seen.code == 0
    lines = [line.rstrip("\r") for line in CODES.sub("", seen.output).split("\n")]
    bars = [line for line in lines if "of 200" in line or "of ~200" in line]
    assert bars
    assert all(len(line.lstrip("\r")) <= columns for line in bars)
    assert BAR not in seen.screen
    words = " ".join(seen.screen.split())
    assert words.startswith("complete: 200 rows read, 0 failed, in ")
    assert "aliocr report" in seen.screen


def _seen(urls: Path, output: Path, *options: str, **terminal: Any) -> TerminalOutput:
    return on_a_terminal("run", str(urls), "-o", str(output), *options, **terminal)


def test_failures_are_readable_on_a_narrow_terminal(urls: Path, faulty: dict[str, str]) -> None:
    """The advice stands beside the number, unbroken words in several lines."""
    seen = _seen(urls, urls.with_name("results.jsonl"), columns=40, environment=faulty)
    assert seen.code == 1
    assert "\x1b[31m" in seen.output
    start = seen.screen.index("DownloadError 404:")
    assert re.match(r"DownloadError 404: no image at this\n {5,}URL", seen.screen[start:])


def test_ctrl_c_on_a_terminal_leaves_a_clean_screen(tmp_path: Path, served: dict[str, str]) -> None:
    """Though the terminal writes ^C into it: that it finishes is said, and what came of it."""
    urls, output = listed(tmp_path, 1_000), tmp_path / "results.jsonl"
    seen = _seen(urls, output, *SLOWLY, press=("requests/s", b"\x03"), environment=served)
    assert seen.code == 130
    assert "press Ctrl-C again to stop immediately" in seen.output
    assert BAR not in seen.screen
    assert seen.screen.startswith("stopped before the end: ")


@pytest.mark.parametrize("variable", ["NO_COLOR=1", "TERM=dumb"])
def test_a_terminal_gets_no_more_than_it_wants(
    urls: Path, faulty: dict[str, str], variable: str
) -> None:
    """No colour, or nothing but lines."""
    name, _, value = variable.partition("=")
    environment = faulty | {name: value}
    seen = _seen(urls, urls.with_name("results.jsonl"), environment=environment)
    assert "\x1b[31m" not in seen.output
    assert ("\x1b" in seen.output) == (name == "NO_COLOR")
    assert seen.screen.startswith("complete: ")


@pytest.mark.engine
def test_a_folder_of_pictures_is_read_on_this_machine(tmp_path: Path) -> None:
    """Without an account; all frames, as none is charged."""
    pytest.importorskip("rapidocr")
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, sample in (("is\nit?=a.png", "small_en.png"), ("anim4.gif", "anim4.gif")):
        (folder / name).write_bytes((SAMPLES / sample).read_bytes())
    (folder / "notes.txt").touch()
    (folder / "more").mkdir()
    (folder / ".hidden").mkdir()
    output = tmp_path / "results.jsonl"
    skipped = f"2 skipped: {OTHERS}"
    planned = run("run", folder, "-o", output, "--local", "--dry-run").stdout
    assert f"the pictures in the folder; {skipped}\n" in planned
    done = run("run", folder, "-o", output, "--local")
    assert done.returncode == 0
    assert done.stderr.startswith(f"{folder}: {skipped}\n")
    assert "charged" not in done.stderr
    still, moving = sorted(results(output), key=lambda row: len(row.get("frames", ())))
    assert still["source"].endswith("/is\nit?=a.png")
    assert "hello" in still["text"]
    assert len(moving["frames"]) == 4


@pytest.mark.parametrize("lines", ["https://example.com/1.png\n", "no image\n"])
def test_a_pipe_that_says_nothing_does_not_keep_it_from_stopping(
    lines: str, urls: Path, served: dict[str, str]
) -> None:
    """Python aborts if it ends while a thread listens to its buffered standard input."""
    reading, writing = os.pipe()
    os.write(writing, lines.encode())
    with subprocess.Popen(
        [*ALIOCR, "run", "-", "-o", urls.with_name("out.jsonl")],
        env=variables(**served),
        stdin=reading,
        stderr=subprocess.PIPE,
        text=True,
    ) as job:
        if lines.startswith("https"):
            until_something_is_in(urls.with_name("out.jsonl"))
        else:
            assert job.stderr
            assert " 0 rows" in job.stderr.readline()  # comes every five seconds
            assert not urls.with_name("out.jsonl").exists()
        job.send_signal(signal.SIGINT)
        _, said = job.communicate(timeout=PATIENCE)
    os.close(reading)
    os.close(writing)
    assert job.returncode == 130
    rows = "1 row" if lines.startswith("https") else "0 rows"
    assert f"stopped before the end: {rows} read" in said


def test_a_list_of_bad_rows_is_refused_with_the_remedy(
    tmp_path: Path, served: dict[str, str]
) -> None:
    """Nothing is written; the option in the message lets them fail."""
    source, output = tmp_path / "feed.csv", tmp_path / "out.jsonl"
    source.write_text("image,page\ncat,https://example.com/1.png\n")
    done = run("run", source, "-o", output, **served)
    assert done.returncode == 2
    said = " ".join(done.stderr.split())
    assert said.startswith("input: the column image Error: ")
    assert "row 1 (line 2): not an http:// or https:// URL: 'cat'" in said
    assert "--allow-bad" in said
    assert list(tmp_path.iterdir()) == [source]
    planned = run("run", source, "-o", output, "--dry-run").stdout
    assert "refused  a run does not begin with these rows, except with --allow-bad" in planned
    assert run("run", source, "-o", output, "--column", "page", **served).returncode == 0
    other = tmp_path / "other.jsonl"
    assert run("run", source, "-o", other, "--allow-bad", **served).returncode == 1
    assert [row["kind"] for row in results(other)] == ["BadRow"]
