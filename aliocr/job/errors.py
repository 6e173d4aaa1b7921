"""Errors of a job, beside the errors of the session."""

from __future__ import annotations

# Advice in messages is read at a command line as well as in a program.
BY_COLUMN = "(--column, or column= of a Job)"
BY_FORMAT = "(--format of aliocr run, or input_format= of a Job)"
BY_OUTPUT_FORMAT = "(--output-format, or output_format= of a Job)"


class InputError(ValueError):
    """The input cannot be read, or has changed since the job began; the message says what to do."""


class JobError(Exception):
    """The job cannot go on: disk full, permission denied, another job at work on the output.

    Everything written is kept. The message is one line, and says what to do.
    """
