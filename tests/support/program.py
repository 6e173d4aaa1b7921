"""The program `aliocr` as a process: run to its end, served from, and on a terminal."""

import fcntl
import http.client
import json
import os
import pty
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
EMULATE = ["emulate", "--engine", "none"]
PATIENCE = 60
NOTHING: Mapping[str, str] = {}
KEYS = (
    "ALIBABA_CLOUD_ACCESS_KEY_ID",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
    "ALIBABA_CLOUD_SECURITY_TOKEN",
    "ALIOCR_ENDPOINT",
)


def variables(**more: str) -> dict[str, str]:
    """This process's, without a key of the developer's own or the size of another terminal."""
    others = {*KEYS, "COLUMNS", "LINES"}
    return {name: value for name, value in os.environ.items() if name not in others} | more


def run(
    *arguments: str | int | Path, stdin: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """What it said, and how it ended; never with a traceback."""
    done = subprocess.run(
        [*ALIOCR, *map(str, arguments)],
        input=stdin,
        env=variables(**environment),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done


@attrs.frozen
class Emulating:
    """A running `aliocr emulate`.

    Args:
        process: Its own.
        greeting: What it printed, up to the secret.
    """

    process: subprocess.Popen[str]
    greeting: tuple[str, ...]

    @property
    def exports(self) -> dict[str, str]:
        """What a shell has in its environment that ran the greeting."""
        lines = [line.removeprefix("export ") for line in self.greeting if "export " in line]
        return dict(line.split("=", 1) for line in lines)

    @property
    def address(self) -> str:
        """Host and port."""
        return self.exports["ALIOCR_ENDPOINT"].removeprefix("http://")

    def connect(self) -> socket.socket:
        """A connection of its own."""
        host, _, port = self.address.rpartition(":")
        return socket.create_connection((host, int(port)), PATIENCE)

    def send(self, garbage: bytes) -> bytes:
        """Send this over a connection of its own, and read until that is closed."""
        with self.connect() as client:
            client.sendall(garbage)
            return b"".join(iter(lambda: client.recv(4096), b""))

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, Any]:
        """Status and answer of one request over a connection of its own."""
        with closing(http.client.HTTPConnection(self.address, timeout=PATIENCE)) as connection:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read()
            kind = answer.headers.get_content_type()
            return answer.status, json.loads(text) if kind == "application/json" else text.decode()

    def scan(self, urls: Sequence[str], key: Credentials | None = None) -> tuple[int, Any]:
        """The same of one that is signed, with the key it printed if with no other."""
        key = key or Credentials.from_environment(self.exports)
        body = wire.encode_request(wire.name_images([Image(url) for url in urls]))
        nonce = str(uuid.uuid4())
        headers = signing.signed_headers(body, key, timestamp=time.time(), nonce=nonce)
        return self.ask("POST", signing.SCAN_PATH, body, **headers)

    def logged(self) -> str:
        """The next line on standard error; waits for it."""
        assert self.process.stderr is not None
        return self.process.stderr.readline().rstrip("\n")

    def end(self) -> tuple[int, str]:
        """Its exit code, and what else it said on standard error."""
        # Not by communicate(), which does not see what readline() has read ahead.
        assert self.process.stderr is not None
        return self.process.wait(PATIENCE), self.process.stderr.read()


@contextmanager
def emulating(
    *options: str | Path, redirected: str = "", **environment: str
) -> Iterator[Emulating]:
    """`aliocr emulate` without an engine, from when it can be reached; started by a shell."""
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
            greeting: list[str] = []
            for line in process.stdout:
                greeting.append(line.rstrip("\n"))
                if "ALIBABA_CLOUD_ACCESS_KEY_SECRET" in line:
                    break
            yield Emulating(process, tuple(greeting))
        finally:
            process.kill()


@attrs.frozen
class Seen:
    """What came out at a terminal, and what stands on its screen in the end."""

    output: str
    screen: str
    code: int


def on_a_terminal(
    *arguments: str,
    environment: Mapping[str, str] = NOTHING,
    columns: int = 80,
    press: tuple[str, bytes] = ("", b""),
) -> Seen:
    """What a person sees who runs this, and presses a key once something can be read."""
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
        except OSError:  # what Linux says when the last of them closed the terminal
            break
        if key and awaited.encode() in seen:
            os.write(ours, key)
            key = b""
    process.wait(PATIENCE)
    os.close(ours)
    screen = pyte.Screen(columns, 200)
    pyte.ByteStream(screen).feed(seen)
    lines = "\n".join(line.rstrip() for line in screen.display).rstrip()
    return Seen(seen.decode(), lines, process.returncode)


ON_ITS_TERMINAL = """
import fcntl, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from aliocr.cli import main
main()
"""


def in_a_shell(
    command: str, environment: Mapping[str, str] = NOTHING, *, stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """For what only a shell can do to a process; `aliocr` is this one."""
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
