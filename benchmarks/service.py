"""Description of the service that a benchmark runs against. Values only."""

from __future__ import annotations

import attrs

from aliocr.emulator.access.rate_window import WindowKind

REAL_REPLY = (20, 60)
"""Fewest and most regions per image: 100 images are about 344 KB of JSON."""


@attrs.frozen(kw_only=True)
class Quotas:
    """Image quotas of the account; the control path can change them.

    Args:
        images_per_second: Further images are answered with 588; None for no limit.
        images_in_flight: Most images in work at one moment; further ones are answered with 588;
            None for no limit.
    """

    images_per_second: float | None = None
    images_in_flight: int | None = None


@attrs.frozen(kw_only=True)
class Service:
    """Behaviour of the canned server.

    Args:
        window: Way to count requests, and images against their quota.
        requests_per_second: Further requests are refused with `Throttling.User`; None for no limit.
        quotas: The image quotas at the start.
        seconds: Time from the count of a request to its answer.
        jitter: Longest network delay each way, in seconds, uniform from 0. A request is counted
            when it arrives.
        regions: Fewest and most regions per image; two zeros for images without text.
        failing_share: Share of images, chosen by a hash of the URL, that fail at the first try and
            are read at the next.
        failing_code: Code of these failures.
        poison: A URL; a request with this URL is counted and never answered.
        seed: Seed of jitter and texts.
    """

    window: WindowKind = "sliding"
    requests_per_second: float | None = 10.0
    quotas: Quotas = Quotas()
    seconds: float = 0.2
    jitter: float = 0.0
    regions: tuple[int, int] = (0, 0)
    failing_share: float = 0.0
    failing_code: int = 592
    poison: str | None = None
    seed: int = 1


@attrs.frozen(kw_only=True)
class Counts:
    """Requests and images that arrived at the server, by result.

    Args:
        requests: Requests counted, refused ones included.
        refused_requests: Requests over the request rate.
        images: Images in all requests.
        refused_images: Images in refused requests, and images over a quota.
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
        """Return the difference to earlier counts."""
        mine, theirs = attrs.asdict(self), attrs.asdict(before)
        return Counts(**{name: mine[name] - theirs[name] for name in mine})

    @property
    def refused_request_percent(self) -> float:
        """Refused requests in percent of all requests."""
        return 100 * self.refused_requests / max(1, self.requests)

    @property
    def refused_image_percent(self) -> float:
        """Refused images in percent of all images sent."""
        return 100 * self.refused_images / max(1, self.images)
