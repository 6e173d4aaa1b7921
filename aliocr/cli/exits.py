"""Early ends of a command: one line on standard error, and an exit code.

The line is the message of a `click.ClickException`. Most docstrings do not list this exception,
because any function of a command may raise it and no caller handles it.
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
    """Error with exit code 2, like click's UsageError, but without the hint at --help."""

    exit_code = 2


def refuse_options(options: Iterable[str], why: str, *, variables: bool = False) -> None:
    """Refuse options that would have no effect, even if they are given with their default values.

    Args:
        options: Parameter names of the options; a command may lack some of these options.
        why: Beginning of the error message.
        variables: Refuse values from environment variables, too. By default these values are
            accepted, because a variable may be set for other commands.
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
    """Turn the errors of a block that reads pictures into one line and an exit code.

    Raises:
        ClickException: An extra is missing (exit code 2), or the AccessKey was refused (1).
        SystemExit: Ctrl-C was pressed (130), or the reader of standard output is gone (1).
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
