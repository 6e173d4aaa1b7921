"""The command line, as a person or a script meets it: real processes, pipes and terminals."""

import http.client
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import attrs
import pytest
from truth import ENOUGH, LINES, SAMPLES, TRUTH, squeezed

from aliocr import Credentials, Image, signing, wire

pytest.importorskip("click")
pytest.importorskip("rich")

ALIOCR = [sys.executable, "-m", "aliocr"]
PATIENCE = 60
URLS = [f"https://example.com/{number}.png" for number in range(3)]
KEYS = ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIOCR_ENDPOINT")


def _environment(**more: str) -> dict[str, str]:
    """This process's, without a key of the developer's own."""
    return {name: value for name, value in os.environ.items() if name not in KEYS} | more


def _run(
    *arguments: str | int | Path, stdin: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*ALIOCR, *map(str, arguments)],
        input=stdin,
        env=_environment(**environment),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done


@attrs.frozen
class Served:
    """A running `aliocr emulate`."""

    process: subprocess.Popen[str]
    environment: dict[str, str]


def _served(*options: str) -> Served:
    process = subprocess.Popen(
        [*ALIOCR, "emulate", *options],
        env=_environment(PYTHONUNBUFFERED="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(4)]
    exports = [line.removeprefix("export ").strip() for line in lines if "export " in line]
    return Served(process, dict(line.split("=", 1) for line in exports))


@pytest.fixture(scope="module")
def served() -> Iterator[dict[str, str]]:
    """What `aliocr emulate` says to export, while it runs."""
    served = _served("--engine", "none")
    yield served.environment
    served.process.terminate()
    assert served.process.communicate(timeout=PATIENCE)[1] == ""
    assert served.process.returncode == 0


def test_urls_are_read_through_the_emulator(served: dict[str, str]) -> None:
    """The exported lines are all it takes; text goes to standard output."""
    done = _run("scan", *URLS, **served)
    assert done.returncode == 0
    assert done.stderr == ""
    for url in URLS:
        assert f"{url}\ntext of {url}\n" in done.stdout


def test_one_url_gives_its_text_and_nothing_else(served: dict[str, str]) -> None:
    """So that it can be put into a variable."""
    assert _run("scan", URLS[0], **served).stdout == f"text of {URLS[0]}\n"


def test_json_gives_an_object_a_line(served: dict[str, str]) -> None:
    """Good and bad sources alike, the bad ones from a list among them; the exit code says so."""
    listing = f"{URLS[0]}\n\nftp://example.com/a.png\n{URLS[1]}"
    done = _run("scan", "--json", "-", stdin=listing, **served)
    assert done.returncode == 1
    assert done.stderr == ""
    results = {line["source"]: line for line in map(json.loads, done.stdout.splitlines())}
    assert set(results) == {*URLS[:2], "ftp://example.com/a.png"}
    assert results[URLS[0]]["ok"]
    assert results[URLS[0]]["text"] == f"text of {URLS[0]}"
    assert list(results[URLS[0]]["regions"][0]) == ["text", "x", "y", "w", "h"]
    assert not results["ftp://example.com/a.png"]["ok"]
    assert "no such file" in results["ftp://example.com/a.png"]["error"]


def test_a_wrong_key_is_one_line_and_exit_1(served: dict[str, str]) -> None:
    """With the request id and what to do."""
    done = _run("scan", *URLS, **(served | {"ALIBABA_CLOUD_ACCESS_KEY_SECRET": "wrong"}))
    assert done.returncode == 1
    assert "the AccessKey secret is wrong" in done.stderr
    assert "request id" in done.stderr


def test_a_dead_server_is_a_line_per_image_and_exit_1(served: dict[str, str]) -> None:
    """Nothing hangs, and every source is accounted for."""
    done = _run("scan", *URLS, **(served | {"ALIOCR_ENDPOINT": "http://127.0.0.1:1"}))
    assert done.returncode == 1
    assert done.stderr.count("no connection") == 3


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["scan"], "Usage"),
        (["scan", URLS[0]], "set ALIBABA_CLOUD_ACCESS_KEY_ID"),
        (["scan", "nothing.png"], "nothing.png: no such file"),
        (["scan", str(SAMPLES / "small_en.png")], "--local reads files on this machine"),
        (["scan", "--local", "nothing.png"], "nothing.png: no such file"),
        (["scan", "--local", str(Path(__file__).parent)], "no pictures in this folder"),
        (["scan", "--local", "--interval", "2", URLS[0]], "--max-frames go together"),
        (
            ["scan", "--local", "--max-frames", "0", "--interval", "1", URLS[0]],
            "0 is not in the range",
        ),
        (["scan", "--local", "--endpoint", "http://127.0.0.1:1", URLS[0]], "needs no --endpoint"),
        (["scan", "--endpoint", "localhost", URLS[0]], "endpoint cannot be 'localhost'"),
        (["emulate", "--engine", "none", "--deadline", "0.1"], "deadline must be above"),
        (["emulate", "--engine", "none", "--port", "99999"], "port"),
        (["emulate", "--engine", "none", "--requests-per-second", "-1"], "requests_per_second"),
        (["emulate", "--engine", "none", "--images-in-flight", "0"], "--images-in-flight"),
        (["emulate", "--engine", "none", "--window", "round"], "--window"),
        (["read"], "No such command"),
    ],
)
def test_misuse_is_a_sentence_and_exit_2(arguments: list[str], says: str) -> None:
    """It names the value and what to do instead; nothing was sent."""
    done = _run(*arguments)
    assert done.returncode == 2
    assert says in done.stdout + done.stderr


