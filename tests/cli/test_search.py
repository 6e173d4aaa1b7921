"""`aliocr search`: finds as grep does, and says where."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from aliocr import Region
from aliocr.job.output.codecs import encode_json
from aliocr.job.output.result import Read, Result, Unread
from tests.support.program import call, in_a_shell, on_a_terminal, run

pytest.importorskip("click")
pytest.importorskip("rich")


def _row(number: int, *lines: str, name: str | None = None) -> Read:
    regions = tuple(Region(text, 0.0, 30.0 * row, 200.0, 20.0) for row, text in enumerate(lines))
    source = f"https://example.com/{number}.png"
    return Read(row=number, id=name, source=source, text=" ".join(lines), regions=regions)


ROWS: Sequence[Result] = (
    _row(2, "Receipt", "Total 64.50", "Subtotal total", name="inv-7"),
    Unread(row=1, source="https://example.com/1.png", kind="DownloadError", error="total loss"),
    _row(3, "the grand", "total of it"),
    _row(4, "小计 12", "\x1b[31mred"),
)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """The output of a job."""
    path = tmp_path / "texts.jsonl"
    path.write_bytes(b"".join(map(encode_json, ROWS)))
    return path


def test_lines_are_printed_after_row_id_and_source(output: Path) -> None:
    """Each once, however often it has the words; what was not read is passed over."""
    done = run("search", output, "TOTAL")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "2 inv-7 https://example.com/2.png: Total 64.50",
        "2 inv-7 https://example.com/2.png: Subtotal total",
        "3 https://example.com/3.png: total of it",
    ]


def test_several_words_are_one_phrase(output: Path) -> None:
    """Quoted or not, over the end of a line too; both lines are printed then."""
    for words in (["grand", "total", "of"], ["grand total of"]):
        assert call("search", output, *words).stdout.splitlines() == [
            "3 https://example.com/3.png: the grand",
            "3 https://example.com/3.png: total of it",
        ]
    assert call("search", output, "小计12").returncode == 0
    assert call("search", output, "grand of").returncode == 1


def test_json_is_the_record_as_it_stands(output: Path) -> None:
    """For programs: the rows that have the words, each once."""
    done = run("search", "--json", output, "total")
    lines = output.read_text().splitlines()
    assert done.stdout.splitlines() == [lines[0], lines[2]]
    assert [json.loads(line)["row"] for line in done.stdout.splitlines()] == [2, 3]


def test_exit_codes_are_those_of_grep(output: Path, tmp_path: Path) -> None:
    """0 found, 1 not found, 2 misuse; and one line says what is wrong."""
    assert run("search", output, "total").returncode == 0
    nothing = run("search", output, "nowhere")
    assert (nothing.returncode, nothing.stdout, nothing.stderr) == (1, "", "")
    (tmp_path / "none.jsonl").write_text("hello\n")
    for arguments, said in [
        ((tmp_path / "missing.jsonl", "a"), "cannot read"),
        ((tmp_path, "a"), "cannot read"),
        ((tmp_path / "none.jsonl", "a"), "is not an output of a job"),
        ((output, " "), "words must contain at least one visible"),
    ]:
        done = call("search", *arguments)
        assert (done.returncode, done.stdout) == (2, ""), done
        assert said in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert run("search", output).returncode == 2


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nothing.jsonl", "cannot read {}: no such file or directory"),
        (".", "cannot read {}: is a directory"),
        ("notes.txt", "{} is not an output of a job: record 1: "),
        ("no_end.txt", "{} is not an output of a job: record 1: "),
        ("other.jsonl", "{} is not an output of a job: record 1: "),
        ("picture.png", "{} is not an output of a job: record 1: "),
        ("pipe.jsonl", "{} is not a regular file"),
    ],
)
@pytest.mark.parametrize(
    "command",
    [
        "search {} word",
        "export {} FOLDER",
        "report {} --pictures none",
        "draw http://127.0.0.1:1/a.png --from {}",
    ],
)
def test_what_is_no_output_is_the_same_slip_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, name: str, says: str
) -> None:
    """Whichever command is to go on from it: one line, exit code 2, and nothing is written."""
    if command.startswith("draw"):
        pytest.importorskip("PIL")
    (tmp_path / "notes.txt").write_text("some notes\n")
    (tmp_path / "no_end.txt").write_text("https://example.com/a.png")
    (tmp_path / "other.jsonl").write_text('{"source": "a"}')
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    before = sorted([*(path.name for path in tmp_path.iterdir()), "pipe.jsonl"])
    os.mkfifo(tmp_path / "pipe.jsonl")  # which, like a device, may never come to an end
    monkeypatch.chdir(tmp_path)
    done = call(*command.format(name).split())
    assert done.returncode == 2
    said = done.stderr.removeprefix("writing a report\n")
    assert said.startswith(f"Error: {says.format(name)}")
    assert said.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_a_terminal_shows_where(output: Path) -> None:
    """In colour; what a picture says cannot steer the terminal, nor can it with NO_COLOR."""
    seen = on_a_terminal("search", str(output), "total")
    assert "\x1b[1;31mtotal\x1b[0m" in seen.output
    assert "Subtotal total" in seen.screen
    red = on_a_terminal("search", str(output), "red")
    assert "\x1b[31mred" not in red.output.replace("\x1b[1;31m", "")
    plain = on_a_terminal("search", str(output), "total", environment={"NO_COLOR": "1"})
    assert "31m" not in plain.output


def test_a_reader_that_wants_no_more_may_go(output: Path) -> None:
    """`| head -1` ends it without a word, and the words were found."""
    many = output.with_name("many.jsonl")
    many.write_bytes(encode_json(ROWS[0]) * 20_000)
    for option in ("", "--json"):
        command = f"aliocr search {option} {many} total || echo $? >&2"
        done = in_a_shell(f"{{ {command}; }} | head -1")
        assert done.returncode == 0
        assert done.stdout.count(b"\n") == 1
        assert done.stderr == b""
    full = in_a_shell(f"aliocr search {many} total > /dev/full")
    assert full.returncode == 1
    assert full.stderr.decode().startswith("Error: cannot write")
