"""The service that a benchmark is run against, described: values only."""

from __future__ import annotations

import attrs

from aliocr.emulator.access.rate_window import WindowKind

__all__ = ["REAL_REPLY", "Counts", "Quotas", "Service"]

REAL_REPLY = (20, 60)
"""Regions an image, least and most: 100 images are about 344 KB of JSON."""


@attrs.frozen(kw_only=True)
class Quotas:
    """What an account may do besides its request rate; the control path can change it.

    Args:
        images_per_second: Images beyond it are answered with 588; None for no limit.
        images_in_flight: Images under work at one moment, and 588 beyond; None for no limit.
    """

    images_per_second: float | None = None
    images_in_flight: int | None = None


@attrs.frozen(kw_only=True)
class Service:
    """How the canned server behaves.

    Args:
        window: How requests, and images against their quota, are counted.
        requests_per_second: Requests beyond it are refused with `Throttling.User`; None for no
            limit.
        quotas: The image quotas to begin with.
        seconds: From counting a request to answering it.
        jitter: Seconds; a request takes up to so long to arrive, and is counted only then, and its
            answer up to so long to come back. Both uniform, from 0.
        regions: Regions an image, least and most; two zeros for images without text.
        failing_share: The share of images, chosen by a hash of the URL, that fail the first time
            they are sent, and are read the next time.
        failing_code: What they fail with.
        poison: A URL; a request that has it is counted and never answered.
        seed: Of jitter and texts.
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
    """What has arrived at the server, and what became of it.

    Args:
        requests: Requests counted, refused ones included.
        refused_requests: Those over the request rate.
        images: Images in all requests.
        refused_images: Those in refused requests, and those over an image quota.
        failed_images: Those answered with the failing code.
        read_images: Those answered with a text.
    """

    requests: int = 0
    refused_requests: int = 0
    images: int = 0
    refused_images: int = 0
    failed_images: int = 0
    read_images: int = 0

    def since(self, before: Counts) -> Counts:
        """What came after `before` was read."""
        mine, theirs = attrs.asdict(self), attrs.asdict(before)
        return Counts(**{name: mine[name] - theirs[name] for name in mine})

    @property
    def refused_request_percent(self) -> float:
        """Of the requests, 0 to 100."""
        return 100 * self.refused_requests / max(1, self.requests)

    @property
    def refused_image_percent(self) -> float:
        """Of the images sent, 0 to 100."""
        return 100 * self.refused_images / max(1, self.images)
