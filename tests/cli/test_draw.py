"""`aliocr draw`: real processes, a real host of pictures, real files."""

import functools
import http.server
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from aliocr import Frame, Region
from aliocr.job.output.codecs import encode_json
from aliocr.job.output.result import Read, Result, Unread
from tests.support.program import (
    ALIOCR,
    IMPATIENT,
    PATIENCE,
    call,
    emulating,
    in_a_shell,
    run,
    variables,
)
from tests.support.truth import SAMPLES, TRUTH

pytest.importorskip("click")
pytest.importorskip("rich")
pytest.importorskip("PIL")
pytest.importorskip("numpy")

from PIL import Image as Picture

NO_FONT = "\U000f1234"
"""A character for private use, which no font of a machine has."""


SIGNED = "?Expires=1&Signature=a%2fB+c%3D&x=%7e"


class Quiet(http.server.SimpleHTTPRequestHandler):
    """The sample pictures, and odd answers, without a log."""

    def do_GET(self) -> None:
        """Answer one download."""
        if self.path.startswith("/endless"):
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(bytes(1 << 20))
            except OSError:
                return
        if self.path.startswith("/packed"):
            self.send_response(200)
            self.send_header("Content-Encoding", "gzip")
            self.end_headers()
            return
        if self.path.startswith("/signed"):
            # As a signature is checked: of the query as it was signed, to the letter.
            self.path = "/small_en.png" if self.path == f"/signed{SIGNED}" else "/nothing"
        super().do_GET()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    """The URL of a host that has the samples."""
    handler = functools.partial(Quiet, directory=str(SAMPLES))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The sample pictures, in a folder of one's own; and the output of a job that read two."""
    for name in ("small_en.png", "anim4.gif", "blank_white.png"):
        (tmp_path / name).write_bytes((SAMPLES / name).read_bytes())
    said = TRUTH["anim4.gif"]["frames"]
    frames = tuple(Frame("x", tuple(Region(**line) for line in lines)) for lines in said)
    english = tuple(Region(**line) for line in TRUTH["small_en.png"]["lines"])
    rows: list[Result] = [
        Read(row=1, source=f"{tmp_path}/small_en.png", text="x", regions=english),
        Read(
            row=2,
            source=f"{tmp_path}/anim4.gif",
            text="x",
            frames=frames,
            interval=1,
            max_frames=9,
        ),
        Read(row=3, source=f"{tmp_path}/blank_white.png", text=""),
        Unread(row=4, source="bad.png", kind="DownloadError", code=592, error="592 too late"),
    ]
    (tmp_path / "out.jsonl").write_bytes(b"".join(map(encode_json, rows)))
    return tmp_path


def from_job(folder: Path, name: str, *options: str | Path) -> subprocess.CompletedProcess[str]:
    """Draw what the job has read, which needs neither engine nor service."""
    return run("draw", folder / name, "--from", folder / "out.jsonl", *options)


def drawn(path: Path) -> Picture.Image:
    """A drawing, all of whose pixels are there."""
    with Picture.open(path) as picture:
        picture.load()
        return picture


def test_what_a_job_has_read_is_drawn_beside_the_picture(folder: Path) -> None:
    """One line says where, and how many pieces of text."""
    done = from_job(folder, "small_en.png")
    target = folder / "small_en.boxes.png"
    assert (done.returncode, done.stdout) == (0, f"{target}: 2 pieces of text\n")
    assert done.stderr == ""
    assert drawn(target).width > 500
    assert target.stat().st_mode & 0o777 == 0o666 & ~umask()
    done = from_job(folder, "anim4.gif", "-o", folder / "a.jpg")
    assert done.stdout == f"{folder / 'a.jpg'}: 4 pieces of text\n"
    assert drawn(folder / "a.jpg").height > 4 * 270
    done = from_job(folder, "blank_white.png")
    assert "no text was read, so there are no boxes" in done.stdout
    assert done.returncode == 0
    assert left_over(folder) == []


