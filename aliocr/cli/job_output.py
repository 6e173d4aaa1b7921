"""The rows of a job's output, for the commands that use them."""

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
    """Read the results of an output, in its order.

    The output is opened at once, and its first row is read, so that an error comes early.
    """

    def read() -> Iterator[Result]:
        with reading(output):
            yield from results(output)

    rows = read()
    return chain(tuple(islice(rows, 1)), rows)


@contextmanager
def reading(path: str | Path) -> Iterator[None]:
    """Read a named file in this block; its errors are misuse."""
    try:
        yield
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise Misuse(f"cannot read {shown(str(path))}: {why}") from None
    except (ValueError, ImportError) as error:
        raise Misuse(plain(str(error))) from None
