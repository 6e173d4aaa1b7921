"""The number of rows that may fail before a job counts as failed."""

from __future__ import annotations

import re

import attrs
import click


@attrs.frozen
class Allowance:
    """A number of rows, or a share of all rows from 0 to 1 if `is_share`."""

    value: float
    is_share: bool

    def permits(self, failed: int, rows: int) -> bool:
        """Return True if not too many of these rows failed."""
        return failed <= (self.value * rows if self.is_share else self.value)


def parsed(context: click.Context, parameter: click.Parameter, value: str) -> Allowance:
    """Return the allowance that a text such as `20` or `1%` names; refuse any other text."""
    if re.fullmatch(r"[0-9]{1,18}", value):
        return Allowance(int(value), is_share=False)
    if re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,9})?%", value) and float(value[:-1]) <= 100:
        return Allowance(float(value[:-1]) / 100, is_share=True)
    raise click.BadParameter(
        f"{value!r} is no number of rows, such as 20, and no share, such as 1%", context, parameter
    )