def umask() -> int:
    """The one of this process, and so of those it starts."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def left_over(folder: Path) -> list[Path]:
    """Files that were begun and are not what they were to be."""
    return list(folder.glob(".aliocr-*"))


def test_a_drawing_is_drawn_anew_and_nothing_else_is_written_over(folder: Path) -> None:
    """Neither another file nor the picture itself."""
    for _ in range(2):
        assert from_job(folder, "small_en.png").returncode == 0
    (folder / "anim4.boxes.png").write_text("a list of mine")
    done = from_job(folder, "anim4.gif")
    assert done.returncode == 2
    assert "anim4.boxes.png exists; --force overwrites it" in done.stderr
    assert (folder / "anim4.boxes.png").read_text() == "a list of mine"
    assert from_job(folder, "anim4.gif", "--force").returncode == 0
    assert drawn(folder / "anim4.boxes.png").height > 4 * 270
    before = (folder / "small_en.png").read_bytes()
    done = from_job(folder, "small_en.png", "--force", "-o", folder / "small_en.png")
    assert done.returncode == 2
    assert "is the picture itself" in done.stderr
    assert (folder / "small_en.png").read_bytes() == before


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["nothing.png"], "nothing.png: no such file"),
        (["{}"], "a folder; name one picture"),
        ([""], "'': an empty name"),
        (["{}/small_en.png", "-o", "a.gif"], "a.gif: a drawing must be a .png or .jpg file"),
        (["{}/small_en.png", "-o", "nowhere/a.png"], "nowhere/a.png: no such folder"),
        (["{}/small_en.png", "--font", "no.ttf"], "cannot read the font no.ttf: no such file"),
        (["{}/small_en.png", "--font", "{}/out.jsonl"], "out.jsonl cannot be used as a font"),
        (["{}/small_en.png", "--interval", "1"], "--max-frames must be used together"),
        (["{}/small_en.png", "--from", "no.jsonl"], "cannot read no.jsonl: no such file"),
        (["{}/small_en.png", "--from", "{}/anim4.gif"], "anim4.gif is not an output of a job"),
        (["{}/small_en.png", "--from", "{}/out.jsonl", "--local"], "leave out --local"),
        (["{}/small_en.png", "--biz-type", "a"], "not the service: leave out --biz-type"),
        (["http://127.0.0.1:1/a.png", "--local", "--region", "a"], "leave out --region"),
        (["http://127.0.0.1:1/a.png", "--from", "{}/out.jsonl"], "has no row of http://"),
        (["http://127.0.0.1:1/a.png"], "set ALIBABA_CLOUD_ACCESS_KEY_ID"),
    ],
)
def test_misuse_is_a_sentence_and_exit_2(folder: Path, options: list[str], says: str) -> None:
    """It names the value and what to do instead; nothing was read or written."""
    before = sorted(folder.iterdir())
    done = call("draw", *(option.format(folder) for option in options))
    assert done.returncode == 2
    assert says in done.stderr
    assert sorted(folder.iterdir()) == before


def test_a_url_is_read_by_the_service_and_drawn_here(
    folder: Path, host: str, served: dict[str, str]
) -> None:
    """Its drawing is in the current folder, named as the URL ends; its query is said nowhere."""
    done = in_a_shell(f"cd {folder} && aliocr draw '{host}/small_zh.png?Signature=key'", served)
    assert (done.returncode, done.stdout) == (0, b"small_zh.boxes.png: 1 piece of text\n")
    assert b"the first of 3 frames was read; --interval 1 --max-frames 3 reads all" in done.stderr
    assert b"Signature" not in done.stderr
    assert drawn(folder / "small_zh.boxes.png").height > 240
    done = in_a_shell(f"cd {folder} && aliocr draw '{host}/%2e%2e%2fa/..%2f.b%20c.png'", served)
    assert done.returncode == 1  # the host has none, but the name would have been tame
    assert sorted(path.name for path in folder.glob("*.boxes.png")) == ["small_zh.boxes.png"]


def test_a_signed_url_is_found_in_an_output_that_keeps_no_query(folder: Path, host: str) -> None:
    """By what is before it; that rows may be of other pictures is said."""
    url = f"{host}/small_en.png"
    rows = [Read(row=row, source=f"{url}?…", text=text) for row, text in ((1, "a"), (2, "b"))]
    (folder / "out.jsonl").write_bytes(b"".join(map(encode_json, rows)))
    target = folder / "a.png"
    done = run("draw", f"{url}?Signature=key", "--from", folder / "out.jsonl", "-o", target)
    assert (done.returncode, done.stdout) == (0, f"{target}: 1 piece of text\n")
    assert "2 rows may be of this picture; the last is drawn" in done.stderr
    assert "Signature" not in done.stderr


def test_a_signed_url_is_fetched_as_it_was_signed(folder: Path, host: str) -> None:
    """Quoted in any other way it would be refused."""
    (folder / "out.jsonl").write_bytes(
        encode_json(Read(row=1, source=f"{host}/signed?…", text="a"))
    )
    target = folder / "a.png"
    done = run("draw", f"{host}/signed{SIGNED}", "--from", folder / "out.jsonl", "-o", target)
    assert (done.returncode, done.stderr) == (0, "")
    assert drawn(target).width > 300


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/nothing.png", "its host answers HTTP 404"),
        ("/ground_truth.json", "not a picture that can be drawn: an unknown format"),
        ("/endless", "it is larger than 20 MB"),
        ("/packed", "its host compresses the picture without being asked"),
    ],
)
def test_what_cannot_be_shown_is_not_read(folder: Path, host: str, path: str, says: str) -> None:
    """One line, exit code 1, and nothing is charged for it."""
    with emulating() as emulator:
        done = run(
            "draw", f"{host}{path}?Signature=key", "-o", folder / "a.png", **emulator.exports
        )
        assert emulator.ask("GET", "/_emulator/calls")[1]["calls"] == []
    assert done.returncode == 1
    assert done.stderr == f"Error: {host}{path}?…: {says}\n"
    assert not (folder / "a.png").exists()


def test_a_wrong_key_and_a_dead_server_are_a_line_and_exit_1(
    folder: Path, host: str, served: dict[str, str]
) -> None:
    """As they are for scan."""
    url = f"{host}/small_en.png"
    wrong = served | {"ALIBABA_CLOUD_ACCESS_KEY_SECRET": "wrong"}
    done = run("draw", url, "-o", folder / "a.png", **wrong)
    assert done.returncode == 1
    assert "the AccessKey secret is wrong" in done.stderr
    assert done.stderr.count("\n") == 1
    dead = served | {"ALIOCR_ENDPOINT": "http://127.0.0.1:1"}
    done = run("draw", url, "-o", folder / "a.png", program=IMPATIENT, **dead)
    assert done.returncode == 1
    assert "check the network, --endpoint and --region" in done.stderr
    assert done.stderr.count("\n") == 1
    done = run("draw", "http://127.0.0.1:1/a.png", "-o", folder / "a.png", **served)
    assert done.returncode == 1
    assert "no connection to its host" in done.stderr
    assert not (folder / "a.png").exists()


def test_what_was_not_read_is_not_drawn(folder: Path) -> None:
    """It says why, as the job did."""
    (folder / "bad.png").write_bytes((folder / "small_en.png").read_bytes())
    done = in_a_shell(f"cd {folder} && aliocr draw bad.png --from out.jsonl")
    assert (done.returncode, done.stderr) == (
        1,
        b"Error: bad.png: it was not read: 592 too late\n",
    )


def test_a_disk_that_fills_leaves_what_was_there(folder: Path) -> None:
    """A drawing is written whole or not at all."""
    assert from_job(folder, "small_en.png").returncode == 0
    before = (folder / "small_en.boxes.png").read_bytes()
    done = in_a_shell(f"ulimit -f 1; aliocr draw {folder}/small_en.png --from {folder}/out.jsonl")
    assert done.returncode == 1
    assert done.stderr.startswith(b"Error: cannot write")
    assert done.stderr.endswith(b": file too large\n")
    assert (folder / "small_en.boxes.png").read_bytes() == before
    assert left_over(folder) == []


def test_a_folder_that_cannot_be_written_to_is_a_line_and_exit_1(folder: Path) -> None:
    """Known before anything is read, unless one is allowed everything."""
    target = Path("/proc/a.png")
    if not target.parent.is_dir():
        pytest.skip("no folder here is closed to everybody")
    done = from_job(folder, "small_en.png", "-o", target)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: cannot write /proc/a.png: ")
    assert done.stderr.count("\n") == 1


def test_a_text_without_a_font_is_said_with_the_remedy(folder: Path) -> None:
    """In one line; the picture is drawn."""
    regions = (Region(f"odd {NO_FONT}", 10, 10, 50, 20), Region("plain", 10, 60, 50, 20))
    read = Read(row=1, source=f"{folder}/small_en.png", text="x", regions=regions)
    (folder / "out.jsonl").write_bytes(encode_json(read))
    done = from_job(folder, "small_en.png")
    assert done.returncode == 0
    assert "1 of 2 texts are not written whole" in done.stderr
    assert "install Noto Sans CJK, or give a font file" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_missing_extra_is_a_sentence_that_says_how_to_get_it(folder: Path) -> None:
    """For what reads and for what draws."""
    for module, extra in (("onnxruntime", "aliocr[emulator]"), ("PIL", "aliocr[pictures]")):
        broken = folder / module
        broken.mkdir()
        (broken / f"{module}.py").write_text(f"raise ModuleNotFoundError(name={module!r})\n")
        done = run("draw", folder / "small_en.png", PYTHONPATH=str(broken))
        assert done.returncode == 2
        assert f"pip install '{extra}'" in done.stderr


def test_ctrl_c_ends_at_once_and_quietly(folder: Path, served: dict[str, str]) -> None:
    """While a host keeps it waiting."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/a.png"
        with subprocess.Popen(
            [*ALIOCR, "draw", url, "-o", folder / "a.png"],
            env=variables(**served),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            connection, _ = server.accept()
            process.send_signal(signal.SIGINT)
            assert process.communicate(timeout=PATIENCE) == (b"", b"")
            connection.close()
    assert process.returncode == 130
    assert not (folder / "a.png").exists()


@pytest.mark.engine
def test_a_file_is_read_on_this_machine(folder: Path, host: str) -> None:
    """Without an account, all frames of it; a URL is with --local."""
    pytest.importorskip("rapidocr")
    done = run("draw", folder / "anim4.gif")
    assert done.returncode == 0
    assert done.stdout == f"{folder / 'anim4.boxes.png'}: 4 pieces of text\n"
    assert drawn(folder / "anim4.boxes.png").height > 4 * 270
    done = run("draw", "--local", f"{host}/small_en.png", "-o", folder / "a.png")
    assert (done.returncode, done.stdout) == (0, f"{folder / 'a.png'}: 2 pieces of text\n")
    (folder / "notes.png").write_text("no picture")
    done = run("draw", folder / "notes.png")
    assert done.returncode == 1
    assert done.stderr.endswith("notes.png: not a picture that can be drawn: an unknown format\n")
