"""The command line: a thin shell over the library. Needs the extra `cli`."""

import io
import os
import signal
import sys
from typing import NoReturn

__all__ = ["main"]

INTERRUPTED = 130
"""Exit code after Ctrl-C, as of shells."""


def main() -> None:
    """Run `aliocr`; exit 0 all read, 1 some failed, 2 misuse, 130 interrupted."""
    # Importing takes half a second, in which Ctrl-C would print wherever it has come to. A command
    # that has something to put in order takes the signal back.
    signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
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
        _leave("Error: cannot write: standard output is closed", 1)
    try:
        program()
    except OSError as error:
        # The commands have words for their own; what is left is a text such as that of --help.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        _leave(f"Error: cannot write: {error.strerror or error}", 1)


def _leave(message: str, code: int) -> NoReturn:
    if sys.stderr is not None:
        print(message, file=sys.stderr)  # noqa: T201 - nothing better can be there
    sys.exit(code)
