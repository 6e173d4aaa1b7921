"""`aliocr scan`: real processes, pipes and terminals."""

import json
import os
import re
import signal
import subprocess
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from aliocr import COLUMNS, APIError, Failure, Frame, Image, Scan
from aliocr import results as results_of
from aliocr.job.errors import InputError
from aliocr.job.input.opening import opened
from tests.support.program import (
    ALIOCR,
    BAR,
    CODES,
    IMPATIENT,
    PATIENCE,
    call,
    in_a_shell,
    on_a_terminal,
    run,
    variables,
)
from tests.support.truth import ENOUGH, LINES, SAMPLES, TRUTH, squeezed

pytest.importorskip("click")
pytest.importorskip("rich")

from aliocr.cli.run.local_sources import LocalSources

PICTURES = Path(__file__).parents[1] / "emulator" / "pictures"

URLS = [f"https://example.com/{number}.png" for number in range(3)]


def test_urls_are_read_through_the_emulator(served: dict[str, str]) -> None:
    """The exported lines are all it takes; text goes to standard output."""
    done = run("scan", *URLS, **served)
    assert done.returncode == 0
    assert done.stderr == ""
    for url in URLS:
        assert f"{url}\ntext of {url}\n" in done.stdout


def test_one_url_gives_its_text_and_nothing_else(served: dict[str, str]) -> None:
    """So that it can be put into a variable."""
    assert run("scan", URLS[0], **served).stdout == f"text of {URLS[0]}\n"


def test_json_gives_an_object_a_line(served: dict[str, str]) -> None:
    """Good and bad sources alike, the bad ones from a list among them; the exit code says so."""
    listing = f"{URLS[0]}\n\nftp://example.com/a.png\n{URLS[1]}"
    done = run("scan", "--json", "-", stdin=listing, **served)
    assert done.returncode == 1
    assert done.stderr == ""
    results = {line["source"]: line for line in map(json.loads, done.stdout.splitlines())}
    assert set(results) == {*URLS[:2], "ftp://example.com/a.png"}
    assert results[URLS[0]]["ok"]
    assert results[URLS[0]]["text"] == f"text of {URLS[0]}"
    assert list(results[URLS[0]]["regions"][0]) == ["text", "x", "y", "w", "h"]
    bad = results["ftp://example.com/a.png"]
    assert not bad["ok"]
    assert "no such file" in bad["error"]
    assert bad["code"] is None
    assert (bad["kind"], bad["needs_review"], bad["maybe_charged"]) == ("BadRow", True, False)
    assert {tuple(line) for line in results.values()} == {(*COLUMNS, "frames_total")}


def test_a_code_is_text_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    """The gateway's codes are words, and a column has one type."""
    from aliocr.cli.printer import JSONPrinter

    url = "https://example.com/a.png"
    with JSONPrinter(1, local=False) as printer:
        printer.show(url, Failure(Image(url), APIError(404, "gone")))
    assert json.loads(capsys.readouterr().out)["code"] == "404"


def test_json_is_an_output_for_the_other_commands(served: dict[str, str], tmp_path: Path) -> None:
    """What was read is searched, exported and reported without a second charge."""
    urls = [f"{url}?Signature=key" for url in URLS]
    done = run("scan", "--json", *urls, "-", stdin="ftp://lost.png\n", **served)
    output = tmp_path / "scans.jsonl"
    output.write_text(done.stdout, encoding="utf-8")
    rows = {row.source: row for row in results_of(output)}
    assert set(rows) == {*urls, "ftp://lost.png"}
    assert sorted(row.row for row in rows.values()) == [1, 2, 3, 4]
    found = run("search", output, URLS[1])
    assert (found.returncode, found.stdout.count(f"text of {URLS[1]}")) == (0, 1)
    again = run("search", "--json", output, URLS[1])
    assert json.loads(again.stdout)["row"] == rows[urls[1]].row
    exported = run("export", output, tmp_path / "hocr")
    assert exported.stdout.startswith("3 files written, 1 row was not read")
    report = run("report", output, "--pictures", "none", "-o", tmp_path / "report.html")
    assert report.returncode == 0, report.stderr
    assert "ftp://lost.png" in (tmp_path / "report.html").read_text("utf-8")


