"""One run of a job: progress, signals, and the exit code."""

from __future__ import annotations

import asyncio
import sys
from contextlib import nullcontext, suppress
from itertools import islice
from pathlib import Path

import attrs
from rich.text import Text

from aliocr.cli.backend import open_backend
from aliocr.cli.console import counted
from aliocr.cli.printer import LOW_RATE
from aliocr.cli.run.allowance import Allowance
from aliocr.cli.run.display import Display
from aliocr.cli.run.local_sources import LocalSources
from aliocr.cli.run.relay import Relay
from aliocr.cli.run.summary_json import SummaryFile, fields_of
from aliocr.cli.run.summary_text import summary_lines
from aliocr.cli.run.wrapping import filled
from aliocr.cli.signals import EXIT_CODE, stop_signals
from aliocr.errors import AuthError
from aliocr.job.errors import JobError
from aliocr.job.job import Job
from aliocr.job.output.read_back import results
from aliocr.job.summary import Summary
from aliocr.limits import Limits
from aliocr.report.originals import is_cut
from aliocr.session import Session

ALL_READ = 0
SOME_FAILED = 1
MISUSE = 2
NOT_COMPLETE = 3

DOUBTFUL = (
    "{} read with low confidence: blurred, or in a script that this machine cannot read; "
    f"see the rows with a rate below {LOW_RATE}"
)

LOOKED_AT = 1_000
"""Maximum number of rows in which the run looks for URLs without their queries."""


@attrs.define
class JobRun:
    """One run of a job: with a session, which is not open yet, or with sources of this machine."""

    job: Job
    output: Path
    session: Session | None
    local: LocalSources | None
    limits: Limits
    quiet: bool = attrs.field(kw_only=True)
    allowed: Allowance = attrs.field(kw_only=True)
    summary_file: SummaryFile | None = attrs.field(kw_only=True)
    relay: Relay | None = attrs.field(kw_only=True)
    input_words: tuple[str, ...] = attrs.field(kw_only=True)
    """The options by which `aliocr report` gets the URLs with their queries."""
    _summary: Summary | None = attrs.field(default=None, init=False)

    def run(self) -> int:
        """Run the job, print its summary, and return the exit code."""
        # On a terminal, the results of `-o -` are progress enough.
        quiet = self.quiet or (self.relay is not None and sys.stdout.isatty())
        display = Display(self.limits if self.session else None, quiet=quiet)
        code, why = NOT_COMPLETE, None
        try:
            code = asyncio.run(self._run(display))
        except (ImportError, ValueError) as error:
            # An error in the input or the output comes before anything is sent, unless one of these
            # files was changed during the run.
            progress = self.job.progress
            if progress is None or not progress.stats.images_sent:
                display.fail(str(error))
                return MISUSE
            why = self._kept(error)
        except (AuthError, OSError) as error:
            why = self._kept(error)
        except JobError as error:  # its message already says what is kept
            why = str(error)
        finally:
            if self.relay:
                self.relay.close()
        if why is not None:
            display.fail(why)
        return self._told(display, code, why)

    async def _run(self, display: Display) -> int:
        stop = asyncio.Event()
        frames = self.local.frames if self.local else None
        with (
            stop_signals(stop.set) as came,
            display.watching(lambda: self.job.progress, stop),
            self.relay.copying(stop) if self.relay else nullcontext(),
        ):
            async with open_backend(self.session, frames) as backend:
                if self.local:
                    self.local.backend = backend
                summary = await self.job.run(backend.session, stop=stop)
        self._summary = summary = attrs.evolve(summary, output=self.output)
        if self.relay and self.relay.error and not isinstance(self.relay.error, BrokenPipeError):
            why = self.relay.error.strerror
            raise JobError(f"cannot write to standard output: {why}; run the same command again")
        code = NOT_COMPLETE
        if summary.ended == "complete":
            failed = sum(each.rows for each in summary.failed)
            code = ALL_READ if self.allowed.permits(failed, summary.rows) else SOME_FAILED
        elif summary.ended == "stopped" and came:
            code = EXIT_CODE + came[0]
        if code != ALL_READ or not self.quiet:
            more = self.input_words if self._has_short_urls() else ()
            local = self.local is not None
            display.say(*summary_lines(summary, display.width, local=local, report_options=more))
        if self.local and (doubtful := self.local.doubtful):
            display.say(Text(filled(DOUBTFUL.format(counted(doubtful, "picture")), display.width)))
        return code

    def _has_short_urls(self) -> bool:
        """Return True if one of the first rows has a URL without its query, which may be a key."""
        if self.relay:
            return False
        with suppress(OSError, ValueError, ImportError):
            return any(is_cut(each.source) for each in islice(results(self.output), LOOKED_AT))
        return False

    def _told(self, display: Display, code: int, why: str | None) -> int:
        """Write the summary for programs; return the exit code, which is another if this fails."""
        if self.summary_file is None:
            return code
        fields = fields_of(self.output, self._summary, self.job.progress, code, why)
        try:
            self.summary_file.write(fields)
        except OSError as error:
            display.fail(f"cannot write {self.summary_file.name}: {error.strerror or error}")
            return NOT_COMPLETE
        return code

    def _kept(self, why: Exception) -> str:
        """Return an error message with the number of rows that are kept, and what to do."""
        if self.relay:
            return str(why)
        rows = self.job.progress.rows if self.job.progress else 0
        kept = f"{counted(rows, 'row')} kept in {self.output}" if rows else "nothing was read yet"
        return f"{why}; {kept}; fix this problem and run the same command again"
