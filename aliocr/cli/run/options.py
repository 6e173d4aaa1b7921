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
from aliocr.cli.run.local_sources import LocalSources
from aliocr.cli.run.runner import JobRun
from aliocr.cli.sources import check_standard_input
from aliocr.job.input.opening import STANDARD_INPUT, has_lists
from aliocr.job.job import Job, Retry
from aliocr.job.sources import Urls
from aliocr.limits import REPEAT_BUDGET, Limits

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
    dry_run: bool
    budget: int | None
    retry_failed: bool
    kinds: tuple[str, ...]
    whole_urls: bool
    requests_per_second: float
    images_per_second: float | None
    service: ServiceOptions
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
        job = self._job(local)
        return JobRun(job, Path(self.output), session, local, limits, quiet=self.quiet)

    def _check_files(self) -> None:
        """Refuse wrong files now. Without this check, an error would come only in the run."""
        if self.output == STANDARD_INPUT:
            raise click.UsageError(
                "the output of a job must be a file, so that the job can be continued; "
                "aliocr scan --json writes to standard output"
            )
        if self.sources == (STANDARD_INPUT,):
            check_standard_input()
            return
        for source in self.sources:
            if is_url(source):
                raise click.UsageError("INPUT is a file of URLs; to read one URL, use aliocr scan")
            if has_magic(source) and not os.path.lexists(source):
                continue  # the job finds the files of a pattern
            try:
                is_folder = stat.S_ISDIR(Path(source).stat().st_mode)
            except (OSError, ValueError) as error:
                why = getattr(error, "strerror", None) or str(error)
                raise Misuse(f"cannot read {shown(source)}: {why.lower()}") from None
            if is_folder and not self.local and not has_lists(Path(source)):
                raise click.UsageError(
                    "the service reads URLs only; --local reads a folder of pictures"
                )

    def _job(self, local: LocalSources | None) -> Job:
        frames = self.service.frames
        try:
            return Job(
                self.sources,
                self.output,
                sources=local or (Urls(frames.interval, frames.max_frames) if frames else Urls()),
                retry=Retry(frozenset(self.kinds)) if self.retry_failed else None,
                column=self.column,
                id_column=self.id_column,
                input_format=self.input_format,
                output_format=self.output_format,
                budget=self.budget,
                whole_urls=self.whole_urls,
            )
        except (ImportError, ValueError) as error:
            raise Misuse(str(error)) from None
