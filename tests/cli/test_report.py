"""`aliocr report`, as a person or a script meets it."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from aliocr.job.output.codecs import encode_json
from aliocr.job.output.result import Result
from tests.support.program import ALIOCR, PATIENCE, in_a_shell, on_a_terminal, run, variables
from tests.support.rows_read import failed, files_in, said, sample

pytest.importorskip("click")
pytest.importorskip("rich")


def output(folder: Path, *rows: Result) -> Path:
    """A job's output of these."""
    path = folder / "out.jsonl"
    path.write_bytes(b"".join(map(encode_json, rows)))
    return path


@pytest.fixture
def silent() -> Iterator[str]:
    """The URL of a host that takes connections, and nothing more."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_it_writes_a_page_beside_the_output(tmp_path: Path) -> None:
    """Named like it; a line on standard output says so."""
    pytest.importorskip("PIL")
    out = output(tmp_path, sample("small_en.png"), said("a", 2), failed(3))
    done = run("report", out)
    page = tmp_path / "out.html"
    assert done.returncode == 0
    why = "its file no longer exists"
    assert done.stdout == f"{page}: 3 rows, 2 without a picture: {why}\n"
    assert done.stderr == "writing a report\n"
    assert "data:image/" in page.read_text("utf-8")
    assert files_in(tmp_path) == {"out.jsonl", "out.html"}


def test_reasons_for_missing_pictures_are_counted(tmp_path: Path) -> None:
    """The commonest first; where a list helps, it says so."""
    pytest.importorskip("PIL")
    cut = [said("a", row, source="https://example.com/a.png?…") for row in range(1, 4)]
    page = tmp_path / "out.html"
    done = run("report", output(tmp_path, *cut))
    assert done.stdout.startswith(f"{page}: 3 rows, 3 without a picture: ")
    assert done.stdout.endswith("give the full URL by --input LIST\n")
    done = run("report", output(tmp_path, said("b", 4), *cut))
    head, *reasons = done.stdout.splitlines()
    assert head == f"{page}: 4 rows, 4 without a picture"
    assert reasons[0].startswith("  3  its URL is kept without the query")
    assert reasons[1] == "  1  its file no longer exists"


def test_a_folder_of_files_is_looked_up(tmp_path: Path) -> None:
    """A job wrote its paths as they were in its own folder; without --input, it is asked for."""
    pytest.importorskip("PIL")
    rows = [said(name, row, source=f"album/{name}.png") for row, name in enumerate("ab", 1)]
    (tmp_path / "moved").mkdir()
    (tmp_path / "moved" / "a.png").write_bytes(Path(sample("small_en.png").source).read_bytes())
    done = run("report", output(tmp_path, *rows), "--input", tmp_path / "moved")
    assert ": 2 rows, 1 without a picture: its file is not found from this folder" in done.stdout
    assert done.stdout.endswith("give the job's INPUT by --input\n")


def test_an_input_is_looked_up_for_the_rows_that_are_shown(tmp_path: Path) -> None:
    """Also for a failure far down the list; another list than the job's is said to be one."""
    pytest.importorskip("PIL")
    listed = tmp_path / "urls.txt"
    names = [f"http://127.0.0.1:1/{row}.png" for row in range(1, 9)]
    listed.write_text("".join(f"{name}?key=1\n" for name in names))
    rows = [said("a", row, source=f"{name}?…") for row, name in enumerate(names, 1)]
    out = output(tmp_path, *rows[:7], failed(8, source=rows[7].source))
    done = run("report", out, "--input", listed, "--limit", 2)
    assert done.stdout.endswith("2 of 8 rows, 2 without a picture: no connection to its host\n")
    lists = [tmp_path / "a.txt", tmp_path / "b.txt"]
    for part, some in zip(lists, (names[:5], names[5:]), strict=True):
        part.write_text("".join(f"{name}?key=1\n" for name in some))
    for inputs in (lists, [tmp_path / "[ab].txt"]):
        given = [word for each in inputs for word in ("--input", each)]
        done = run("report", out, *given, "--limit", 2)
        assert done.stdout.endswith("2 without a picture: no connection to its host\n")
    listed.write_text("https://example.com/other.png?key=1\n" * 8)
    done = run("report", out, "--input", listed, "--limit", 2)
    assert done.stdout.endswith("the list does not have this URL in its row\n")


def test_options_say_where_and_what(tmp_path: Path) -> None:
    """Another page, no pictures, fewer rows."""
    out = output(tmp_path, *(said("a", row) for row in range(1, 6)))
    page = tmp_path / "page"
    done = run("report", out, "-o", page, "--pictures", "none", "--limit", 2)
    assert (done.returncode, done.stdout) == (0, f"{page}: 2 of 5 rows\n")
    assert run("report", out, "--pictures", "link").returncode == 0
    assert run("report", out, "--limit", 0).returncode == 2
    assert run("report", out, "--pictures", "some").returncode == 2
    assert run("report", out, "--column", "url").returncode == 2
    assert run("report", out, "--input", "urls.txt", "--pictures", "link").returncode == 2
    done = run("report", out, "--input", tmp_path / "nowhere.csv")
    assert (done.returncode, "there is no file or folder" in done.stderr) == (2, True)


