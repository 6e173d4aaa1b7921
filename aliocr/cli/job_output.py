"""The rows of a job's output, for the commands that go on from there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aliocr.cli.misuse import Misuse
from aliocr.cli.output import plain, shown
from aliocr.job.output.read_back import results
from aliocr.job.output.result import Result


def rows_of(output: str | Path) -> Iterator[Result]:
    """What became of each row, in the order of the output.

    Args:
        output: As `aliocr.results` has it.

    Raises:
        Misuse: It cannot be read, at once; or it is none, at the record that shows it.
    """
    with reading(output):
        rows = results(output)
    return _said(rows, output)


def _said(rows: Iterator[Result], output: str | Path) -> Iterator[Result]:
    with reading(output):
        yield from rows


@contextmanager
def reading(path: str | Path) -> Iterator[None]:
    """Read a file that was named.

    Raises:
        Misuse: It cannot be read, or is not what it is to be.
    """
    try:
        yield
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise Misuse(f"cannot read {shown(str(path))}: {why}") from None
    except (ValueError, ImportError) as error:
        raise Misuse(plain(str(error))) from None
