"""What was asked for and cannot be, in one line and exit code 2."""

from __future__ import annotations

from collections.abc import Iterable

import click
from click.core import ParameterSource


class Misuse(click.ClickException):
    """One that no look at the usage would mend."""

    exit_code = 2


def leave_out(options: Iterable[str], why: str, *, variables: bool = False) -> None:
    """Refuse options that would go unheard.

    Args:
        options: The names of their parameters; a command need not have all of them.
        why: Nobody would hear them.
        variables: Refuse them from the environment, too; else it may have them for other commands.

    Raises:
        UsageError: One was given, even if it says what would have been anyway.
    """
    heard = {ParameterSource.COMMANDLINE}
    if variables:
        heard.add(ParameterSource.ENVIRONMENT)
    context = click.get_current_context()
    given = [
        f"--{name.replace('_', '-')}"
        for name in options
        if context.get_parameter_source(name) in heard
    ]
    if given:
        raise click.UsageError(f"{why}: leave out {' and '.join(given)}")
