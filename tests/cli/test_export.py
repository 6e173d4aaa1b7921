"""`aliocr export`: each format is chosen by its suffix; hOCR is a file a picture, in a folder."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from aliocr import Region
from aliocr.job.output.codecs import encode_json
from aliocr.job.output.result import Read, Result, Unread
from tests.support.program import (
    ALIOCR,
    BAR,
    PATIENCE,
    call,
    in_a_shell,
    on_a_terminal,
    run,
    variables,
)

pytest.importorskip("click")
pytest.importorskip("rich")

AS_ROOT = os.geteuid() == 0


def _read(row: int, source: str, name: str | None = None) -> Read:
    regions = (Region(f"text {row}", 1.0, 1.0, 60.0, 20.0),)
    return Read(row=row, id=name, source=source, text=f"text {row}", regions=regions)


def _output(folder: Path, rows: Iterable[Result]) -> Path:
    path = folder / "texts.jsonl"
    path.write_bytes(b"".join(map(encode_json, rows)))
    return path


def test_each_picture_that_was_read_has_a_file(tmp_path: Path) -> None:
    """Named after its row and its id, or its own name; how many is said."""
    rows: list[Result] = [
        _read(1, "https://example.com/shop/receipt.png?…"),
        Unread(row=2, source="https://example.com/b.png", kind="DownloadError", error="no"),
        _read(3, "pictures/Rechnung März.jpg"),
        _read(4, "https://example.com/c.png", "inv-7"),
    ]
    done = run("export", _output(tmp_path, rows), tmp_path / "new" / "hocr")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("3 files written, 1 row was not read, in ")
    folder = tmp_path / "new" / "hocr"
    assert sorted(path.name for path in folder.iterdir()) == [
        "1-receipt.hocr",
        "3-Rechnung_März.hocr",
        "4-inv-7.hocr",
    ]
    for path in folder.iterdir():
        text = "".join(ET.fromstring(path.read_bytes()).itertext())  # noqa: S314 - it is ours
        assert f"text\n{path.name[0]}" in text


def test_what_no_service_should_say_is_written_nevertheless(tmp_path: Path) -> None:
    """Places beyond all bounds, and an address that is none."""
    far = Read(row=1, source="a.png", text="far", regions=(Region("far", 1e308, 1.0, 1e308, 2.0),))
    rows = [far, _read(2, "http://[::1/x.png"), _read(3, "c.png")]
    done = run("export", _output(tmp_path, rows), tmp_path / "hocr")
    assert (done.returncode, done.stderr) == (0, "")
    names = sorted(path.name for path in (tmp_path / "hocr").iterdir())
    assert names == ["1-a.hocr", "2.hocr", "3-c.hocr"]


def test_names_neither_collide_nor_leave_the_folder(tmp_path: Path) -> None:
    """Whatever ids and sources say, and however long they are."""
    names = [
        "../../evil",
        "/etc/passwd",
        "..",
        ".",
        "a/b",
        "a_b",
        "A_B",
        "",
        "x" * 5000,
        "长" * 300,
        "nul\x00",
        "con",
        "-",
        "\ud800",
    ]
    rows = [_read(row, "", name or None) for row, name in enumerate(names, 1)]
    rows += [_read(100 + row, name, None) for row, name in enumerate(names)]
    output = _output(tmp_path, rows)
    folder = tmp_path / "hocr"
    before = set(tmp_path.rglob("*"))
    done = run("export", output, folder)
    assert done.returncode == 0, done
    made = set(tmp_path.rglob("*")) - before - {folder}
    assert len(made) == len(rows)
    assert {path.parent for path in made} == {folder}
    assert len({path.name.lower() for path in made}) == len(rows)


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_names_are_the_same_in_any_locale(tmp_path: Path, locale: str) -> None:
    """As other programs write and read them, in UTF-8."""
    output, folder = _output(tmp_path, [_read(1, "a.png", "发票")]), tmp_path / "hocr"
    ascii_only = {"PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    done = run("export", output, folder, LC_ALL=locale, **ascii_only)
    assert (done.returncode, done.stderr) == (0, "")
    assert [os.fsencode(path.name) for path in folder.iterdir()] == ["1-发票.hocr".encode()]


@pytest.mark.parametrize("suffix", [".txt", ".md", ".pdf"])
def test_a_file_has_its_name_in_any_locale(suffix: str, tmp_path: Path) -> None:
    """In a folder whose name this locale cannot spell, too; also a name that is no UTF-8."""
    if suffix == ".pdf":
        pytest.importorskip("pikepdf")
        pytest.importorskip("PIL")
    (tmp_path / "书").mkdir()
    output = _output(tmp_path, [_read(1, "发票.png", "发票")])
    for name in ("发票", os.fsdecode(b"\xff")):
        target = tmp_path / "书" / f"{name}{suffix}"
        ascii_only = {"PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
        done = run("export", output, target, LC_ALL="C", **ascii_only)
        assert (done.returncode, done.stderr) == (0, "")
        assert target.stat().st_size
    assert len(list((tmp_path / "书").iterdir())) == 2


def test_again_is_the_same(tmp_path: Path) -> None:
    """Files that are there are replaced, not followed; others are left alone."""
    output, folder = _output(tmp_path, [_read(1, "a.png")]), tmp_path / "hocr"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    (folder / "1-a.hocr").symlink_to(tmp_path / "elsewhere")
    assert run("export", output, folder).returncode == 0
    assert run("export", output, folder).returncode == 0
    assert not (tmp_path / "elsewhere").exists()
    assert sorted(path.name for path in folder.iterdir()) == ["1-a.hocr", "mine.txt"]


def test_what_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    """A full disk or a folder without permission: the written files are whole, and counted."""
    output = _output(tmp_path, [_read(row, "a.png") for row in range(1, 5)])
    done = in_a_shell(f"ulimit -f 0; aliocr export {output} {tmp_path}/full")
    assert done.returncode == 1
    assert b"cannot write" in done.stderr
    assert b"0 files written" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert list((tmp_path / "full").iterdir()) == []


def test_a_signal_leaves_whole_files_only(tmp_path: Path) -> None:
    """The end of a container, say; the same command again writes all of them."""
    output = _output(tmp_path, [_read(row, "a.png") for row in range(1, 20_000)])
    folder = tmp_path / "hocr"
    with subprocess.Popen([*ALIOCR, "export", output, folder], env=variables()) as process:
        end = time.monotonic() + PATIENCE
        while not (folder / "9-a.hocr").exists() and time.monotonic() < end:
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 128 + signal.SIGTERM
    names = [path.name for path in folder.iterdir()]
    assert 9 <= len(names) < 19_999
    assert all(name.endswith("-a.hocr") for name in names)
    for path in list(folder.iterdir())[-5:]:
        ET.fromstring(path.read_bytes())  # noqa: S314 - it is ours


@pytest.mark.skipif(AS_ROOT, reason="root may write everywhere")
def test_a_folder_that_is_read_only_is_one_line(tmp_path: Path) -> None:
    """And leaves nothing there."""
    output, folder = _output(tmp_path, [_read(1, "a.png")]), tmp_path / "hocr"
    folder.mkdir(mode=0o500)
    done = run("export", output, folder)
    assert done.returncode == 1
    assert "Permission denied" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_misuse_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    """No output, or no folder: exit code 2."""
    (tmp_path / "none.jsonl").write_text("hello\n")
    output = _output(tmp_path, [_read(1, "a.png")])
    misuses: list[tuple[tuple[str | Path, ...], str]] = [
        ((tmp_path / "missing.jsonl", tmp_path / "hocr"), "cannot read"),
        ((tmp_path / "none.jsonl", tmp_path / "hocr"), "is not an output of a job"),
        ((output, output / "hocr"), "cannot make"),
        ((output, ""), "TARGET: an export is a file or a folder"),
        ((output, output), "the suffix .jsonl is unknown: give "),
        ((output, tmp_path / "pages.docx"), "the suffix .docx is unknown: give "),
        ((output, tmp_path / "hocr", "--input", output), "is no folder"),
    ]
    for arguments, said in misuses:
        done = run("export", *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert said in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "hocr").exists()


def test_pictures_are_in_the_order_of_the_list(tmp_path: Path) -> None:
    """The rows of an output are in the order of the answers."""
    output, target = (
        _output(tmp_path, (_read(row, "a.png") for row in (3, 1, 2))),
        tmp_path / "t.txt",
    )
    assert run("export", output, target).returncode == 0
    assert re.findall(r"text \d", target.read_text("utf-8")) == ["text 1", "text 2", "text 3"]


@pytest.mark.parametrize("suffix", [".txt", ".md"])
def test_one_file_is_written_or_the_old_one_stays(suffix: str, tmp_path: Path) -> None:
    """Its rows are counted; an error or a signal leaves nothing that is half done."""
    unread = Unread(row=2, source="b", kind="DownloadError", error="no")
    rows: list[Result] = [_read(1, "a.png"), unread]
    output, target = _output(tmp_path, rows), tmp_path / f"pages{suffix}"
    done = run("export", output, target)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"1 picture written, 1 row was not read, in {target}\n"
    text = target.read_text("utf-8")
    assert "text 1" in text
    done = run("export", output, tmp_path / "missing" / target.name)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: cannot write ")
    full = in_a_shell(f"ulimit -f 0; aliocr export {output} {target}")
    assert full.returncode == 1
    assert b"cannot write" in full.stderr
    assert target.read_text("utf-8") == text
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"pages{suffix}", "texts.jsonl"]


@pytest.mark.parametrize("suffix", [".txt", ".pdf"])
def test_a_signal_leaves_the_old_file(suffix: str, tmp_path: Path) -> None:
    """And no temporary file."""
    if suffix == ".pdf":
        pytest.importorskip("pikepdf")
        pytest.importorskip("PIL")
    output = _output(tmp_path, (_read(row, "a.png") for row in range(1, 100_000)))
    target = tmp_path / f"pages{suffix}"
    target.write_text("old")
    with subprocess.Popen([*ALIOCR, "export", output, target], env=variables()) as process:
        end = time.monotonic() + PATIENCE
        while len(list(tmp_path.iterdir())) < 3 and time.monotonic() < end:
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 128 + signal.SIGINT
    assert target.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"pages{suffix}", "texts.jsonl"]


def test_a_bar_counts_the_rows_on_a_terminal(tmp_path: Path) -> None:
    """And is gone at the end."""
    output, target = _output(tmp_path, [_read(1, "a.png")]), tmp_path / "pages.txt"
    seen = on_a_terminal("export", str(output), str(target), columns=200)
    assert BAR in seen.output
    assert seen.screen == f"1 picture written in {target}"


def test_an_output_of_a_job_is_never_replaced(tmp_path: Path) -> None:
    """Its rows have cost money."""
    output = _output(tmp_path, [_read(1, "a.png")])
    other = tmp_path / "other.txt"
    other.write_text("paid")
    (tmp_path / "other.txt.journal").write_bytes(b"")
    link = tmp_path / "same.md"
    link.hardlink_to(output)
    (tmp_path / "pipe.txt").symlink_to(os.devnull)
    for target, said in [
        (other, "is the output of a job"),
        (link, "is the output of a job"),
        (tmp_path / "pipe.txt", "is not a regular file"),
    ]:
        done = call("export", output, target)
        assert (done.returncode, done.stdout) == (2, "")
        assert said in done.stderr
    assert other.read_text() == "paid"


def test_a_missing_extra_is_named(tmp_path: Path) -> None:
    """Before anything is written."""
    output = _output(tmp_path, [_read(1, "a.png")])
    program = """
