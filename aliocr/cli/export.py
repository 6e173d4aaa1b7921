"""The command `aliocr export`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import click

from aliocr.cli.console import counted, plain_console, progress_bar, shown, writing
from aliocr.cli.exits import Misuse
from aliocr.cli.job_output import reading, rows_of
from aliocr.cli.signals import unwound
from aliocr.export.formats import FOLDER, SHEET, ExportError, Format, format_of
from aliocr.export.list_order import in_list_order
from aliocr.export.originals import PictureFiles
from aliocr.export.sheet import write_sheet
from aliocr.export.tally import ExportTally
from aliocr.job.output.job_state import journal_of
from aliocr.job.output.result import Result

BESIDE_BAR = 30
"""Width of the words beside the progress bar, in columns."""


@click.command(no_args_is_help=True)
@click.argument("output", type=click.Path(path_type=Path))
@click.argument("target")
@click.option(
    "--input",
    "folder",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Folder with the pictures, if they are not at their paths, or were read from URLs.",
)
@click.option("--bom", is_flag=True, help="Begin a CSV sheet with a byte order mark, for Excel.")
def export(output: Path, target: str, folder: Path | None, *, bom: bool) -> None:
    """Write the output of a job for other programs.

    OUTPUT is a file that `aliocr run` or `aliocr scan --json` wrote. The suffix of TARGET chooses
    the format: .pdf for a searchable PDF, .md for Markdown, .txt for text, .db for SQLite, .csv for
    spreadsheets. Without a suffix, TARGET is a folder that gets an hOCR file for each picture. A
    file that is there is replaced.

    No picture is downloaded. Without its picture, a page of a PDF shows the text alone.

    Exit code: 0 all written, 1 not all written, 2 misuse.
    """
    rows = rows_of(output)
    try:
        chosen = format_of(target)
        writer = chosen.writer
    except (ValueError, ImportError) as error:
        raise Misuse(f"{shown(target) or 'TARGET'}: {error}") from None
    if folder is not None and not folder.is_dir():
        raise Misuse(f"--input {shown(str(folder))} is no folder: give the folder of the pictures")
    if bom:
        if chosen is not SHEET:
            raise Misuse(f"--bom is for a CSV sheet, and {shown(target)} is {chosen.name}")
        writer = partial(write_sheet, bom=True)
    path = Path(target)
    _check(path, output, chosen)
    tally = ExportTally()
    with _in_words(target, chosen, tally), unwound(), _watched(rows) as watched:
        writer(in_list_order(watched), path, PictureFiles(output.parent, folder), tally)
    with writing():
        click.echo(f"{_summary(tally, chosen)} in {shown(target)}")
        for remark, number in tally.remarks.most_common():
            click.echo(f"  {number:,}  {remark}")


@contextmanager
def _in_words(target: str, chosen: Format, tally: ExportTally) -> Iterator[None]:
    """Turn the errors of a writer into one line."""
    try:
        yield
    except ExportError as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        why = f"cannot write {shown(target)}: {error.strerror or error}"
        if chosen is FOLDER:  # the files before the error are there
            why += f"; {_summary(tally, chosen)}"
        raise click.ClickException(why) from None


@contextmanager
def _watched(rows: Iterable[Result]) -> Iterator[Iterator[Result]]:
    """Yield the rows as an iterator that shows a progress bar on a terminal."""
    console = plain_console(stderr=True)
    with progress_bar(console, BESIDE_BAR, hidden=not console.is_terminal) as bar:
        task = bar.add_task("rows", total=None)

        def watched() -> Iterator[Result]:
            for row in rows:
                yield row
                bar.advance(task)

        yield watched()


def _check(path: Path, output: Path, chosen: Format) -> None:
    """Refuse to replace what has cost money: an output. Make the folder of a folder's format."""
    if chosen is FOLDER:
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            why = error.strerror or error
            raise Misuse(f"cannot make {shown(str(path))}: {why}") from None
        return
    if not path.exists():
        return
    if not path.is_file():
        raise Misuse(f"{shown(str(path))} is not a regular file")
    with reading(path):
        if path.samefile(output) or journal_of(path).exists():
            raise Misuse(f"{shown(str(path))} is the output of a job: give another TARGET")


def _summary(tally: ExportTally, chosen: Format) -> str:
    said = f"{counted(tally.written, chosen.noun)} written"
    if not tally.unread:
        return said
    were = "was" if tally.unread == 1 else "were"
    return f"{said}, {counted(tally.unread, 'row')} {were} not read,"
