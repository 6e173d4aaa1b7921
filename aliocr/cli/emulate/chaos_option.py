"""Parsers for the options of random faults, such as `WHAT=RATE`, which can be repeated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from aliocr.emulator.chaos import Chaos


def request_rates(
    _: click.Context, __: click.Parameter, values: Sequence[str]
) -> Mapping[str, float]:
    """Parse and check the rates of request faults."""
    rates = _rates(values)
    _check(rates, {}, 0)
    return rates


def image_rates(
    _: click.Context, __: click.Parameter, values: Sequence[str]
) -> Mapping[int, float]:
    """Parse and check the rates of image faults, by code."""
    rates = _rates(values)
    _check({}, rates, 0)
    return {int(code): rate for code, rate in rates.items()}


def delay(_: click.Context, __: click.Parameter, value: float) -> float:
    """Check the maximum delay of replies, in seconds."""
    _check({}, {}, value)
    return value


def _check(requests: Mapping[str, float], images: Mapping[str, float], delay: float) -> None:
    """Check values with `Chaos`; click adds the option's name to the error message."""
    try:
        Chaos(0, requests, images, delay)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _rates(values: Sequence[str]) -> Mapping[str, float]:
    """Parse values such as `"592=0.05"` into names and numbers."""
    found: dict[str, float] = {}
    for value in values:
        name, equals, rate = value.rpartition("=")
        if not equals:
            raise click.BadParameter(f"{value!r} has no rate; an example is 503=0.05")
        if name in found:
            raise click.BadParameter(f"{name} is given twice")
        try:
            found[name] = float(rate)
        except ValueError:
            raise click.BadParameter(f"{rate!r} is not a rate; an example is 503=0.05") from None
    return found
