"""The account's limits: every number with its unit and its source."""

from __future__ import annotations

import math

import attrs

__all__ = ["Limits"]

REQUESTS_PER_SECOND = 10.0
"""Requests per second and account. Source: "QPS limits"."""

IMAGES_PER_REQUEST = 100
"""Images in one request, at most. Source: request parameter "tasks"."""


def _rate(_: Limits, attribute: attrs.Attribute[float], value: float) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or value <= 0:
        raise ValueError(f"{attribute.name} must be a number above 0, not {value!r}")


def _batch(_: Limits, attribute: attrs.Attribute[int], value: int) -> None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or not 1 <= value <= IMAGES_PER_REQUEST:
        raise ValueError(
            f"{attribute.name} must be a whole number from 1 to {IMAGES_PER_REQUEST}, not {value!r}"
        )


@attrs.frozen(kw_only=True)
class Limits:
    """What the account allows. The defaults are the documented ones.

    Args:
        requests_per_second: Requests in any one second; all sessions of one account on one event
            loop share them.
        images_per_request: Images in one request, 1 to 100. The service takes 100 only from an
            account whose concurrency limit was raised above 100.
    """

    requests_per_second: float = attrs.field(default=REQUESTS_PER_SECOND, validator=_rate)
    images_per_request: int = attrs.field(default=IMAGES_PER_REQUEST, validator=_batch)
