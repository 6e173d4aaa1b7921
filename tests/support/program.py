"""The program `aliocr` as a process: run to its end, served from, and on a terminal."""

import fcntl
import http.client
import json
import os
import pty
import re
import select
import socket
import struct
import subprocess
import sys
import termios
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest

from aliocr import Credentials, Image
from aliocr.protocol import signing, wire

ALIOCR = [sys.executable, "-m", "aliocr"]
IMPATIENT = [
    *(sys.executable, "-c"),
    "import aliocr.limits; aliocr.limits.PATIENCE = 1.0; from aliocr.cli import main; main()",
]
"""The program, but an outage is given up after a second."""

EMULATE = ["emulate", "--engine", "none"]
PATIENCE = 60
NOTHING: Mapping[str, str] = {}
BAR = "━"
CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
"""Signs of a progress bar, and control codes of a terminal."""

KEYS = (
    "ALIBABA_CLOUD_ACCESS_KEY_ID",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
    "ALIBABA_CLOUD_SECURITY_TOKEN",
    "ALIBABA_CLOUD_PROFILE",
    "ALIBABA_CLOUD_ROLE_ARN",
    "ALIBABA_CLOUD_CREDENTIALS_URI",
    "ALIOCR_ENDPOINT",
)

NO_PROFILES = {
    "ALIBABA_CLOUD_CLI_PROFILE_DISABLED": "true",
    "ALIBABA_CLOUD_CREDENTIALS_FILE": "/nowhere",
    "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true",
}
"""No key comes from this machine."""


def variables(**more: str) -> dict[str, str]:
    """Return this process's environment, without a real key or the size of another terminal."""
    others = {*KEYS, "COLUMNS", "LINES"}
    kept = {name: value for name, value in os.environ.items() if name not in others}
    return kept | NO_PROFILES | more


def run(
    *arguments: str | int | Path,
    stdin: str = "",
    program: Sequence[str] = ALIOCR,
    **environment: str,
) -> subprocess.CompletedProcess[str]:
    """Run it to its end; return its output and exit code. It never prints a traceback."""
    done = subprocess.run(
        [*program, *map(str, arguments)],
        input=stdin,
        env=variables(**environment),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done


def call(*arguments: str | int | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it as `run` does, but in this process, which is faster: for what is refused at once."""
    from click.testing import CliRunner

    from aliocr.cli.program import program

    gone: dict[str, str | None] = dict.fromkeys((*KEYS, "COLUMNS", "LINES"))
    words = [*map(str, arguments)]
    result = CliRunner(env=gone | NO_PROFILES | environment).invoke(
        program, words, prog_name="aliocr"
    )
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return subprocess.CompletedProcess(words, result.exit_code, result.stdout, result.stderr)


@attrs.frozen
class EmulatorProcess:
    """A running `aliocr emulate`.

    Args:
        process: The process.
        banner: The lines that it printed first, up to the secret.
    """

    process: subprocess.Popen[str]
    banner: tuple[str, ...]

    @property
    def exports(self) -> dict[str, str]:
        """The environment of a shell that has run the banner."""
        lines = [line.removeprefix("export ") for line in self.banner if "export " in line]
        return dict(line.split("=", 1) for line in lines)

    @property
    def address(self) -> str:
        """Host and port."""
        return self.exports["ALIOCR_ENDPOINT"].removeprefix("http://")

    def connect(self) -> socket.socket:
        """Open a connection."""
        host, _, port = self.address.rpartition(":")
        return socket.create_connection((host, int(port)), PATIENCE)

    def send(self, garbage: bytes) -> bytes:
        """Send this over a new connection, and read until the emulator closes it."""
        with self.connect() as client:
            client.sendall(garbage)
            return b"".join(iter(lambda: client.recv(4096), b""))

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, Any]:
        """Send one request over a new connection; return the status and the body of its reply."""
        with closing(http.client.HTTPConnection(self.address, timeout=PATIENCE)) as connection:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read()
            kind = answer.headers.get_content_type()
            return answer.status, json.loads(text) if kind == "application/json" else text.decode()

    def scan(self, urls: Sequence[str], key: Credentials | None = None) -> tuple[int, Any]:
        """Send a signed scan; by default, with the key of the banner."""
        key = key or Credentials.from_environment(self.exports)
        body = wire.encode_request(wire.name_images([Image(url) for url in urls]))
        nonce = str(uuid.uuid4())
        headers = signing.signed_headers(body, key, timestamp=time.time(), nonce=nonce)
        return self.ask("POST", signing.SCAN_PATH, body, **headers)

    def logged(self) -> str:
        """Wait for the next line on standard error."""
        assert self.process.stderr is not None
        return self.process.stderr.readline().rstrip("\n")

    def end(self) -> tuple[int, str]:
        """Wait for its end; return the exit code, and the rest of standard error."""
        # communicate() would miss the text that readline() has read ahead.
        assert self.process.stderr is not None
        return self.process.wait(PATIENCE), self.process.stderr.read()


@contextmanager
def emulating(
    *options: str | Path, redirected: str = "", **environment: str
) -> Iterator[EmulatorProcess]:
    """Start `aliocr emulate` without an engine, by a shell, and wait until it listens."""
    with subprocess.Popen(
        ["/bin/sh", "-c", f'exec "$@" {redirected}', "sh", *ALIOCR, *EMULATE, *map(str, options)],
        env=variables(**environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            banner: list[str] = []
            for line in process.stdout:
                banner.append(line.rstrip("\n"))
                if "ALIBABA_CLOUD_ACCESS_KEY_SECRET" in line:
                    break
            yield EmulatorProcess(process, tuple(banner))
        finally:
            process.kill()


@attrs.frozen
class TerminalOutput:
    """The bytes sent to a terminal, as text, its screen at the end, and the exit code."""

    output: str
    screen: str
    code: int


def on_a_terminal(
    *arguments: str,
    environment: Mapping[str, str] = NOTHING,
    columns: int = 80,
    press: tuple[str, bytes] = ("", b""),
) -> TerminalOutput:
    """Run it on a terminal; press a key once a text has been printed."""
    pyte = pytest.importorskip("pyte")
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 200, columns, 0, 0))
    # Its own session, of which this is the terminal: Ctrl-C is for it alone.
    process = subprocess.Popen(
        [sys.executable, "-c", ON_ITS_TERMINAL, *arguments],
        env=variables(**{"TERM": "xterm", **environment}),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    (awaited, key), seen = press, b""
    while select.select([ours], [], [], PATIENCE)[0]:
        try:
            seen += os.read(ours, 4096)
        except OSError:  # Linux reports the end of the last process so
            break
        if key and awaited.encode() in seen:
            os.write(ours, key)
            key = b""
    process.wait(PATIENCE)
    os.close(ours)
    screen = pyte.Screen(columns, 200)
    pyte.ByteStream(screen).feed(seen)
    lines = "\n".join(line.rstrip() for line in screen.display).rstrip()
    return TerminalOutput(seen.decode(), lines, process.returncode)


ON_ITS_TERMINAL = """
import fcntl, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from aliocr.cli import main
main()
"""


def in_a_shell(
    command: str, environment: Mapping[str, str] = NOTHING, *, stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run a shell command, in which `aliocr` is this program."""
    done = subprocess.run(
        ["/bin/sh", "-c", f'aliocr() {{ "{sys.executable}" -m aliocr "$@"; }}; {command}'],
        input=stdin,
        env=variables(**environment),
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert b"Traceback" not in done.stderr
    assert b"Exception" not in done.stderr
    return done
