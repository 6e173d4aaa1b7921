"""`aliocr report`."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Literal

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from aliocr.cli.humanize import counted
from aliocr.cli.job_output import reading, rows_of
from aliocr.cli.misuse import Misuse
from aliocr.cli.output import plain, writing
from aliocr.job.errors import InputError
from aliocr.job.input.opening import opened
from aliocr.job.output.result import Result
from aliocr.report.gallery import Embedded, Gallery, LeftOut, Linked
from aliocr.report.originals import FromInput, FromSources, Originals
from aliocr.report.part import ReportError
from aliocr.report.writing import LIMIT, ReportProgress, WrittenReport, write_report

BAR = 30
"""Columns of the bar, at most."""

BESIDE_BAR = 40
"""Columns for what stands beside it, and for the ^C that a terminal writes after it."""


MOST_REASONS = 5
"""Why pictures are missing, before the rest are counted."""


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
    help="Have them in the page, have it load them, or neither.",
)
@click.option(
    "--input",
    "listed",
    metavar="INPUT",
    help="What the job was given: it has the queries of URLs, which OUTPUT has not.",
)
@click.option("--column", metavar="NAME", help="Column of the images in it.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=LIMIT,
    show_default=True,
    metavar="N",
    help="Show N rows, chosen from the failed first; all are counted.",
)
def report(
    output: Path,
    *,
    page: Path | None,
    pictures: Literal["embed", "link", "none"],
    listed: str | None,
    column: str | None,
    limit: int,
) -> None:
    """Write one HTML page of what a job has read.

    OUTPUT is the output of a job, finished or not. The page has totals, failures and what to do
    about them, and each picture with its lines of text, which can be searched. It is one file to
    keep or send, and fetches nothing unless --pictures link says so.

    The pictures are fetched once more, from the sources in OUTPUT; those of signed URLs with the
    help of --input. An earlier report is overwritten, no other file is.

    Exit code: 0 written, 1 not written, 2 misuse.
    """
    if column and not listed:
        raise click.UsageError("--column goes with --input")
    if listed and pictures != "embed":
        raise click.UsageError("--input is for --pictures embed: a link would show the query")
    page = page or output.parent / f"{output.stem}.html"
    given = partial(_given, listed, column) if listed else None
    work = partial(_written, output, page, pictures, limit, given)
    try:
        written = asyncio.run(_ended_by_signals(work))
    except ImportError as error:
        raise Misuse(str(error)) from None
    except InputError as error:  # of the list
        raise Misuse(plain(str(error))) from None
    except ReportError as error:
        raise click.ClickException(str(error)) from None
    with writing():
        click.echo(_summary(written))


async def _written(
    output: Path,
    page: Path,
    pictures: Literal["embed", "link", "none"],
    limit: int,
    given: Callable[[Originals], AbstractContextManager[FromInput]] | None,
) -> WrittenReport:
    async with FromSources(output.parent) as sources:
        with ExitStack() as held:
            listed = held.enter_context(given(sources)) if given else None
            gallery: Gallery
            match pictures:
                case "embed":
                    gallery = Embedded(listed or sources)
                case "link":
                    gallery = Linked(output.parent)
                case "none":
                    gallery = LeftOut()
            rows = _begun(rows_of(output))  # before anything is said to be done with it
            return await write_report(
                rows,
                page,
                gallery,
                title=output.name,
                limit=limit,
                look_up=listed.look_up if listed else None,
                told=held.enter_context(_progress()),
            )


def _begun(rows: Iterator[Result]) -> Iterator[Result]:
    """The same rows, of which the first has been read."""
    first = tuple(islice(rows, 1))
    return chain(first, rows)


@contextmanager
def _given(listed: str, column: str | None, sources: Originals) -> Iterator[FromInput]:
    """The pictures, by what the job was given."""
    with reading(listed):
        reader = opened(listed, column=column)
    with closing(reader):
        yield FromInput(sources, reader)


async def _ended_by_signals(work: Callable[[], Awaitable[WrittenReport]]) -> WrittenReport:
    """Ctrl-C and SIGTERM leave nothing half done; a second one does not wait for that."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    heard: list[int] = []

    def hear(number: int, _: object) -> None:
        if heard or task is None:
            os._exit(128 + number)
        heard.append(number)
        loop.call_soon_threadsafe(task.cancel)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, hear)
    try:
        return await work()
    except asyncio.CancelledError:
        if heard:
            # Threads that still decode a picture or look up a name would be waited for.
            os._exit(128 + heard[0])
        raise


@contextmanager
def _progress() -> Iterator[Callable[[ReportProgress], None]]:
    """On a terminal, while it lasts; else one line, for it may last."""
    console = Console(stderr=True)
    if not console.is_terminal:
        click.echo("writing a report", err=True)
        yield lambda _: None
        return
    width = min(BAR, max(1, console.width - BESIDE_BAR))
    columns = (TextColumn("{task.description}"), BarColumn(width), MofNCompleteColumn())
    with Bar(*columns, TimeElapsedColumn(), console=console, transient=True) as bar:
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
    some = "" if written.shown == written.rows else f"{written.shown:,} of "
    rows = some + counted(written.rows, "row")
    return "\n".join([f"{written.page}: {rows}{_missing(written.missing)}", *_reasons(written)])


def _missing(missing: Sequence[tuple[str, int]]) -> str:
    """How many pictures there are not, and why, if all for one reason."""
    if not missing:
        return ""
    why = f": {missing[0][0]}" if len(missing) == 1 else ""
    return f", {sum(rows for _, rows in missing):,} without a picture{why}"


def _reasons(written: WrittenReport) -> list[str]:
    """Why there are not, if for several reasons, the commonest first."""
    named = written.missing[:MOST_REASONS] if len(written.missing) > 1 else ()
    reasons = [(rows, why) for why, rows in named]
    if others := sum(rows for _, rows in written.missing[MOST_REASONS:]):
        reasons.append((others, "for other reasons"))
    column = max((len(f"{rows:,}") for rows, _ in reasons), default=0)
    return [f"  {rows:>{column},}  {plain(why)}" for rows, why in reasons]