def test_a_missing_extra_is_a_sentence_that_says_how_to_get_it(tmp_path: Path) -> None:
    """For the command line itself and for the engine."""
    for module, extra in (("click", "aliocr[cli]"), ("onnxruntime", "aliocr[emulator]")):
        broken = tmp_path / extra
        broken.mkdir()
        (broken / f"{module}.py").write_text(f"raise ModuleNotFoundError(name={module!r})\n")
        done = _run("scan", "--local", SAMPLES / "small_en.png", PYTHONPATH=str(broken))
        assert done.returncode == 2
        assert f"pip install '{extra}'" in done.stderr


def test_ctrl_c_ends_at_once_and_quietly() -> None:
    """Even while it waits for the next line of its standard input."""
    process = subprocess.Popen(
        [*ALIOCR, "scan", "--json", "-"],
        env=_environment(
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


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 0)])
def test_the_emulator_stops_when_told(number: signal.Signals, code: int) -> None:
    """By a supervisor or by Ctrl-C, with nothing to say about it."""
    served = _served("--engine", "none")
    served.process.send_signal(number)
    output = served.process.communicate(timeout=PATIENCE)
    assert (served.process.returncode, output[1]) == (code, "")


def test_the_emulator_has_the_quotas_it_is_told() -> None:
    """Of two images in one request the second is one too many; of two requests the second is."""
    served = _served(
        *("--engine", "none", "--images-per-second", "1", "--images-in-flight", "5"),
        *("--requests-per-second", "1", "--window", "bucket"),
    )
    key = Credentials.from_environment(served.environment)
    body = wire.encode_request(wire.name_images([Image(url) for url in URLS[:2]]))
    heard = []
    for nonce in ("first", "second"):
        headers = signing.signed_headers(body, key, timestamp=time.time(), nonce=nonce)
        address = served.environment["ALIOCR_ENDPOINT"].removeprefix("http://")
        with closing(http.client.HTTPConnection(address, timeout=PATIENCE)) as connection:
            connection.request("POST", signing.SCAN_PATH, body, headers)
            heard.append(json.loads(connection.getresponse().read()))
    served.process.terminate()
    served.process.communicate(timeout=PATIENCE)
    assert [answer["code"] for answer in heard[0]["data"]] == [200, 588]
    assert heard[1]["Code"] == "Throttling.User"


def test_a_reader_that_goes_away_is_no_error(served: dict[str, str]) -> None:
    """As in `aliocr scan … | head -1`."""
    listing = "".join(f"https://example.com/{n}.png\n" for n in range(2000))
    process = subprocess.Popen(
        [*ALIOCR, "scan", "--json", "-"],
        env=_environment(**served),
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


def _on_a_terminal(arguments: list[str], environment: dict[str, str]) -> str:
    """What a person sees who runs this on a terminal of 80 columns."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*ALIOCR, *arguments],
        env=_environment(TERM="xterm", COLUMNS="80", **environment),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    seen = b""
    while select.select([ours], [], [], PATIENCE)[0]:
        try:
            seen += os.read(ours, 4096)
        except OSError:  # what Linux says when the last of them closed the terminal
            break
    process.wait(PATIENCE)
    os.close(ours)
    return seen.decode()


def test_a_terminal_shows_progress_and_a_summary(served: dict[str, str]) -> None:
    """A bar while it reads, results above it, and one line at the end."""
    seen = _on_a_terminal(["scan", *URLS], served)
    assert "reading" in seen
    assert "3/3" in seen
    assert f"text of {URLS[2]}" in seen
    assert "3 read, 0 failed in " in seen.splitlines()[-1]


@pytest.mark.engine
def test_local_reads_files_without_an_account() -> None:
    """Files, a folder, and a list on standard input, with text by lines for people."""
    pytest.importorskip("rapidocr")
    done = _run("scan", "--local", SAMPLES / "small_en.png")
    assert (done.returncode, done.stdout) == (0, "hello\nthis is a test text.\n")
    assert done.stderr == ""
    done = _run("scan", "--local", SAMPLES / "anim4.gif")
    assert done.stdout == "Frame one: apples\n"
    assert "the first of 4 frames; --interval 1 --max-frames 4 reads all" in done.stderr
    done = _run("scan", "--local", "--json", "-", stdin=f"{SAMPLES / 'blank_white.png'}\n")
    assert json.loads(done.stdout)["text"] == ""
    done = _run("scan", "--local", SAMPLES / "ground_truth.json", SAMPLES / "small_en.png")
    assert done.returncode == 1
    assert "hello" in done.stdout
    assert "590" in done.stderr


@pytest.mark.engine
def test_local_reads_the_lines_of_all_samples() -> None:
    """At least 95 % of the lines that are in the pictures, every frame asked for, word for word.

    Compared without white space, which the engine drops at times, and with full-width signs as
    their plain ones.
    """
    pytest.importorskip("rapidocr")
    done = _run("scan", "--local", "--json", "--interval", 1, "--max-frames", 100, SAMPLES)
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
