"""What a job raises besides the errors of the session."""

from __future__ import annotations

# How to do what a message advises, which is read at a command line as well as in a program.
BY_COLUMN = "(--column, or column= of a Job)"
BY_FORMAT = "(--format of aliocr run, or input_format= of a Job)"
BY_OUTPUT_FORMAT = "(--output-format, or output_format= of a Job)"


class InputError(ValueError):
    """The input cannot be read as it is, or has changed since the job began; says what to do."""


class JobError(Exception):
    """The job cannot go on here: no room, no leave to write, another job at work on the output.

    Whatever was written is kept. One line, which says what to do.
    """
