"""The command line: a thin layer above the library. Needs the extra `aliocr[cli]`.

The way of a command:

    `program`       finds the command
    `scan`, `draw`, `explain`, `export`, `report`, `search`, and the folders `run`, `emulate`
                    are the commands, and parse their options
    `sources`       finds the pictures that arguments and standard input name
    `frame_choice`  chooses the frames to read
    `backend`       opens a session with the service, or with this machine's engine, in `local`
    `job_output`    reads the output of a job, for commands that do not read pictures
    `printer`       prints the results of `scan`
    `drawing_file`  writes the drawing of `draw`
    `console`       removes control characters from text for the terminal
    `signals`       handles Ctrl-C, SIGTERM and SIGHUP
    `exits`         turns an error into one line and an exit code
"""

import io
import os
import sys
from typing import NoReturn

from aliocr.cli import signals


def main() -> None:
    """Run the program `aliocr`.

    Exit codes: 0 all pictures were read, 1 some failed, 2 misuse, 3 a job is not complete; 130
    after Ctrl-C, 143 after SIGTERM and 129 after SIGHUP.
    """
    # Install handlers before the imports, because these take half a second. Without handlers,
    # Ctrl-C would print a traceback during this time, and SIGTERM would have no effect on the first
    # process of a container. Some commands install their own handlers later.
    signals.handle(signals.end_at_once)
    # Open the null device in place of each closed standard stream. Without this, a file that is
    # opened later would get the descriptor of the stream, and so its output.
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # The text of a picture may have characters that the terminal's encoding does not have.
            stream.reconfigure(errors="backslashreplace")
    try:
        from aliocr.cli.console import discard  # noqa: PLC0415 - needs the extra
        from aliocr.cli.program import program  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name not in ("click", "rich"):
            raise
        _leave("The command line needs click and rich: pip install 'aliocr[cli]'", 2)
    if sys.stdout is None:
        _leave("Error: cannot write: standard output is closed", 2)
    try:
        program()
    except OSError as error:
        # Commands handle their own errors. This error came when click printed a text of its own,
        # such as the help.
        discard(sys.stdout)
        _leave(f"Error: cannot write: {error.strerror or error}", 1)


def _leave(message: str, code: int) -> NoReturn:
    if sys.stderr is not None:
        print(message, file=sys.stderr)  # noqa: T201 - rich may be missing
    sys.exit(code)