def test_what_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    """No output, or something else."""
    done = run("report", tmp_path / "nowhere" / "out.jsonl")
    assert done.returncode == 2
    assert done.stderr.endswith("out.jsonl: no such file or directory\n")
    assert "writing a report" not in done.stderr
    (tmp_path / "folder").mkdir()
    done = run("report", tmp_path / "folder", "--pictures", "none")
    assert done.returncode == 2
    assert done.stderr.endswith("folder: is a directory\n")
    done = run("report", ".", "--pictures", "none")
    assert done.returncode == 2
    assert done.stderr.endswith("cannot read .: is a directory\n")
    (tmp_path / "notes.txt").write_text("some notes\n")
    done = run("report", tmp_path / "notes.txt", "--pictures", "none")
    assert done.returncode == 2
    assert "notes.txt is not an output of a job: record 1: " in done.stderr
    assert "writing a report" not in done.stderr
    assert files_in(tmp_path) == {"folder", "notes.txt"}


def test_what_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    """Another file, the output itself, or a full disk; nothing is lost."""
    out = output(tmp_path, said("a"))
    (tmp_path / "out.html").write_text("<!doctype html>")
    for page in (out, tmp_path / "out.html"):
        before = page.read_bytes()
        done = run("report", out, "-o", page, "--pictures", "none")
        assert done.returncode == 1
        assert "exists already and is not a report" in done.stderr
        assert page.read_bytes() == before
    full = tmp_path / "full.html"
    words = f"aliocr report {shlex.quote(str(out))} -o {shlex.quote(str(full))} --pictures none"
    cut = in_a_shell(f"ulimit -f 8; {words}")
    assert cut.returncode == 1
    assert cut.stderr.decode().splitlines()[-1] == f"Error: cannot write {full}: File too large"
    assert files_in(tmp_path) == {"out.jsonl", "out.html"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_one_line(tmp_path: Path) -> None:
    """Another user owns the folder of the output, say; -o helps."""
    out = output(tmp_path, said("a"))
    tmp_path.chmod(0o500)
    try:
        done = run("report", out, "--pictures", "none")
    finally:
        tmp_path.chmod(0o700)
    assert done.returncode == 1
    assert done.stderr.endswith("out.html: Permission denied\n")


def test_without_pillow_one_sentence_says_what_to_install(tmp_path: Path) -> None:
    """Before anything is read; without pictures in the page it is not needed."""
    blocked = tmp_path / "blocked" / "PIL"
    blocked.mkdir(parents=True)
    (blocked / "__init__.py").write_text("raise ImportError('no PIL')")
    path = os.pathsep.join([str(blocked.parent), os.environ.get("PYTHONPATH", "")])
    junk = tmp_path / "out.jsonl"
    junk.write_text("junk\n")
    done = run("report", junk, PYTHONPATH=path)
    assert done.returncode == 2
    assert "pip install 'aliocr[pictures]'" in done.stderr
    out = output(tmp_path, said("a"))
    for pictures in ("link", "none"):
        assert run("report", out, "--pictures", pictures, PYTHONPATH=path).returncode == 0


def test_a_terminal_shows_progress_and_keeps_the_summary(tmp_path: Path) -> None:
    """The bar is gone in the end."""
    pytest.importorskip("PIL")
    out = output(tmp_path, *(sample("small_en.png", row) for row in range(1, 11)))
    seen = on_a_terminal("report", str(out), columns=200)
    assert "pictures" in seen.output
    assert seen.screen == f"{tmp_path / 'out.html'}: 10 rows"


def test_ctrl_c_leaves_nothing_behind(tmp_path: Path, silent: str) -> None:
    """Also while a host is waited for."""
    pytest.importorskip("PIL")
    out = output(tmp_path, sample("small_en.png"), said("a", 2, source=f"{silent}/a.png"))
    seen = on_a_terminal("report", str(out), columns=60, press=("1/2", b"\x03"))
    assert seen.code == 130
    assert seen.screen in ("", "^C")
    assert files_in(tmp_path) == {out.name}


def test_sigterm_leaves_nothing_behind(tmp_path: Path, silent: str) -> None:
    """As the end of a container's life."""
    pytest.importorskip("PIL")
    out = output(tmp_path, said("a", source=f"{silent}/a.png"))
    with subprocess.Popen([*ALIOCR, "report", str(out)], env=variables()) as process:
        end = time.monotonic() + PATIENCE
        while files_in(tmp_path) == {out.name} and time.monotonic() < end:
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 128 + signal.SIGTERM
    assert files_in(tmp_path) == {out.name}
