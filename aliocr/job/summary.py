"""How far a job has come, and what came of it, in numbers."""

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
    """How far a job has come, at the moment it was asked.

    Args:
        read: Rows whose image was read, in all runs.
        failed: Rows that failed, in all runs, by the service's code or else the error's name.
        rows: Rows that have their row in the output, in all runs.
        total: Rows of the input; None if nobody knows yet.
        exact: Whether `total` is counted, and not estimated from how much of the input is read.
        spent: Images charged, or maybe charged, in all runs.
        budget: Images that may be charged, in all runs; None for no limit.
        seconds: Since this run began.
        stats: What the session has done for this run.
    """

    read: int
    failed: Mapping[str, int]
    rows: int
    total: int | None
    exact: bool
    spent: int
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
        """The code, or else the kind: what `Retry` and `--kind` take."""
        return self.kind if self.code is None else str(self.code)

    @property
    def advice(self) -> str:
        """What to do about them; may be empty."""
        return advice(self.kind, self.code)

    @property
    def passing(self) -> bool:
        """Another try may succeed though nothing was mended."""
        if self.code is None:
            return self.kind in PASSING
        return api_error(self.code, "").transient


@attrs.frozen(kw_only=True)
class Summary:
    """What came of a run.

    Args:
        read: Rows whose image was read, in all runs.
        failed: Rows that failed, in all runs, the commonest way first.
        rows: Rows that have their row in the output, in all runs.
        charged: Images charged, in all runs.
        spent: Images charged, or maybe charged, in all runs: what was sent and not answered, too.
        duplicates: Rows that share the image of an earlier one, which was read once.
        ended: `"complete"` if every row of the input has its row in the output, `"stopped"` if it
            was told to stop, `"budget"` if what is left is more than may be charged.
        output: The file of the results.
        seconds: What this run took.
    """

    read: int
    failed: tuple[Failed, ...]
    rows: int
    charged: int
    spent: int
    duplicates: int
    ended: Literal["complete", "stopped", "budget"]
    output: Path
    seconds: float
