"""The summary of a job for programs: one JSON object, in a file or on standard output."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import attrs

from aliocr.atomic_file import Draft
from aliocr.job.input.opening import STANDARD_INPUT
from aliocr.job.summary import Progress, Summary

START = b'{"ended": '
"""The first bytes of each summary. A file that begins otherwise is not overwritten."""


@attrs.frozen
class SummaryFile:
    """The place of the summary: the name of a file, or `-` for standard output."""

    name: str

    def check(self, *others: str) -> None:
        """Refuse a name of which the file is not a summary, before the job begins.

        Args:
            others: Names of files that the job reads or writes.

        Raises:
            ValueError: The file cannot be written, or has something else in it.
        """
        if self.name == STANDARD_INPUT:
            return
        path = Path(self.name)
        if path.resolve() in {Path(other).resolve() for other in others}:
            raise ValueError(f"{path} is a file of the job: give another file for the summary")
        if path.is_dir() or not path.parent.is_dir():
            raise ValueError(f"{path} cannot be a file: give another file for the summary")
        try:
            with path.open("rb") as file:
                start = file.read(len(START))
        except FileNotFoundError:
            return
        except OSError as error:
            raise ValueError(f"cannot read {path}: {error.strerror or error}") from None
        if start not in (b"", START):
            raise ValueError(f"{path} is no summary of a job: give another file for the summary")

    def write(self, fields: dict[str, Any]) -> None:
        """Write the summary; a file is replaced in one step.

        Raises:
            OSError: It cannot be written.
        """
        record = json.dumps(fields).encode() + b"\n"
        if self.name == STANDARD_INPUT:
            sys.stdout.buffer.write(record)
            sys.stdout.buffer.flush()
            return
        with Draft(Path(self.name)) as draft:
            draft.file.write(record)
            draft.place()


def fields_of(
    output: str | os.PathLike[str],
    summary: Summary | None,
    progress: Progress | None,
    code: int,
    error: str | None,
) -> dict[str, Any]:
    """Return the fields of the summary, for a run that came to its end or to an error.

    Without a `summary`, the numbers are those of the last progress; without both, they are 0.
    """
    failures: dict[str, int] = {}
    if summary is not None:
        failures = {each.reason: each.rows for each in summary.failed}
    elif progress is not None:
        failures = {**progress.failed}
    last = summary or progress
    return {
        "ended": summary.ended if summary else "error",
        "exit_code": code,
        "error": error,
        "output": os.fspath(output),
        "total": progress.total if progress and progress.exact else None,
        "rows": last.rows if last else 0,
        "read": last.read if last else 0,
        "failed": sum(failures.values()),
        "failures": failures,
        "charged": last.charged if last else 0,
        "charged_at_most": last.charged_at_most if last else 0,
        "seconds": round(last.seconds, 3) if last else 0.0,
    }
