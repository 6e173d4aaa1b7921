"""One run of a job: progress, signals, and the exit code."""

from __future__ import annotations

import asyncio
from pathlib import Path

import attrs
from rich.text import Text

from aliocr.cli.backend import open_backend
from aliocr.cli.console import counted
from aliocr.cli.printer import LOW_RATE
from aliocr.cli.run.display import Display
from aliocr.cli.run.local_sources import LocalSources
from aliocr.cli.run.summary_text import summary_lines
from aliocr.cli.run.wrapping import filled
from aliocr.cli.signals import EXIT_CODE, stop_signals
from aliocr.errors import AuthError
from aliocr.job.errors import JobError
from aliocr.job.job import Job
from aliocr.limits import Limits
from aliocr.session import Session

ALL_READ = 0
SOME_FAILED = 1
MISUSE = 2
NOT_COMPLETE = 3

DOUBTFUL = (
    "{} read with low confidence: blurred, or in a script that this machine cannot read; "
    f"see the rows with a rate below {LOW_RATE}"
)


@attrs.define
class JobRun:
    """One run of a job: with a session, which is not open yet, or with sources of this machine."""

    job: Job
    output: Path
    session: Session | None
    local: LocalSources | None
    limits: Limits
    quiet: bool = attrs.field(kw_only=True)

    def run(self) -> int:
        """Run the job, print its summary, and return the exit code."""
        display = Display(self.limits if self.session else None, quiet=self.quiet)
        try:
            return asyncio.run(self._run(display))
        except (ImportError, ValueError) as error:
            # An error in the input or the output comes before anything is sent, unless one of these
            # files was changed during the run.
            progress = self.job.progress
            if progress is None or not progress.stats.images_sent:
                display.fail(str(error))
                return MISUSE
            display.fail(self._kept(error))
        except (AuthError, OSError) as error:
            display.fail(self._kept(error))
        except JobError as error:  # its message already says what is kept
            display.fail(str(error))
        return NOT_COMPLETE

    async def _run(self, display: Display) -> int:
        stop = asyncio.Event()
        frames = self.local.frames if self.local else None
        with stop_signals(stop.set) as came, display.watching(lambda: self.job.progress, stop):
            async with open_backend(self.session, frames) as backend:
                if self.local:
                    self.local.backend = backend
                summary = await self.job.run(backend.session, stop=stop)
        code = NOT_COMPLETE
        if summary.ended == "complete":
            code = SOME_FAILED if summary.failed else ALL_READ
        elif summary.ended == "stopped" and came:
            code = EXIT_CODE + came[0]
        if code != ALL_READ or not self.quiet:
            local = self.local is not None
            display.say(*summary_lines(summary, display.width, local=local))
        if self.local and (doubtful := self.local.doubtful):
            display.say(Text(filled(DOUBTFUL.format(counted(doubtful, "picture")), display.width)))
        return code

    def _kept(self, why: Exception) -> str:
        """Return an error message with the number of rows that are kept, and what to do."""
        rows = self.job.progress.rows if self.job.progress else 0
        kept = f"{counted(rows, 'row')} kept in {self.output}" if rows else "nothing was read yet"
        return f"{why}; {kept}; fix this problem and run the same command again"
