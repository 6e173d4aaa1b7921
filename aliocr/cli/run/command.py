"""`aliocr run`."""

from __future__ import annotations

import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, TypedDict, Unpack

import click

from aliocr.checks import is_url
from aliocr.cli.backend import Remote, asked_frames, check_local, remote_session, service_options
from aliocr.cli.misuse import Misuse
from aliocr.cli.output import plain, shown, writing
from aliocr.cli.run.local_sources import AtHand
from aliocr.cli.run.plan import plan_lines
from aliocr.cli.run.runner import JobRun
from aliocr.cli.sources import check_standard_input
from aliocr.cli.wrapping import plain_console, width_of
from aliocr.job.errors import JobError
from aliocr.job.input.folder import OTHERS, pictures_in
from aliocr.job.input.opening import STANDARD_INPUT
from aliocr.job.job import Job, Retry
from aliocr.job.sources import Urls
from aliocr.limits import LEAST_RATE, REQUESTS_PER_SECOND, Limits
from aliocr.session import REPEAT_BUDGET

BUDGET_TO_REPEATS = 10
"""A tenth of what a person wants to pay may be paid twice; what is not repeated then has failed,
and can be retried."""

RATE = click.FloatRange(min=LEAST_RATE)


class Named(TypedDict):
    """What goes to the job as it comes."""

    column: str | None
    id_column: str | None
    input_format: Any  # the words click lets through are the job's
    output_format: Any
    budget: int | None
    whole_urls: bool


class Rates(TypedDict):
    """The account's limits; see `Limits`."""

    requests_per_second: float
    images_per_second: float | None


@click.command(no_args_is_help=True)
@click.argument("source", metavar="INPUT")
@click.option("-o", "--output", required=True, metavar="OUTPUT", help="File of the results.")
@click.option("--column", metavar="NAME", help="Column of the images; found by itself if alone.")
@click.option("--id", "id_column", metavar="NAME", help="Column of ids to carry through.")
@click.option(
    "--format",
    "input_format",
    type=click.Choice(["text", "csv", "jsonl", "parquet"]),
    help="Of the input, if its name does not say.",
)
@click.option(
    "--output-format",
    type=click.Choice(["jsonl", "csv", "parquet"]),
    help="Of the output, if its name does not say.",
)
@click.option("--local", is_flag=True, help="Read on this machine: files too, and no account.")
@click.option("--dry-run", is_flag=True, help="Say what would be done; send and write nothing.")
@click.option(
    "--budget",
    type=click.IntRange(min=1),
    metavar="IMAGES",
    help="Stop before more images are charged, in all runs; repeats add a tenth at most.",
)
@click.option("--retry-failed", is_flag=True, help="Try the rows that failed once more.")
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    help="Only those that failed so: a code such as 592, or DownloadError. May be repeated.",
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
    show_default="learnt from what is refused",
    help="The account's limit.",
)
@service_options
@click.option("--quiet", is_flag=True, help="Say nothing unless something is wrong.")
def run(
    source: str,
    *,
    output: str,
    local: bool,
    dry_run: bool,
    retry_failed: bool,
    kinds: tuple[str, ...],
    interval: int | None,
    max_frames: int | None,
    endpoint: str | None,
    region: str,
    biz_type: str | None,
    requests_per_second: float,
    images_per_second: float | None,
    quiet: bool,
    **named: Unpack[Named],
) -> None:
    """Read a whole list of pictures, however long, into a file.

    INPUT is a file of URLs: text with one a line, CSV, JSON lines or Parquet, or - for standard
    input. With --local it may hold paths of pictures, which start at the current folder if they
    are relative, or be a folder of them.

    Results are written as they come. The job can be stopped in any way, and the same command again
    goes on where it was, as OUTPUT.journal says. Ctrl-C or SIGTERM has it finish what is under
    way; a second one ends it at once. URLs are written without their queries, which may be keys.

    The AccessKey comes from ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET.

    \b
    Exit code:
      0    all rows were read; of --dry-run, whatever it finds
      1    the job is complete, but some rows failed; of --dry-run, its
           answer could not be written
      2    misuse: nothing was sent or written
      3    not complete: budget spent, key refused, disk full, another job
           at work on OUTPUT; mend that and run the same command again
      130  stopped by Ctrl-C, and 143 by SIGTERM: run it again to go on
    """  # noqa: D301 - the \b keeps click from filling lines
    asked = asked_frames(interval, max_frames)
    if kinds and not retry_failed:
        raise click.UsageError("--kind goes with --retry-failed")
    if local:
        check_local()
    _check_files(source, output, folders=local)
    limits = _limits(requests_per_second=requests_per_second, images_per_second=images_per_second)
    remote = None
    if not local and not dry_run:
        key = Remote(endpoint=endpoint, region=region, biz_type=biz_type)
        repeats = _repeats(named["budget"], max_frames or 1)
        remote = remote_session(limits=limits, repeat_budget=repeats, **key)
    at_hand = AtHand(asked) if local else None
    sources = at_hand or (Urls(asked.interval, asked.max_frames) if asked else Urls())
    retry = Retry(frozenset(kinds)) if retry_failed else None
    job = _job(source, output, sources=sources, retry=retry, **named)
    if dry_run:
        _tell(job, None if local else limits, named["budget"])
        return
    if Path(source).is_dir() and not quiet:
        _tell_skipped(Path(source))
    sys.exit(JobRun(job, Path(output), remote, at_hand, limits, quiet=quiet).run())


def _check_files(source: str, output: str, *, folders: bool) -> None:
    """What would only come out once a job has begun."""
    if output == STANDARD_INPUT:
        raise click.UsageError(
            "a job needs a file that it can go on with; aliocr scan --json writes to standard "
            "output"
        )
    if source == STANDARD_INPUT:
        check_standard_input()
        return
    if is_url(source):
        raise click.UsageError("INPUT is a file of URLs; for a URL there is aliocr scan")
    try:
        is_folder = stat.S_ISDIR(Path(source).stat().st_mode)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise Misuse(f"cannot read {shown(source)}: {why.lower()}") from None
    if is_folder and not folders:
        raise click.UsageError("the service reads URLs only; --local reads a folder of pictures")


def _tell_skipped(folder: Path) -> None:
    """What a folder has that will not be read. What is wrong with it the job says."""
    with suppress(OSError):
        _, skipped = pictures_in(folder)
        if skipped:
            click.echo(f"{shown(str(folder))}: {skipped:,} skipped: {OTHERS}", err=True)


def _limits(**rates: Unpack[Rates]) -> Limits:
    try:
        return Limits(**rates)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _repeats(budget: int | None, frames: int) -> int:
    """Images that may be charged twice: of what is under way, so beyond a budget that is spent."""
    if budget is None:
        return REPEAT_BUDGET
    return min(REPEAT_BUDGET, budget // BUDGET_TO_REPEATS // frames)


def _job(source: str, output: str, **options: Any) -> Job:
    """The job, where whatever is wrong with it is a slip."""
    try:
        return Job(source, output, **options)
    except (ImportError, ValueError) as error:
        raise Misuse(str(error)) from None


def _tell(job: Job, limits: Limits | None, budget: int | None) -> None:
    """What a run would do."""
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
