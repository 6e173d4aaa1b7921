"""The command `aliocr report`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, Literal

import attrs
import click

from aliocr.cli.console import counted, plain, plain_console, progress_bar, writing
from aliocr.cli.exits import Misuse
from aliocr.cli.job_output import reading, rows_of
from aliocr.cli.signals import end_at_once, stop_signals
from aliocr.job.errors import InputError
from aliocr.job.input.opening import has_lists, opened
from aliocr.report.gallery import Embedded, Gallery, LeftOut, Linked
from aliocr.report.originals import FromInput, FromSources
from aliocr.report.report_file import ReportError
from aliocr.report.writing import LIMIT, ReportProgress, WrittenReport, write_report

BESIDE_BAR = 40

MOST_REASONS = 5
"""Maximum number of reasons to print why pictures are missing.

The rows with any other reason are counted together.
"""


@click.command(no_args_is_help=True)
@click.argument("output", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "page",
    metavar="PAGE",
    type=click.Path(path_type=Path),
    help="The page to write.  [default: OUTPUT, but ending in .html]",
)
@click.option(
    "--pictures",
    type=click.Choice(["embed", "link", "none"]),
    default="embed",
    show_default=True,
    help="Embed the pictures in the page, link to them, or leave them out.",
)
@click.option(
    "--input",
    "listed",
    multiple=True,
    metavar="INPUT",
    help="The input of the job: it has the queries of URLs, or is the folder of the files. May be "
    "repeated, in the order of the job.",
)
@click.option("--column", metavar="NAME", help="Column of the images in INPUT.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=LIMIT,
    show_default=True,
    metavar="N",
    help="Show at most N rows, failed ones first; all rows are counted.",
)
def report(**values: Any) -> None:
    """Write one HTML page about the output of a job.

    OUTPUT is a file that `aliocr run` or `aliocr scan --json` wrote; the job can still be running.
    The page has totals, the failures and what to do about them, and each picture with its lines of
    text, which can be searched. It is one file to keep or send, and loads nothing unless --pictures
    is link.

    The pictures are downloaded again, from the sources in OUTPUT; pictures of signed URLs, and
    files that are elsewhere now, need --input. An earlier report is overwritten; any other file is
    not.

    Exit code: 0 written, 1 not written, 2 misuse.
    """
    request = ReportRequest(**values)
    if request.column and not request.listed:
        raise click.UsageError("--column must be used together with --input")
    if request.listed and request.pictures != "embed":
        raise click.UsageError("--input needs --pictures embed, because a link shows the query")
    try:
        written = asyncio.run(request.write_until_stopped())
    except ImportError as error:
        raise Misuse(str(error)) from None
    except InputError as error:  # in the file of --input
        raise Misuse(plain(str(error))) from None
    except ReportError as error:
        raise click.ClickException(str(error)) from None
    with writing():
        click.echo(_summary(written))


@attrs.frozen(kw_only=True)
class ReportRequest:
    """Values of the command's options."""

    output: Path
    page: Path | None
    pictures: Literal["embed", "link", "none"]
    listed: tuple[str, ...]
    column: str | None
    limit: int

    @property
    def _given_folder(self) -> Path | None:
        """The folder of the pictures, if --input names a folder."""
        given = Path(*self.listed[:1])
        pictures = len(self.listed) == 1 and given.is_dir() and not has_lists(given)
        return given if pictures else None

    async def write_until_stopped(self) -> WrittenReport:
        """Write the page. The first signal cancels this, and then no unfinished page remains."""
        task = asyncio.current_task()
        with stop_signals(lambda: task and task.cancel()) as came:
            try:
                return await self._write()
            except asyncio.CancelledError:
                if came:
                    # A normal exit would wait for threads that decode pictures or look up hosts.
                    end_at_once(came[0])
                raise

    async def _write(self) -> WrittenReport:
        output = self.output.resolve()
        page = self.page or self.output.parent / f"{self.output.stem}.html"
        given = self._given_folder
        beside = {Path(each).parent for each in self.listed}
        async with FromSources(self.output.parent, *beside, given=given) as sources:
            with ExitStack() as held:
                listed = None
                if self.listed and given is None:
                    with reading(", ".join(self.listed)):
                        reader = opened(self.listed, column=self.column, output=output)
                    listed = FromInput(sources, held.enter_context(closing(reader)))
                gallery: Gallery
                match self.pictures:
                    case "embed":
                        gallery = Embedded(listed or sources)
                    case "link":
                        gallery = Linked(self.output.parent)
                    case "none":
                        gallery = LeftOut()
                rows = rows_of(self.output)  # before the progress bar, so that errors come first
                return await write_report(
                    rows,
                    page,
                    gallery,
                    title=self.output.name,
                    limit=self.limit,
                    look_up=listed.look_up if listed else None,
                    told=held.enter_context(_progress()),
                )


@contextmanager
def _progress() -> Iterator[Callable[[ReportProgress], None]]:
    """Show a progress bar on a terminal; without a terminal, print one line at the beginning."""
    console = plain_console(stderr=True)
    if not console.is_terminal:
        click.echo("writing a report", err=True)
        yield lambda _: None
        return
    with progress_bar(console, BESIDE_BAR) as bar:
        task = bar.add_task("counting", total=None)

        def told(progress: ReportProgress) -> None:
            if progress.shown is None:
                bar.update(task, completed=progress.rows)
            else:
                bar.update(
                    task,
                    description="pictures",
                    completed=progress.pictures,
                    total=progress.shown,
                )

        yield told


def _summary(written: WrittenReport) -> str:
    """Return a text that says what was written, and why pictures are missing.

    If there are several reasons, each reason has its number of rows.
    """
    shown = "" if written.shown == written.rows else f"{written.shown:,} of "
    line = f"{plain(str(written.page))}: {shown}{counted(written.rows, 'row')}"
    if written.missing:
        line += f", {sum(rows for _, rows in written.missing):,} without a picture"
    if len(written.missing) <= 1:
        return ": ".join([line, *(plain(why) for why, _ in written.missing)])
    reasons = list(written.missing[:MOST_REASONS])
    if others := sum(rows for _, rows in written.missing[MOST_REASONS:]):
        reasons.append(("for other reasons", others))
    column = max(len(f"{rows:,}") for _, rows in reasons)
    return "\n".join([line, *(f"  {rows:>{column},}  {plain(why)}" for why, rows in reasons)])
