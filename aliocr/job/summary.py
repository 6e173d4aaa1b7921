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
        failed: Number of rows that failed, in all runs, for each code of the service; for failures
            without a code, the key is the name of the error's class.
        rows: Number of rows that have a result, in all runs.
        total: Number of rows of the input; None if not known yet.
        exact: True if `total` is counted, False if `total` is estimated from the part of the input
            that has been read.
        charged: Number of images that were charged, in all runs.
        charged_at_most: Number of images that were charged or may have been charged, in all runs.
        budget: Maximum number of charged images, in all runs; None for no limit.
        seconds: Duration of this run so far, in seconds.
        stats: The statistics of the session.
        taken: The columns of images and ids; None if there are none, or until the input is open.
    """

    read: int
    failed: Mapping[str, int]
    rows: int
    total: int | None
    exact: bool
    charged: int
    charged_at_most: int
    budget: int | None
    seconds: float
    stats: Stats
    taken: str | None = None


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
        """True if another try may succeed even if nothing is fixed before."""
        if self.code is None:
            return self.kind in PASSING
        return api_error(self.code, "").transient


@attrs.frozen(kw_only=True)
class Summary:
    """The result of a run, as numbers.

    Args:
        read: Number of rows whose image was read, in all runs.
        failed: Rows that failed, in all runs: one item for each failure, the most frequent first.
        rows: Number of rows that have a result in the output, in all runs.
        charged: Number of images that were charged, in all runs.
        charged_at_most: Number of images that were charged or may have been charged, in all runs,
            including images that were sent and have no answer.
        duplicates: Number of rows that got a copy of the result of a row with the same image, in
            all runs.
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
