"""A run of a job from the command line: from the first signal it heeds to its exit code."""

from __future__ import annotations

import asyncio
from pathlib import Path

import attrs

from aliocr.cli.backend import open_service
from aliocr.cli.humanize import counted
from aliocr.cli.run.display import Display
from aliocr.cli.run.local_sources import AtHand
from aliocr.cli.run.summary import summary_lines
from aliocr.cli.stopping import StopSignals
from aliocr.errors import AuthError
from aliocr.job.errors import JobError
from aliocr.job.job import Job
from aliocr.job.summary import Summary
from aliocr.limits import Limits
from aliocr.session import Session

ALL_READ = 0
SOME_FAILED = 1
MISUSE = 2
NOT_COMPLETE = 3
SIGNAL = 128
"""Exit codes; that of a signal has its number added, as shells do."""


@attrs.define
class JobRun:
    """One run.

    Args:
        job: What is to be done.
        output: The file of its results.
        remote: The session to read with, not yet open; None to read on this machine.
        at_hand: What is read there; None otherwise.
        limits: What the account allows.
        quiet: Say nothing unless something is wrong.
    """

    job: Job
    output: Path
    remote: Session | None
    at_hand: AtHand | None
    limits: Limits
    quiet: bool = attrs.field(kw_only=True)

    def run(self) -> int:
        """Do it, say what came of it, and give the exit code."""
        display = Display(self.limits if self.remote else None, quiet=self.quiet)
        try:
            return asyncio.run(self._run(display))
        except (ImportError, ValueError) as error:
            # Of the input or the output, before anything was sent unless they change meanwhile.
            if not self._sent:
                display.fail(str(error))
                return MISUSE
            display.fail(self._kept(error))
        except (AuthError, OSError) as error:
            display.fail(self._kept(error))
        except JobError as error:  # which says itself what is kept
            display.fail(str(error))
        return NOT_COMPLETE

    async def _run(self, display: Display) -> int:
        asked = self.at_hand.asked if self.at_hand else None
        with StopSignals() as signals, display.watching(lambda: self.job.progress, signals.asked):
            async with open_service(self.remote, asked) as service:
                if self.at_hand:
                    self.at_hand.service = service
                summary = await self.job.run(service.session, stop=signals.asked)
        code = _code(summary, signals.number)
        if code != ALL_READ or not self.quiet:
            at_hand = self.at_hand is not None
            display.say(*summary_lines(summary, display.width, at_hand=at_hand))
        return code

    @property
    def _sent(self) -> bool:
        progress = self.job.progress
        return progress is not None and progress.stats.images_sent > 0

    def _kept(self, why: Exception) -> str:
        """What is wrong, what there is nevertheless, and what to do."""
        rows = self.job.progress.rows if self.job.progress else 0
        kept = f"{counted(rows, 'row')} kept in {self.output}" if rows else "nothing was read yet"
        return f"{why}; {kept}: mend that and run the same command again"


def _code(summary: Summary, number: int | None) -> int:
    match summary.ended:
        case "complete":
            return SOME_FAILED if summary.failed else ALL_READ
        case "stopped":
            return SIGNAL + number if number else NOT_COMPLETE
        case "budget":
            return NOT_COMPLETE
