"""The options of `aliocr run`, which make the job and its run."""

from __future__ import annotations

import os
import stat
from glob import has_magic
from pathlib import Path
from typing import Any

import attrs
import click

from aliocr.checks import is_url
from aliocr.cli.backend import ServiceOptions, refuse_service_options
from aliocr.cli.console import shown
from aliocr.cli.exits import Misuse
from aliocr.cli.run.allowance import Allowance
from aliocr.cli.run.local_sources import LocalSources
from aliocr.cli.run.relay import Relay
from aliocr.cli.run.runner import JobRun
from aliocr.cli.run.summary_json import SummaryFile
from aliocr.cli.sources import check_standard_input
from aliocr.job.input.opening import STANDARD_INPUT, has_lists
from aliocr.job.job import Job, Retry
from aliocr.job.sources import Urls
from aliocr.limits import REPEAT_BUDGET, Limits

STANDARD_OUTPUT = "-"

BUDGET_TO_REPEATS = 10
"""Divisor of the budget: in addition to the budget, one tenth of it may be charged for images that
are sent again. When this tenth is spent, an image that must be sent again fails; another run can
retry it."""


@attrs.frozen(kw_only=True)
class RunOptions:
    """The values of the options, named as on the command line."""

    sources: tuple[str, ...]
    output: str
    column: str | None
    id_column: str | None
    input_format: Any  # click allows the names of the job's formats only
    output_format: Any
    local: bool
    allow_bad: bool
    dry_run: bool
    budget: int | None
    retry_failed: bool
    kinds: tuple[str, ...]
    whole_urls: bool
    requests_per_second: float
    images_per_second: float | None
    service: ServiceOptions
    allow_failed: Allowance
    summary_json: str | None
    quiet: bool

    def prepare(self) -> JobRun:
        """Return a run with these options; it is not started yet. A dry run has no session."""
        if self.kinds and not self.retry_failed:
            raise click.UsageError("--kind must be used together with --retry-failed")
        if self.local:
            refuse_service_options()
        self._check_files()
        try:
            limits = Limits(
                requests_per_second=self.requests_per_second,
                images_per_second=self.images_per_second,
            )
        except ValueError as error:
            raise click.UsageError(str(error)) from None
        session = None
        if not self.local and not self.dry_run:
            repeats = REPEAT_BUDGET
            if self.budget is not None:
                # A repeated image is charged in addition to the budget, and so are all its frames.
                frames = (self.service.frames and self.service.frames.max_frames) or 1
                repeats = min(repeats, self.budget // BUDGET_TO_REPEATS // frames)
            session = self.service.session(limits=limits, repeat_budget=repeats)
        local = LocalSources(self.service.frames) if self.local else None
        relay = Relay(self.output_format or "jsonl") if self.output == STANDARD_OUTPUT else None
        return JobRun(
            self._job(local, relay.path if relay else self.output),
            Path(self.output),
            session,
            local,
            limits,
            quiet=self.quiet,
            allowed=self.allow_failed,
            summary_file=None if self.summary_json is None else SummaryFile(self.summary_json),
            relay=relay,
            input_words=self._input_words(),
        )

    def _input_words(self) -> tuple[str, ...]:
        listed = ("LIST",) if STANDARD_INPUT in self.sources else self.sources
        column = () if self.column is None else ("--column", self.column)
        return *(word for source in listed for word in ("--input", source)), *column

    def _check_files(self) -> None:
        """Refuse wrong files now. Without this check, an error would come only in the run."""
        if self.output == STANDARD_OUTPUT:
            self._check_standard_output()
        if self.summary_json is not None:
            if self.dry_run:
                raise click.UsageError("--summary-json needs a run, and --dry-run does not run")
            try:
                SummaryFile(self.summary_json).check(
                    *self.sources, self.output, f"{self.output}.journal"
                )
            except ValueError as error:
                raise Misuse(str(error)) from None
        if self.sources == (STANDARD_INPUT,):
            check_standard_input()
            return
        for source in self.sources:
            self._check_source(source)

    def _check_source(self, source: str) -> None:
        if is_url(source):
            raise click.UsageError("INPUT is a file of URLs; to read one URL, use aliocr scan")
        if source == STANDARD_INPUT:
            raise click.UsageError("- (standard input) cannot be one of several inputs")
        if has_magic(source) and not os.path.lexists(source):
            return  # the job finds the files of a pattern
        try:
            is_folder = stat.S_ISDIR(Path(source).stat().st_mode)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise Misuse(f"cannot read {shown(source)}: {why.lower()}") from None
        if is_folder and not self.local and not has_lists(Path(source)):
            raise click.UsageError(
                f"{shown(source)} has no lists: --local reads a folder of pictures, and a pattern "
                f"such as '{shown(source)}/*.txt' its text files"
            )

    def _check_standard_output(self) -> None:
        """Refuse options that need a file."""
        if self.retry_failed:
            raise click.UsageError("--retry-failed needs a file of results, and -o - has none")
        if self.output_format == "parquet":
            raise click.UsageError("Parquet cannot be written to standard output; give a file")
        if self.summary_json == STANDARD_OUTPUT:
            raise click.UsageError("standard output has the results; give a file for the summary")

    def _job(self, local: LocalSources | None, output: str | Path) -> Job:
        frames = self.service.frames
        try:
            return Job(
                self.sources,
                output,
                sources=local or (Urls(frames.interval, frames.max_frames) if frames else Urls()),
                retry=Retry(frozenset(self.kinds)) if self.retry_failed else None,
                column=self.column,
                id_column=self.id_column,
                input_format=self.input_format,
                output_format=self.output_format,
                budget=self.budget,
                whole_urls=self.whole_urls,
                allow_bad=self.allow_bad,
            )
        except (ImportError, ValueError) as error:
            raise Misuse(str(error)) from None
