"""Progress and summary of a job, as numbers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import attrs

from aliocr.errors import api_error
from aliocr.job.advice import advice
from aliocr.stats import Stats

PASSING = {"OverloadError", "ResponseError", "ScanTimeoutError", "ThrottledError", "TransportError"}
"""Kinds of errors without a code that may not come again in a later run."""


@attrs.frozen(kw_only=True)
class Progress:
    """The progress of a job at one moment.

    Args:
        read: Number of rows whose image was read, in all runs.
        failed: Number of rows that failed, in all runs, by the service's code; by the error's name
            if there is no code.
        rows: Number of rows that have a result, in all runs.
        total: Number of rows of the input; None if not known yet.
        exact: True if `total` is counted, False if it is estimated from the part of the input that
            has been read.
        charged_at_most: Number of images that were charged or may have been charged, in all runs.
        budget: Maximum number of charged images, in all runs; None for no limit.
        seconds: Duration of this run so far, in seconds.
        stats: The statistics of the session.
    """

    read: int
    failed: Mapping[str, int]
    rows: int
    total: int | None
    exact: bool
    charged_at_most: int
    budget: int | None
    seconds: float
    stats: Stats


@attrs.frozen
class Failed:
    """The rows that failed with one kind and code.

    Args:
        kind: The name of the error's class; `"BadRow"` for rows that name no image.
        code: The service's code; None if the service gave no code.
        rows: Number of these rows.
    """

    kind: str
    code: int | str | None
    rows: int

    @property
    def reason(self) -> str:
        """The code, or the kind if there is no code; `Retry` and `--kind` take this word."""
        return self.kind if self.code is None else str(self.code)

    @property
    def advice(self) -> str:
        """Advice on these rows; may be empty."""
        return advice(self.kind, self.code)

    @property
    def passing(self) -> bool:
        """True if another try may succeed although nothing was fixed."""
        if self.code is None:
            return self.kind in PASSING
        return api_error(self.code, "").transient


@attrs.frozen(kw_only=True)
class Summary:
    """The result of a run, as numbers.

    Args:
        read: Number of rows whose image was read, in all runs.
        failed: Rows that failed, in all runs, the most frequent failure first.
        rows: Number of rows that have a result in the output, in all runs.
        charged: Number of images that were charged, in all runs.
        charged_at_most: Number of images that were charged or may have been charged, in all runs,
            including images that were sent and not answered.
        duplicates: Number of rows that have the image of an earlier row and were not read again.
        ended: `"complete"` if each row of the input has a result in the output, `"stopped"` if the
            run was told to stop, `"budget"` if the budget does not allow the remaining images.
        output: The file of the results.
        seconds: Duration of this run, in seconds.
    """

    read: int
    failed: tuple[Failed, ...]
    rows: int
    charged: int
    charged_at_most: int
    duplicates: int
    ended: Literal["complete", "stopped", "budget"]
    output: Path
    seconds: float
