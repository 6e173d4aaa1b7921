"""A service and files with control characters, which must not reach the terminal."""

from __future__ import annotations

import json
import sys
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from aliocr.emulator.http.log_line import escaped
from aliocr.errors import api_error
from aliocr.job.output.codecs import encode_json
from aliocr.job.output.result import Read
from aliocr.job.summary import Failed, Summary
from aliocr.models import Failure, Image, Region, Scan
from tests.support.program import call, run

pytest.importorskip("click")
pytest.importorskip("rich")

from aliocr.cli.console import plain, shown
from aliocr.cli.printer import JSONPrinter, OutcomePrinter
from aliocr.cli.run.summary_text import summary_lines

RED = "\x1b[31m\x9b31m\u202e\u2066\u200f\u061c"
"""Colours text in two ways, and changes its direction in four."""

CONTROLS = [c for c in map(chr, range(sys.maxunicode)) if unicodedata.category(c) in ("Cc", "Cf")]
"""All characters of Unicode that can control a terminal or the direction of text."""


def steers(text: str) -> bool:
    """Return whether a text has a control character besides tabs and the ends of lines."""
    return not set(CONTROLS).isdisjoint(set(text) - {"\n", "\t"})


@contextmanager
def refusing(status: int, code: str) -> Iterator[dict[str, str]]:
    """Run a service that refuses with coloured words; yield the variables to reach it."""
    answer = {"RequestId": f"id{RED}", "Code": code, "Message": f"Who are{RED} you?"}

    class Refusal(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Refusal) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield {
                "ALIOCR_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
                "ALIBABA_CLOUD_ACCESS_KEY_ID": "id",
                "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "secret",
            }
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("status", "code"), [(401, "InvalidAccessKeyId.NotFound"), (400, f"Odd{RED}")]
)
def test_the_service_does_not_steer_the_terminal(status: int, code: str, tmp_path: Path) -> None:
    """A refusal of the account or of pictures is said, and colours nothing."""
    urls = tmp_path / "urls.txt"
    urls.write_text("https://example.com/a.png\n")
    with refusing(status, code) as service:
        job = run("run", urls, "-o", tmp_path / "results.jsonl", **service)
        scan = run("scan", "https://example.com/a.png", **service)
    assert (job.returncode, scan.returncode) == (3, 1)
    for done in (job, scan):
        assert code.removesuffix(RED) in done.stderr
        assert not steers(done.stdout + done.stderr)


def test_a_summary_does_not_steer_the_terminal() -> None:
    """Neither by the codes of the service nor by the name of the output."""
    summary = Summary(
        read=0,
        failed=(Failed("APIError", f"Odd{RED}", 1),),
        rows=1,
        charged=0,
        charged_at_most=0,
        duplicates=0,
        ended="complete",
        output=Path(f"results{RED}.jsonl"),
        seconds=1.0,
    )
    lines = "\n".join(line.plain for line in summary_lines(summary, 80))
    assert f"Odd{plain(RED)}".rstrip() in lines
    assert f"aliocr report 'results{plain(RED)}.jsonl'" in lines
    assert not steers(lines)


def test_names_of_files_do_not_steer_the_terminal(tmp_path: Path) -> None:
    """Neither those of results nor those that are not there."""
    output = tmp_path / f"results{RED}.jsonl"
    output.write_bytes(encode_json(Read(row=1, source=f"a{RED}.png", text=f"hello{RED}")))
    runs = (
        call("run", tmp_path / f"{RED}.csv", "-o", tmp_path / "more.jsonl", "--dry-run"),
        call("search", output, "hello"),
        call("export", output, tmp_path / f"hocr{RED}"),
        call("report", output),
        call("report", tmp_path / f"lost{RED}.jsonl"),
        call("draw", tmp_path / f"lost{RED}.png"),
        call(f"do{RED}"),
    )
    for done in runs:
        assert not steers(done.stdout + done.stderr)


def test_a_row_that_is_found_does_not_steer_the_terminal(tmp_path: Path) -> None:
    """As JSON, its values stay exact; it is the same on a terminal and in a file."""
    text = f"{''.join(CONTROLS)}\u2028发票🧾"
    output = tmp_path / "results.jsonl"
    output.write_bytes(encode_json(Read(row=1, source=f"{text}.png", text=text)))
    done = run("search", "--json", output, "发票")
    assert not steers(done.stdout)
    assert "发票🧾" in done.stdout
    assert json.loads(done.stdout)["text"] == text
    assert json.loads(done.stdout)["source"] == f"{text}.png"


def test_no_control_character_reaches_a_terminal() -> None:
    """All of Unicode's; line feeds end lines, and tabs stay in texts."""
    text = "".join(CONTROLS)
    assert not steers(plain(text))
    assert not steers(shown(text))
    assert not steers(escaped(text, len(text)))


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize("kind", [JSONPrinter, OutcomePrinter])
def test_what_a_picture_says_does_not_steer_the_terminal(
    kind: type[OutcomePrinter],
    terminal: bool,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nor does what an error says; as JSON, the value stays exact."""
    if terminal:
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("TERM", "dumb")  # without the printer's own colours and cursor movements
    text = f"{''.join(CONTROLS)}\u2028发票🧾"
    image = Image("https://example.com/a.png")
    printer = kind(2, local=False)
    printer.show(text, Scan(image, text, (Region(text, 0, 0, 1, 1),)))
    printer.show(text, Failure(image, api_error(592, text)))
    said = capsys.readouterr()
    assert not steers(said.out + said.err)
    if kind is JSONPrinter:
        read, failed = map(json.loads, said.out.splitlines())
        assert read["source"] == read["text"] == read["regions"][0]["text"] == text
        assert "发票🧾" in said.out
        assert failed["error"].startswith(f"592 {text}: ")
