"""Reading of a job's output, for the commands that use its rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path

from aliocr.cli.console import plain, shown
from aliocr.cli.exits import Misuse
from aliocr.job.output.read_back import results
from aliocr.job.output.result import Result


def rows_of(output: str | Path) -> Iterator[Result]:
    """Return the results in an output, in the order of the file.

    This call reads the first row, so that an unreadable file is reported before other work begins.
    """

    def read() -> Iterator[Result]:
        with reading(output):
            yield from results(output)

    rows = read()
    return chain(tuple(islice(rows, 1)), rows)


@contextmanager
def reading(path: str | Path) -> Iterator[None]:
    """Turn the errors of a block that reads the file at `path` into `Misuse`."""
    try:
        yield
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise Misuse(f"cannot read {shown(str(path))}: {why}") from None
    except (ValueError, ImportError) as error:
        raise Misuse(plain(str(error))) from None
