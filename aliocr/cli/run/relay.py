"""The output of a job on standard output: `-o -`."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from aliocr.cli.console import discard, harmless_json

MOMENT = 0.1
"""Time between two looks at the file, in seconds."""


class Relay:
    """Copies the records of an output to standard output while a job writes them.

    The job writes a file in the folder of temporary files, so it need not wait for a slow reader,
    and finds the results of equal rows there. The file is removed by `close`.

    Attributes:
        path: The output of the job.
        error: The error of standard output, if there was one. If its reader is gone, this is a
            `BrokenPipeError`.
    """

    def __init__(self, suffix: str) -> None:
        self._folder = TemporaryDirectory(prefix="aliocr-")
        self.path = Path(self._folder.name, f"results.{suffix}")
        self.error: OSError | None = None
        self._place = 0

    @contextmanager
    def copying(self, stop: asyncio.Event) -> Iterator[None]:
        """Copy during the block, and all that is left at its end; if this fails, set `stop`."""
        over = threading.Event()
        loop = asyncio.get_running_loop()

        def copy() -> None:
            while self.error is None:
                ended = over.wait(MOMENT)
                try:
                    self._copy()
                except OSError as error:
                    self.error = error
                    discard(sys.stdout)
                    loop.call_soon_threadsafe(stop.set)
                if ended:
                    return

        # A daemon, because a reader that does not read must not keep the program from its end.
        thread = threading.Thread(target=copy, name="aliocr stdout", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _copy(self) -> None:
        if not self.path.exists():
            return
        is_terminal = sys.stdout.isatty()
        with self.path.open("rb") as file:
            file.seek(self._place)
            for line in file:
                if not line.endswith(b"\n"):  # the job is writing it
                    break
                self._place += len(line)
                shown = f"{harmless_json(line[:-1].decode())}\n".encode() if is_terminal else line
                sys.stdout.buffer.write(shown)
        sys.stdout.buffer.flush()

    def close(self) -> None:
        """Remove the file."""
        self._folder.cleanup()
