"""`aliocr export`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import click

from aliocr.atomic_file import Draft
from aliocr.cli.ending import unwound
from aliocr.cli.humanize import counted
from aliocr.cli.job_output import rows_of
from aliocr.cli.misuse import Misuse
from aliocr.cli.output import shown, writing
from aliocr.job.output.result import Read, Result
from aliocr.text.hocr import to_hocr

MOST_LABEL = 120
"""Bytes of a file's name beside its row: no file system allows fewer than 255 for all of it."""


@click.command(no_args_is_help=True)
@click.argument("output", type=click.Path(path_type=Path))
@click.argument("folder", type=click.Path(path_type=Path))
def export(output: Path, folder: Path) -> None:
    """Write the output of a job as hOCR, for other programs.

    OUTPUT is what `aliocr run` wrote. For each picture that was read, FOLDER gets a file named
    after its row and its id, or after its row and its own name. A file that is there is replaced.

    Exit code: 0 written, 1 not all of it, 2 misuse.
    """
    written = unread = 0
    try:
        with unwound():
            for result in _rows(output, folder):
                if not isinstance(result, Read):
                    unread += 1
                    continue
                _write(folder / _name(result), to_hocr(result))
                written += 1
    except OSError as error:
        why = f"cannot write {shown(str(folder))}: {error.strerror or error}"
        raise click.ClickException(f"{why}; {_said(written, unread)}") from None
    with writing():
        click.echo(f"{_said(written, unread)} in {shown(str(folder))}")


def _rows(output: Path, folder: Path) -> Iterator[Result]:
    """The rows of an output; the folder is made once it is known to be one.

    Raises:
        Misuse: It is none, or the folder cannot be made.
    """
    rows = rows_of(output)
    first = next(rows, None)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Misuse(f"cannot make {shown(str(folder))}: {error.strerror or error}") from None
    if first is not None:
        yield first
        yield from rows


def _write(path: Path, text: str) -> None:
    with Draft(path) as draft:
        draft.file.write(text.encode())
        draft.place()


def _name(row: Read) -> str:
    """A name that no other row has, for the row is in it, and that is in this folder."""
    label = row.id or Path(_path(row.source)).stem
    kept = re.sub(r"[^\w.-]+", "_", label).strip("._-")
    short = kept.encode()[:MOST_LABEL].decode(errors="ignore")
    return f"{row.row}-{short}.hocr" if short else f"{row.row}.hocr"


def _path(source: str) -> str:
    """That of a URL, or of a file; empty for a URL that is none."""
    if "://" not in source:
        return source
    try:
        return urlsplit(source).path
    except ValueError:
        return ""


def _said(written: int, unread: int) -> str:
    files = f"{counted(written, 'file')} written"
    if not unread:
        return files
    return f"{files}, {counted(unread, 'row')} {'was' if unread == 1 else 'were'} not read,"
