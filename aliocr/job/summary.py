"""Progress and summary of a job, in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import attrs

from aliocr.errors import api_error
from aliocr.job.advice import advice
from aliocr.stats import Stats

PASSING = {"OverloadError", "ResponseError", "ScanTimeoutError", "ThrottledError", "TransportError"}
"""Kinds of error without a code that a later run may not meet."""


@attrs.frozen(kw_only=True)
class Progress:
    """The progress of a job at this moment.

    Args:
        read: Rows whose image was read, in all runs.
        failed: Rows that failed, in all runs, by the service's code or else the error's name.
        rows: Rows of the input that have their result in the output, in all runs.
        total: Rows of the input; None if not known yet.
        exact: Whether `total` is counted, and not estimated from the part of the input read so far.
        charged_at_most: Images charged, or maybe charged, in all runs.
        budget: Images that may be charged, in all runs; None for no limit.
        seconds: Since this run began.
        stats: The session's work for this run.
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
    """Rows that failed in one way.

    Args:
        kind: The name of the error's class; `"BadRow"` for rows that name no image.
        code: The service's code, if it gave one.
        rows: How many there are.
    """

    kind: str
    code: int | str | None
    rows: int

    @property
    def reason(self) -> str:
        """The code, or else the kind: the words that `Retry` and `--kind` take."""
        return self.kind if self.code is None else str(self.code)

    @property
    def advice(self) -> str:
        """Advice on these rows; may be empty."""
        return advice(self.kind, self.code)

    @property
    def passing(self) -> bool:
        """Another try may succeed though nothing was mended."""
        if self.code is None:
            return self.kind in PASSING
        return api_error(self.code, "").transient


@attrs.frozen(kw_only=True)
class Summary:
    """The result of a run, in numbers.

    Args:
        read: Rows whose image was read, in all runs.
        failed: Rows that failed, in all runs, the commonest way first.
        rows: Rows of the input that have their result in the output, in all runs.
        charged: Images charged, in all runs.
        charged_at_most: Images charged, or maybe charged, in all runs: images that were sent and
            not answered, too.
        duplicates: Rows that share the image of an earlier one, which was read once.
        ended: `"complete"` if each row of the input has its result in the output, `"stopped"` if
            the run was told to stop, `"budget"` if the rest is more than may be charged.
        output: The file of the results.
        seconds: The time this run took.
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