@pytest.mark.parametrize("command", ["scan --json -", "run - -o rows.jsonl"])
def test_a_list_of_windows_is_a_list(
    served: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """Its byte order mark and its line ends belong to no source; the commands agree."""
    monkeypatch.chdir(tmp_path)
    listing = "\ufeff" + "".join(f"{url}\r\n" for url in URLS)
    done = run(*command.split(), stdin=listing, **served)
    assert done.returncode == 0
    rows = done.stdout or (tmp_path / "rows.jsonl").read_text("utf-8")
    assert {json.loads(line)["source"] for line in rows.splitlines()} == set(URLS)


def test_a_url_may_be_written_as_a_browser_shows_it(served: dict[str, str]) -> None:
    """It is printed as it was given, and sent percent-encoded."""
    (line,) = run("scan", "--json", "https://example.com/发票 1.png", **served).stdout.splitlines()
    assert json.loads(line)["source"] == "https://example.com/发票 1.png"
    assert json.loads(line)["text"] == ("text of https://example.com/%E5%8F%91%E7%A5%A8%201.png")


def test_a_wrong_key_is_one_line_and_exit_1(served: dict[str, str]) -> None:
    """With the request id and what to do."""
    done = run("scan", *URLS, **(served | {"ALIBABA_CLOUD_ACCESS_KEY_SECRET": "wrong"}))
    assert done.returncode == 1
    assert "the AccessKey secret is wrong" in done.stderr
    assert "request id" in done.stderr


def test_a_dead_server_is_said_with_the_remedy_and_exit_1(served: dict[str, str]) -> None:
    """Nothing hangs, every source is accounted for, and the same is not said for ever."""
    dead = served | {"ALIOCR_ENDPOINT": "http://127.0.0.1:1"}
    urls = [f"https://example.com/{number}.png?Signature=key" for number in range(20)]
    done = run("scan", *urls, program=IMPATIENT, **dead)
    assert done.returncode == 1
    assert done.stderr.count("no connection") == 4
    assert done.stderr.splitlines()[-1].startswith("17 more: no connection")
    assert "check the network, --endpoint and --region" in done.stderr
    assert "Signature" not in done.stderr
    done = run("scan", "--json", *urls, **without_tls(served))
    assert {json.loads(line)["source"] for line in done.stdout.splitlines()} == set(urls)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["scan"], "Usage"),
        (["scan", URLS[0]], "set ALIBABA_CLOUD_ACCESS_KEY_ID"),
        (["scan", "nothing.png"], "nothing.png: no such file"),
        (["scan", str(SAMPLES / "small_en.png")], "--local reads files on this machine"),
        (["scan", "--local", "nothing.png"], "nothing.png: no such file"),
        (["scan", "--local", str(Path(__file__).parent)], "no pictures in this folder"),
        (["scan", "--local", "--interval", "2", URLS[0]], "--max-frames must be used together"),
        (
            ["scan", "--local", "--max-frames", "0", "--interval", "1", URLS[0]],
            "0 is not in the range",
        ),
        (["scan", "--local", "--endpoint", "http://127.0.0.1:1", URLS[0]], "leave out --endpoint"),
        (["scan", "--local", "--region", "cn-beijing", URLS[0]], "leave out --region"),
        (["scan", "--endpoint", "localhost", URLS[0]], "without a path, not 'localhost'"),
        (["scan", "--local", ""], "'': an empty name"),
        (["scan", "--local", "/dev/null"], "/dev/null: not a regular file"),
        (["scan", "--local", "x" * 300], "…: file name too long"),
        (["scan", "b.png", "c.png"], "b.png, c.png: no such file"),
        (["scan", "b.png", "/dev/null"], "no such file, and not an http:// or https:// URL\n/dev"),
        (["scan", "ftp://example.com/a.png?Signature=key"], "ftp://example.com/a.png?…: no such"),
        (["read"], "No such command"),
    ],
)
def test_misuse_is_a_sentence_and_exit_2(arguments: list[str], says: str) -> None:
    """It names the value and what to do instead; nothing was sent."""
    done = call(*arguments)
    assert done.returncode == 2
    assert says in done.stdout + done.stderr


