"""The limits of the account and of a session: every number with its unit and its source."""

from __future__ import annotations

import sys

import attrs
from attrs.validators import optional

from aliocr.checks import is_count, is_number

REQUESTS_PER_SECOND = 10.0
"""Default limit of requests per second and account. Source: "QPS limits"."""

IMAGES_PER_REQUEST = 100
"""Maximum number of images in one request. Source: request parameter "tasks"."""

LEAST_RATE = 1e-3
"""Minimum rate, per second. A lower rate, below one in 1,000 seconds, is probably a wrong unit."""

TIMEOUT = 7.0
"""Timeout of one request, in seconds. The service answers within 6 s. So its own timeout code,
which names the slow image, comes before this timeout. Source: "Response timeout"."""

THROTTLE_TIMEOUT = 60.0
"""Time for which images wait while the service throttles the whole account, in seconds."""

PATIENCE = 15.0
"""Time for which images wait in an outage, in seconds."""

MAX_WAITING = 100_000
"""Maximum number of waiting images: 100 seconds of work at 1,000 images per second."""

REPEAT_BUDGET = 6_000
"""Number of images that may be sent again although they may have been charged. This is the maximum
number of images in flight: 10 requests of 100 images in each of the 6 seconds that a response may
take. So if all responses are lost, all these images can be sent again once, but a long outage does
not double the cost."""


def _rate(_: Limits, attribute: attrs.Attribute[float], value: float) -> None:
    if not is_number(value) or value < LEAST_RATE:
        raise ValueError(f"{attribute.name} must be a number from {LEAST_RATE} up, not {value!r}")


def _count(_: Limits, attribute: attrs.Attribute[int], value: int) -> None:
    most = IMAGES_PER_REQUEST if attribute.name == "images_per_request" else sys.maxsize
    if not is_count(value, 1) or value > most:
        bound = "up" if most == sys.maxsize else f"to {most}"
        raise ValueError(f"{attribute.name} must be a whole number from 1 {bound}, not {value!r}")


@attrs.frozen(kw_only=True)
class Limits:
    """The limits of an account. The defaults are the documented limits.

    Args:
        requests_per_second: Maximum number of requests in any one second. All sessions of one
            account on one event loop share this limit.
        images_per_request: Maximum number of images in one request, 1 to 100. The service accepts
            100 only from an account whose concurrency limit was raised above 100.
        images_per_second: Maximum number of images in any one second. If it is None, the rate is
            learnt from refusals (code 588), and learnt again when the quota is raised. If a rate is
            given, the session stays 5.5 % below this rate, and tries no higher rate.
        images_in_flight: Maximum number of images in requests at the same time. If it is None, the
            session keeps no such limit: if too many images are in requests, the service refuses
            some, and these refusals lower the learnt rate.

    Source: "QPS limits" for the requests; code 588 and "Concurrency" for the images. For an account
    whose quotas were never raised, the documents name 10 images per second and 50 at the same time.
    """

    requests_per_second: float = attrs.field(default=REQUESTS_PER_SECOND, validator=_rate)
    images_per_request: int = attrs.field(default=IMAGES_PER_REQUEST, validator=_count)
    images_per_second: float | None = attrs.field(default=None, validator=optional(_rate))
    images_in_flight: int | None = attrs.field(default=None, validator=optional(_count))
