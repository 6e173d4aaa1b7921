"""The command line: a thin shell over the library. Needs the extra `cli`."""

import io
import os
import signal
import sys
from typing import NoReturn


def main() -> None:
    """Run `aliocr`.

    Exit code: 0 all read, 1 some failed, 2 misuse, 3 a job that is not complete; 130 after Ctrl-C
    and 143 after SIGTERM.
    """
    # Importing takes half a second, in which Ctrl-C would print wherever it has come to, and the
    # first process of a container would not hear SIGTERM at all. A command that has something to
    # put in order takes the signals back.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    _occupy_closed()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # What a picture says is not always in the alphabet of the terminal.
            stream.reconfigure(errors="backslashreplace")
    try:
        from aliocr.cli.program import program  # noqa: PLC0415 - needs the extra
    except ModuleNotFoundError as error:
        if error.name not in ("click", "rich"):
            raise
        _leave("The command line needs click and rich: pip install 'aliocr[cli]'", 2)
    if sys.stdout is None:
        _leave("Error: cannot write: standard output is closed", 2)
    try:
        program()
    except OSError as error:
        # The commands have words for their own; what is left is a text such as that of --help.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        _leave(f"Error: cannot write: {error.strerror or error}", 1)


def _end(number: int, _: object) -> NoReturn:
    """At once, with the exit code that shells give to a signal: 130 for Ctrl-C."""
    os._exit(128 + number)


def _occupy_closed() -> None:
    """Nothing that is opened later may come where a stream was closed: it would be written over."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)


def _leave(message: str, code: int) -> NoReturn:
    if sys.stderr is not None:
        print(message, file=sys.stderr)  # noqa: T201 - nothing better can be there
    sys.exit(code)
