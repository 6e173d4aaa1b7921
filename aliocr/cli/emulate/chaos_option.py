"""The options of random faults: `WHAT=RATE`, which can be repeated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from aliocr.emulator.chaos import Chaos


def request_rates(
    _: click.Context, __: click.Parameter, values: Sequence[str]
) -> Mapping[str, float]:
    """Parse and check the faults of requests."""
    rates = _rates(values)
    _check(rates, {}, 0)
    return rates


def image_rates(
    _: click.Context, __: click.Parameter, values: Sequence[str]
) -> Mapping[int, float]:
    """Parse and check the faults of images, by code."""
    rates = _rates(values)
    _check({}, rates, 0)
    return {int(code): rate for code, rate in rates.items()}


def delay(_: click.Context, __: click.Parameter, value: float) -> float:
    """Check the delay of replies, in seconds."""
    _check({}, {}, value)
    return value


def _check(requests: Mapping[str, float], images: Mapping[str, float], delay: float) -> None:
    """Have the emulator check values, so that its message names the option."""
    try:
        Chaos(0, requests, images, delay)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _rates(values: Sequence[str]) -> Mapping[str, float]:
    """Parse `"592=0.05"` into a name and a number."""
    found: dict[str, float] = {}
    for value in values:
        name, equals, rate = value.rpartition("=")
        if not equals:
            raise click.BadParameter(f"{value!r} has no rate, as 503=0.05 has")
        if name in found:
            raise click.BadParameter(f"{name} is there twice")
        try:
            found[name] = float(rate)
        except ValueError:
            raise click.BadParameter(f"{rate!r} is no rate, as in 503=0.05") from None
    return found
