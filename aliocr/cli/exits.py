"""Ends of a command before its work is done: one line on standard error, and an exit code.

The line is the message of a `click.ClickException`. Any function of a command may raise one, and no
caller handles it, so docstrings do not list it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import click
from click.core import ParameterSource

from aliocr.cli.console import discard
from aliocr.cli.signals import interruptible
from aliocr.errors import AuthError


class Misuse(click.ClickException):
    """Exit code 2, as of click's UsageError, but without a hint at --help."""

    exit_code = 2


def leave_out(options: Iterable[str], why: str, *, variables: bool = False) -> None:
    """Refuse options that would have no effect, even with their default values.

    Args:
        options: The names of their parameters; a command need not have all of them.
        why: The beginning of the message.
        variables: Refuse values of environment variables, too, which may be for other commands.
    """
    refused = {ParameterSource.COMMANDLINE}
    if variables:
        refused.add(ParameterSource.ENVIRONMENT)
    context = click.get_current_context()
    given = [
        f"--{name.replace('_', '-')}"
        for name in options
        if context.get_parameter_source(name) in refused
    ]
    if given:
        raise click.UsageError(f"{why}: leave out {' and '.join(given)}")


@contextmanager
def ending() -> Iterator[None]:
    """Turn the errors of a command that reads pictures into its last line and exit code.

    Raises:
        ClickException: A missing extra, with exit code 2, or a refused AccessKey, with 1.
        SystemExit: Ctrl-C, with exit code 130; or the reader of standard output is gone.
    """
    try:
        with interruptible():
            yield
    except ImportError as error:
        raise Misuse(str(error)) from None
    except AuthError as error:
        raise click.ClickException(str(error)) from None
    except BrokenPipeError:
        discard(sys.stdout)
        sys.exit(1)