def test_a_missing_extra_is_a_sentence_that_says_how_to_get_it(tmp_path: Path) -> None:
    """For the command line itself and for the engine."""
    for module, extra in (("click", "aliocr[cli]"), ("onnxruntime", "aliocr[emulator]")):
        broken = tmp_path / extra
        broken.mkdir()
        (broken / f"{module}.py").write_text(f"raise ModuleNotFoundError(name={module!r})\n")
        done = run("scan", "--local", SAMPLES / "small_en.png", PYTHONPATH=str(broken))
        assert done.returncode == 2
        assert f"pip install '{extra}'" in done.stderr


def test_ctrl_c_ends_at_once_and_quietly() -> None:
    """Even while it waits for the next line of its standard input."""
    process = subprocess.Popen(
        [*ALIOCR, "scan", "--json", "-"],
        env=variables(
            ALIBABA_CLOUD_ACCESS_KEY_ID="a",
            ALIBABA_CLOUD_ACCESS_KEY_SECRET="b",
            ALIOCR_ENDPOINT="http://127.0.0.1:1",
        ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("no file\n")
    process.stdin.flush()
    assert "no such file" in process.stdout.readline()  # it is reading by now
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE) == 130
    assert process.communicate()[1] == ""


def test_a_reader_that_goes_away_is_no_error(served: dict[str, str]) -> None:
    """As in `aliocr scan … | head -1`."""
    listing = "".join(f"https://example.com/{n}.png\n" for n in range(2000))
    process = subprocess.Popen(
        [*ALIOCR, "scan", "--json", "-"],
        env=variables(**served),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdin.write(listing)
    process.stdin.close()
    assert json.loads(process.stdout.readline())["ok"]
    process.stdout.close()
    assert process.wait(PATIENCE) == 1
    assert process.stderr.read() == ""
    process.stderr.close()


@pytest.mark.parametrize("columns", [80, 40])
def test_a_terminal_shows_progress_and_a_summary(served: dict[str, str], columns: int) -> None:
    """A bar while it reads, results above it, and one line at the end; of the bar nothing stays."""
    seen = on_a_terminal("scan", *URLS, columns=columns, environment=served)
    assert "reading" in seen.output
    assert "3/3" in seen.output
    assert f"text of {URLS[2]}" in seen.screen
    assert "3 read, 0 failed in " in seen.screen.splitlines()[-1]
    assert BAR not in seen.screen
    bars = [line for line in re.split(r"[\r\n]+", CODES.sub("", seen.output)) if BAR in line]
    assert bars
    # Room for the ^C that a terminal writes behind it: a bar that wraps cannot be erased.
    assert all(re.fullmatch(r"reading \S+ \d/3 \d:\d\d:\d\d", line.strip()) for line in bars)
    assert all(len(line) <= columns - 3 for line in bars)


def without_tls(served: dict[str, str]) -> dict[str, str]:
    """An endpoint where every request fails at once, for good."""
    return served | {"ALIOCR_ENDPOINT": served["ALIOCR_ENDPOINT"].replace("http:", "https:")}


def test_failures_leave_no_dead_bar_above_them(served: dict[str, str]) -> None:
    """They go to standard error, past which the bar must move as it does for results."""
    seen = on_a_terminal("scan", *URLS, environment=without_tls(served))
    assert seen.screen.count("no TLS") == 3
    assert BAR in seen.output
    assert BAR not in seen.screen


def test_ctrl_c_leaves_no_dead_bar(served: dict[str, str]) -> None:
    """Though the terminal writes ^C into it."""
    seen = on_a_terminal(
        "scan", URLS[0], "-", press=(f"text of {URLS[0]}", b"\x03"), environment=served
    )
    assert seen.code == 130
    assert "^C" in seen.output
    assert BAR not in seen.screen
    assert "1 read, 0 failed in " in seen.screen


def test_no_colours_where_none_are_wanted(served: dict[str, str]) -> None:
    """NO_COLOR is heeded on a terminal; into a pipe no code goes at all."""
    dead = without_tls(served)
    assert "\x1b[31m" in on_a_terminal("scan", URLS[0], environment=dead).output
    assert (
        "\x1b[31m"
        not in on_a_terminal("scan", URLS[0], environment=dead | {"NO_COLOR": "1"}).output
    )
    for environment in (served, dead):
        done = run("scan", *URLS, **environment)
        assert "\x1b" not in done.stdout + done.stderr
        assert BAR not in done.stdout + done.stderr


@pytest.mark.parametrize("command", ["scan -", "scan --json -"])
def test_a_closed_standard_input_is_misuse(command: str, served: dict[str, str]) -> None:
    """It says so and ends, where it could wait for ever."""
    done = in_a_shell(f"aliocr {command} <&-", served)
    assert done.returncode == 2
    assert done.stderr == b"Error: cannot read standard input: it is closed\n"


@pytest.mark.parametrize(
    "listing",
    [
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        b"id,image_url\n1,https://example.com/1.png\n",
        b'{"image_url": "https://example.com/1.png"}\n',
        b"\xff\xfeh\0t\0t\0p\0\n\0",
    ],
    ids=["picture", "csv", "json", "utf-16"],
)
def test_standard_input_that_is_no_list_is_misuse(listing: bytes, served: dict[str, str]) -> None:
    """One line, that of `aliocr run -`; not one for each line that a picture happens to have."""
    with pytest.raises(InputError) as error:
        opened(BytesIO(listing))
    done = in_a_shell("aliocr scan -", served, stdin=listing)
    assert done.returncode == 2
    assert done.stderr.decode() == f"Error: {error.value}\n"


def test_a_list_on_standard_input_may_come_from_windows(served: dict[str, str]) -> None:
    """With a byte order mark and its line ends; a row that names nothing is one failure."""
    rows = [b"\xef\xbb\xbfhttps://example.com/1.png", b"https://example.com/\xff.png", b"", b""]
    done = in_a_shell("aliocr scan --json -", served, stdin=b"\r\n".join(rows))
    fields = [json.loads(line) for line in done.stdout.decode().splitlines()]
    assert [
        (each["source"], each["ok"]) for each in sorted(fields, key=lambda each: each["ok"])
    ] == [
        ("https://example.com/?.png", False),
        ("https://example.com/1.png", True),
    ]
    assert done.returncode == 1


def test_standard_input_that_breaks_is_misuse(served: dict[str, str], tmp_path: Path) -> None:
    """A descriptor that is open for writing only is the simplest of read errors."""
    done = in_a_shell(f"aliocr scan - 0>{tmp_path}/new", served)
    assert done.returncode == 2
    assert done.stderr == b"Error: standard input cannot be read past line 0: bad file descriptor\n"


def test_a_line_that_is_no_source_is_one_failure(served: dict[str, str]) -> None:
    """Too long for a file's name, or unreadable: the rest of the list is read."""
    done = run("scan", "--local", "-", stdin=f"{'x' * 300}\n\n{'y' * 5000}\n", **served)
    assert done.returncode == 1
    assert done.stderr.count("too long") == 2
    assert max(map(len, done.stderr.splitlines())) < 300


@pytest.mark.parametrize(
    "command", ["aliocr scan URL", "aliocr scan --json URL", "aliocr --help", "aliocr emulate"]
)
def test_a_full_disk_is_a_line_and_exit_1(command: str, served: dict[str, str]) -> None:
    """Half a file must not be taken for the whole."""
    if not Path("/dev/full").exists():
        pytest.skip("/dev/full is Linux's")
    done = in_a_shell(f"{command.replace('URL', URLS[0])} > /dev/full", served)
    assert done.returncode == 1
    assert done.stderr == b"Error: cannot write: No space left on device\n"


@pytest.mark.parametrize("command", ["scan URL", "run urls.txt -o r.jsonl", "search r.jsonl word"])
def test_a_closed_standard_output_is_misuse(command: str, served: dict[str, str]) -> None:
    """Nothing is read or sent; no code says that some of it failed, or that nothing is there."""
    done = in_a_shell(f"aliocr {command.replace('URL', URLS[0])} >&-", served)
    assert done.returncode == 2
    assert done.stderr == b"Error: cannot write: standard output is closed\n"


def test_any_alphabet_can_be_printed(served: dict[str, str]) -> None:
    """Text escapes what the terminal lacks; JSON is UTF-8, or ASCII where that cannot be."""
    url = "https://example.com/图.png"
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    for encoding in (plain, {"PYTHONIOENCODING": "latin-1"}):
        stdin = f"{URLS[0]}\n图.png\n".encode()
        text = in_a_shell("aliocr scan -", served | encoding, stdin=stdin)
        assert text.returncode == 1
        assert b"\\u56fe.png: no such file" in text.stderr
        stdin = "图.png\n".encode()
        listed = in_a_shell("aliocr scan --json -", served | encoding, stdin=stdin)
        assert json.loads(listed.stdout.decode("ascii"))["source"] == "图.png"
    done = in_a_shell(f"aliocr scan --json {url}", served | {"PYTHONIOENCODING": "utf-8"})
    assert json.loads(done.stdout)["source"] == url
    assert url.encode() in done.stdout


def test_ctrl_c_while_it_starts_is_quiet_too(tmp_path: Path) -> None:
    """Half a second of imports is long enough to think again."""
    (tmp_path / "rich").mkdir()
    (tmp_path / "rich" / "__init__.py").write_text(
        "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(9)\n"
    )
    done = in_a_shell("aliocr scan --local nothing.png", {"PYTHONPATH": str(tmp_path)})
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


@pytest.mark.engine
def test_local_reads_files_without_an_account() -> None:
    """Files, a folder, and a list on standard input, with text by lines for people."""
    pytest.importorskip("rapidocr")
    done = run("scan", "--local", SAMPLES / "small_en.png")
    assert (done.returncode, done.stdout) == (0, "hello\nthis is a test text.\n")
    assert done.stderr == ""
    done = run("scan", "--local", SAMPLES / "anim4.gif")
    every = ["Frame one: apples", "Frame two: bananas", "第三帧：樱桃", "Frame four: dates"]
    assert (done.stdout.splitlines(), done.stderr) == (every, "")
    done = run("scan", "--local", "--json", "-", stdin=f"{SAMPLES / 'blank_white.png'}\n")
    assert json.loads(done.stdout)["text"] == ""
    done = run("scan", "--local", SAMPLES / "ground_truth.json", SAMPLES / "small_en.png")
    assert done.returncode == 1
    assert "hello" in done.stdout
    assert "590" in done.stderr


@pytest.mark.engine
def test_local_reads_the_lines_of_all_samples() -> None:
    """At least 95 % of the lines that are in the pictures, in every frame, word for word.

    Compared without white space, which the engine drops at times, and with full-width signs as
    their plain ones.
    """
    pytest.importorskip("rapidocr")
    done = run("scan", "--local", "--json", *(SAMPLES / name for name in TRUTH))
    assert done.returncode == 0
    found = expected = 0
    for line in map(json.loads, done.stdout.splitlines()):
        said = TRUTH[Path(line["source"]).name]
        frames = said.get("frames", [said["lines"]])
        wanted = [squeezed(each["text"]) for frame in frames for each in frame]
        read = [squeezed(region["text"]) for region in line["regions"]]
        found += sum(text in read for text in wanted)
        expected += len(wanted)
    assert expected == LINES
    assert found >= ENOUGH


@pytest.mark.engine
def test_local_says_how_a_picture_was_read(tmp_path: Path) -> None:
    """Strips to a person, the number of frames to a program, and what a folder holds besides."""
    pytest.importorskip("rapidocr")
    from PIL import Image as Picture

    done = run("scan", "--local", SAMPLES / "long_portrait.png")
    assert "70" in done.stdout
    assert "a long picture, read whole" in done.stderr
    done = run("scan", "--local", "--interval", 2, "--max-frames", 9, SAMPLES / "anim4.gif")
    assert (done.stdout, done.stderr) == ("Frame one: apples\n第三帧：樱桃\n", "")
    frames = [Picture.new("L", (60, 60), 2 * grey) for grey in range(120)]
    frames[0].save(tmp_path / "many.gif", save_all=True, append_images=frames[1:])
    still = Picture.open(SAMPLES / "small_en.png").convert("L")
    same = [still.copy() for _ in range(3)]
    for index, frame in enumerate(same):
        frame.putpixel((0, 0), index)
    same[0].save(tmp_path / "same.gif", save_all=True, append_images=same[1:])
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "empty.png").touch()
    (tmp_path / "deeper").mkdir()
    (tmp_path / ".hidden").mkdir()
    done = run("scan", "--local", tmp_path)
    assert done.returncode == 1
    assert done.stdout.count("hello") == 1
    assert "one of every 2 of 120 frames; --interval 1 --max-frames 120 reads all" in done.stderr
    assert "2 skipped" in done.stderr
    assert "590 BAD_FORMAT: an empty file" in done.stderr
    done = run("scan", "--local", "--json", tmp_path)
    totals = {Path(one["source"]).name: one.get("frames_total") for one in _objects(done.stdout)}
    assert totals == {"empty.png": None, "many.gif": 120, "same.gif": 3}
    assert "2 skipped" in done.stderr


@pytest.mark.engine
def test_a_name_that_is_not_utf_8_is_read(tmp_path: Path) -> None:
    """Legal on Linux, from the command line and in a list; JSON keeps its bytes."""
    pytest.importorskip("rapidocr")
    name = os.fsencode(tmp_path) + b"/a\xff.png"
    try:
        Path(os.fsdecode(name)).write_bytes((SAMPLES / "small_en.png").read_bytes())
    except OSError:
        pytest.skip("not on this file system")
    done = in_a_shell(f"aliocr scan --local --json {tmp_path}/a*.png -", stdin=name)
    assert done.returncode == 0
    for one in _objects(done.stdout.decode()):
        assert one["text"]
        assert os.fsencode(one["source"]) == name


def _objects(lines: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.splitlines()]


def test_a_url_shows_its_frames_as_far_as_known() -> None:
    """All of them if fewer came than were asked for; unknown of a first frame alone."""
    from aliocr.cli.frame_choice import frames_total

    for read, asked, total in (
        (4, (1, 100), 4),
        (50, (1, 100), 50),
        (51, (1, 100), None),  # every other one of a hundred and two, maybe
        (4, (2, 100), None),
        (1, (None, None), None),
        (1, (1, 100), 1),
    ):
        image = Image(URLS[0], interval=asked[0], max_frames=asked[1])
        frames = (Frame(""),) * read if read > 1 else ()
        assert frames_total(image, Scan(image, "", frames=frames)) == total


@pytest.mark.engine
def test_what_this_machine_cannot_read_is_said() -> None:
    """Once a picture, beside what it took for text; a turned page is read without a word."""
    pytest.importorskip("rapidocr")
    turned, foreign = (PICTURES / name for name in ("rot180.png", "cyrillic.png"))
    done = run("scan", "--local", turned, foreign)
    assert done.returncode == 0
    assert "Total 64.50 EUR" in done.stdout
    [said] = [line for line in done.stderr.splitlines() if "confidence" in line]
    assert re.fullmatch(
        r".*cyrillic\.png: read with low confidence \(\d\d %\): it may be blurred, or in a script "
        "that this machine cannot read",
        said,
    )


def test_a_doubtful_text_is_one_with_a_low_rate() -> None:
    """Failures and texts of unknown rate are not doubted; a run counts the pictures."""
    image = Image(URLS[0])
    sources = LocalSources(None)
    for rate, doubted in ((None, 0), (80.0, 0), (79.9, 1), (0.0, 2)):
        sources.done(Scan(image, "a", rate=rate))
        assert sources.doubtful == doubted
