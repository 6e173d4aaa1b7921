"""The command `aliocr run`."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from aliocr.cli.backend import service_options
from aliocr.cli.console import plain, plain_console, shown, width_of, writing
from aliocr.cli.exits import Misuse
from aliocr.cli.run.allowance import parsed
from aliocr.cli.run.options import RunOptions
from aliocr.cli.run.plan_text import plan_lines
from aliocr.job.errors import JobError
from aliocr.job.input.folder import pictures_in
from aliocr.job.job import Job
from aliocr.limits import LEAST_RATE, REQUESTS_PER_SECOND, Limits

RATE = click.FloatRange(min=LEAST_RATE)


@click.command(no_args_is_help=True)
@click.argument("sources", metavar="INPUT...", nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="OUTPUT",
    help="File of the results; - for standard output.",
)
@click.option(
    "--column", metavar="NAME", help="Column of the images; needed only if aliocr cannot tell."
)
@click.option("--id", "id_column", metavar="NAME", help="Column of ids to copy to the output.")
@click.option(
    "--format",
    "input_format",
    type=click.Choice(["text", "csv", "jsonl", "parquet"]),
    help="Format of INPUT, if the file name does not show it.",
)
@click.option(
    "--output-format",
    type=click.Choice(["jsonl", "csv", "parquet"]),
    help="Format of OUTPUT, if the file name does not show it.",
)
@click.option(
    "--local", is_flag=True, help="Read URLs and files on this machine; no account needed."
)
@click.option("--dry-run", is_flag=True, help="Print what a run would do; send and write nothing.")
@click.option(
    "--budget",
    type=click.IntRange(min=1),
    metavar="IMAGES",
    help="Charge at most this many images, in all runs; repeats add at most a tenth.",
)
@click.option("--retry-failed", is_flag=True, help="Read the failed rows again.")
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    help="Retry only this failure: a code such as 592, or DownloadError. May be repeated.",
)
@click.option(
    "--whole-urls", is_flag=True, help="Write URLs with their queries, which may be keys."
)
@click.option(
    "--requests-per-second",
    type=RATE,
    default=REQUESTS_PER_SECOND,
    show_default=True,
    help="The account's limit.",
)
@click.option(
    "--images-per-second",
    type=RATE,
    show_default="learnt from refusals",
    help="The account's limit.",
)
@service_options
@click.option(
    "--allow-failed",
    callback=parsed,
    default="0",
    metavar="ROWS",
    help="Exit with 0 if at most this many rows failed, or this share, such as 1%.",
)
@click.option(
    "--summary-json",
    metavar="FILE",
    help="Write the summary as JSON at the end; - for standard output.",
)
@click.option("--quiet", is_flag=True, help="Print nothing unless something is wrong.")
def run(**values: Any) -> None:
    """Read a whole list of pictures, of any length, into a file.

    INPUT is a file of URLs: text with one URL per line, CSV, JSON lines or Parquet, or - for
    standard input. Text files can be compressed (.gz, .bz2, .xz, .zst). Several files, a pattern
    such as 'lists/*.csv', or a folder of lists are read as one list. With --local, INPUT can also
    be a folder of pictures, or list paths of pictures; relative paths start at the current folder.

    Results are written as they come. If the job is stopped in any way, the same command continues
    the job with the help of OUTPUT.journal. After Ctrl-C, SIGTERM or SIGHUP (the terminal was
    closed), the job finishes the images in flight; a second Ctrl-C or SIGTERM ends it immediately.
    URLs are written without their queries, which may be keys. If OUTPUT is -, results go to
    standard output as JSON lines, and the job cannot be continued.

    The AccessKey comes from ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET. With
    the extra aliocr[credentials], it can also come from a profile or a role.

    Exit code: 0 all rows were read, but for those of --allow-failed; 1 complete, but some rows
    failed; 2 misuse: nothing was sent or written; 3 not complete: budget spent, key refused, disk
    full, or another job uses OUTPUT; 130, 143 or 129 stopped by Ctrl-C, SIGTERM or SIGHUP. After
    3, fix the cause; after a stop, nothing: the same command continues the job. With --dry-run, 0
    the plan was printed, 1 it could not be printed.
    """
    options = RunOptions(**values)
    job_run = options.prepare()
    if options.dry_run:
        _print_plan(job_run.job, None if options.local else job_run.limits, options.budget)
        return
    source = Path(options.sources[0])
    if not options.quiet and source.is_dir():
        with suppress(OSError):  # the job reports this error
            pictures, skipped = pictures_in(source)
            if pictures and skipped:
                click.echo(f"{shown(str(source))}: {skipped}", err=True)
    sys.exit(job_run.run())


def _print_plan(job: Job, limits: Limits | None, budget: int | None) -> None:
    try:
        plan = job.plan(limits) if limits else job.plan()
    except (ValueError, ImportError) as error:
        raise Misuse(str(error)) from None
    except (JobError, OSError) as error:
        click.echo(f"Error: {plain(str(error))}", err=True)
        sys.exit(3)
    with writing():
        console = plain_console()
        for line in plan_lines(plan, width_of(console), limits, budget):
            console.print(line, soft_wrap=True)
