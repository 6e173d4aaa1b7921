"""Errors of a job; errors of the session are in `aliocr.errors`."""

from __future__ import annotations

# Names of an option, for error messages: users of the command line and of the library read them.
BY_ALLOW_BAD = "(--allow-bad, or allow_bad=True of a Job)"
BY_COLUMN = "(--column, or column= of a Job)"
BY_FORMAT = "(--format of aliocr run, or input_format= of a Job)"
BY_OUTPUT_FORMAT = "(--output-format, or output_format= of a Job)"


class InputError(ValueError):
    """The input cannot be read, or has changed since the job began; the message gives a remedy."""


class JobError(Exception):
    """The job cannot go on, for example because the disk is full or the output is in use.

    All written results are kept. The message is one line, and says what to do.
    """
