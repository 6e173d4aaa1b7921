"""The command `aliocr export`."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import click

from aliocr.atomic_file import Draft
from aliocr.cli.console import counted, file_name, shown, writing
from aliocr.cli.exits import Misuse
from aliocr.cli.job_output import rows_of
from aliocr.cli.signals import unwound
from aliocr.job.output.result import Read
from aliocr.text.hocr import to_hocr

MOST_LABEL = 120
"""Maximum size of the label (an id or a picture's name) in a file name, in bytes.

File systems allow 255 bytes for a whole file name.
"""


@click.command(no_args_is_help=True)
@click.argument("output", type=click.Path(path_type=Path))
@click.argument("folder", type=click.Path(path_type=Path))
def export(output: Path, folder: Path) -> None:
    """Write the output of a job as hOCR files, for other programs.

    OUTPUT is a file that `aliocr run` or `aliocr scan --json` wrote. FOLDER gets a file for each
    picture that was read. Its name is the row and the picture's id, or the row and the picture's
    name if it has no id. A file of that name is replaced.

    Exit code: 0 all written, 1 not all written, 2 misuse.
    """
    rows = rows_of(output)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Misuse(f"cannot make {shown(str(folder))}: {error.strerror or error}") from None
    written = unread = 0
    try:
        with unwound():
            for result in rows:
                if not isinstance(result, Read):
                    unread += 1
                    continue
                with Draft(folder / _name(result)) as draft:
                    draft.file.write(to_hocr(result).encode())
                    draft.place()
                written += 1
    except OSError as error:
        why = f"cannot write {shown(str(folder))}: {error.strerror or error}"
        raise click.ClickException(f"{why}; {_summary(written, unread)}") from None
    with writing():
        click.echo(f"{_summary(written, unread)} in {shown(str(folder))}")


def _name(row: Read) -> str:
    """Return a file name. Its row number makes it unique; it never leads to another folder."""
    label = row.id or ""
    if not label:
        with suppress(ValueError):  # a malformed URL
            label = Path(urlsplit(row.source).path if "://" in row.source else row.source).stem
    kept = re.sub(r"[^\w.-]+", "_", label).strip("._-")
    short = kept.encode()[:MOST_LABEL].decode(errors="ignore")
    return file_name(f"{row.row}-{short}.hocr" if short else f"{row.row}.hocr")


def _summary(written: int, unread: int) -> str:
    files = f"{counted(written, 'file')} written"
    if not unread:
        return files
    return f"{files}, {counted(unread, 'row')} {'was' if unread == 1 else 'were'} not read,"
