"""Settings of the service that a benchmark runs against, and its counts."""

from __future__ import annotations

import math

import attrs

from aliocr.emulator.access.rate_window import WindowKind

REAL_REPLY = (20, 60)
"""Minimum and maximum number of regions per image in a real reply. A reply of 100 images has about
344 KB of JSON."""


@attrs.frozen(kw_only=True)
class Quotas:
    """Image quotas of the account. A `ControlClient` can change the quotas.

    Args:
        images_per_second: Maximum number of images per second; None for no limit. Further images
            are answered with 588.
        images_in_flight: Maximum number of images in work at the same time; None for no limit.
            Further images are answered with 588.
    """

    images_per_second: float | None = None
    images_in_flight: int | None = None


@attrs.frozen(kw_only=True)
class Service:
    """Behaviour of the canned server.

    Args:
        window: Method of counting requests, and images against the quota.
        requests_per_second: Maximum number of requests per second; None for no limit. Further
            requests are refused with `Throttling.User`.
        quotas: The image quotas at the start.
        seconds: Time from the arrival of a request, when it is counted, to its answer, in seconds.
        jitter: Maximum network delay in each direction, in seconds. Delays are random, uniform from
            0 to this value.
        regions: Minimum and maximum number of regions per image; two zeros for images without text.
        failing_share: Share of images that fail at the first try and are read at the next. The
            images are chosen by a hash of the URL.
        failing_code: Code of these failures.
        over_quota_share: Share of the requests whose images are all answered with 588, by chance.
        throttled_share: Share of the requests that are throttled by chance.
        throttled_for: Time from the first request during which `throttled_share` holds, in seconds.
        poison: URL of an image. A request with this URL is counted, but never answered.
        seed: Random seed of the delays and the texts.
    """

    window: WindowKind = "sliding"
    requests_per_second: float | None = 10.0
    quotas: Quotas = Quotas()
    seconds: float = 0.2
    jitter: float = 0.0
    regions: tuple[int, int] = (0, 0)
    failing_share: float = 0.0
    failing_code: int = 592
    over_quota_share: float = 0.0
    throttled_share: float = 0.0
    throttled_for: float = math.inf
    poison: str | None = None
    seed: int = 1


@attrs.frozen(kw_only=True)
class Counts:
    """Requests and images that arrived at the server, by result.

    Args:
        requests: All requests, including refused requests.
        refused_requests: Requests that exceeded the request rate.
        images: Images in all requests.
        refused_images: Images in refused requests, and images that exceeded a quota.
        failed_images: Images answered with the failing code.
        read_images: Images answered with a text.
    """

    requests: int = 0
    refused_requests: int = 0
    images: int = 0
    refused_images: int = 0
    failed_images: int = 0
    read_images: int = 0

    def since(self, before: Counts) -> Counts:
        """Return these counts minus earlier counts."""
        mine, theirs = attrs.asdict(self), attrs.asdict(before)
        return Counts(**{name: mine[name] - theirs[name] for name in mine})

    @property
    def refused_request_percent(self) -> float:
        """Percentage of refused requests among all requests."""
        return 100 * self.refused_requests / max(1, self.requests)

    @property
    def refused_image_percent(self) -> float:
        """Percentage of refused images among all images that were sent."""
        return 100 * self.refused_images / max(1, self.images)
