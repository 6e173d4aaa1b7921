"""Errors of a job; errors of the session are in `aliocr.errors`."""

from __future__ import annotations

import errno

# Names of an option, for error messages: users of the command line and of the library read them.
BY_COLUMN = "(--column, or column= of a Job)"
BY_FORMAT = "(--format of aliocr run, or input_format= of a Job)"
BY_OUTPUT_FORMAT = "(--output-format, or output_format= of a Job)"

_RIGHTS = "give this user the right to write there, or give another output"
_NO_ROOM = "make room there"
_NO_LOCKS = (
    "this drive has no locks: give an output on another drive, or have it mounted with locks"
)
_FAILING = "the drive, or the connection to it, fails"

REMEDIES = {
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.EROFS: "this drive can only be read: give another output",
    errno.ENOSPC: _NO_ROOM,
    errno.EDQUOT: _NO_ROOM,
    errno.ENOLCK: _NO_LOCKS,
    errno.ENOSYS: _NO_LOCKS,
    errno.ENOTSUP: _NO_LOCKS,
    errno.EOPNOTSUPP: _NO_LOCKS,
    errno.EIO: _FAILING,
    errno.ESTALE: _FAILING,
}
"""Remedies for errors of the system when a job writes its files."""


class InputError(ValueError):
    """The input cannot be read, or has changed since the job began; the message gives a remedy."""


class JobError(Exception):
    """The job cannot go on, for example because the disk is full or the output is in use.

    All written results are kept. The message is one line, and says what to do.
    """
