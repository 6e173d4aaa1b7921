"""What was asked for and cannot be, in one line and exit code 2."""

import click

__all__ = ["Misuse"]


class Misuse(click.ClickException):
    """One that no look at the usage would mend."""

    exit_code = 2