import sys
sys.modules["pikepdf"] = None
from aliocr.cli import main
main()
"""
    command = [sys.executable, "-c", program, "export", str(output), str(tmp_path / "book.pdf")]
    done = subprocess.run(command, env=variables(), capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "pip install 'aliocr[pdf]'" in done.stderr
    assert not (tmp_path / "book.pdf").exists()


def test_an_empty_output_is_no_file(tmp_path: Path) -> None:
    """And no error."""
    done = run("export", _output(tmp_path, []), tmp_path / "hocr")
    assert (done.returncode, done.stdout.split(" in ")[0]) == (0, "0 files written")


def test_a_sheet_and_a_database_have_all_rows(tmp_path: Path) -> None:
    """The rows that were not read are counted, and tell why."""
    unread = Unread(row=2, source="b.png", kind="DownloadError", error="no")
    output = _output(tmp_path, [_read(1, "a.png"), unread])
    for name, options in (("pages.db", []), ("sheet.csv", []), ("sheet.csv", ["--bom"])):
        done = call("export", output, tmp_path / name, *options)
        assert (done.returncode, done.stderr) == (0, "")
        said, remark = done.stdout.splitlines()
        assert said == f"2 rows written in {tmp_path / name}"
        assert remark.startswith("  1  not read; the ")
    assert (tmp_path / "sheet.csv").read_bytes().startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize("name", ["pages.db", "hocr"])
def test_only_a_sheet_has_a_mark(name: str, tmp_path: Path) -> None:
    """Another target says so, and is not written."""
    done = call("export", _output(tmp_path, [_read(1, "a.png")]), tmp_path / name, "--bom")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--bom is for a CSV sheet" in done.stderr
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("name", ["pages.db", "sheet.csv"])
def test_a_full_disk_leaves_no_half_of_a_file(name: str, tmp_path: Path) -> None:
    """It is one line, and exit code 1."""
    output = _output(tmp_path, [_read(1, "a.png")])
    done = in_a_shell(f"ulimit -f 0; aliocr export {output} {tmp_path / name}")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert b"cannot write" in done.stderr
    assert [each.name for each in tmp_path.iterdir()] == [output.name]
