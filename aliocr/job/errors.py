"""What a job raises besides the errors of the session."""

from __future__ import annotations

__all__ = ["InputError", "JobError"]


class InputError(ValueError):
    """The input cannot be read as it is, or has changed since the job began; says what to do."""


class JobError(Exception):
    """The job cannot go on here: no room, no leave to write, another job at work on the output.

    Whatever was written is kept. One line, which says what to do.
    """
