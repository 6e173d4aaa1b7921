"""Sources: how the text of a row becomes the image that the service is asked to read."""

from __future__ import annotations

from typing import Protocol

import attrs

from aliocr.models import Image, Outcome


class Sources(Protocol):
    """Makes an image of the source of a row: its URL or path."""

    @property
    def interval(self) -> int | None:
        """As of `aliocr.Image`, for all images; None, as `max_frames` then, for the first frame."""
        ...

    @property
    def max_frames(self) -> int | None:
        """Frames of one image that are read, and charged, at most; None for one."""
        ...

    def check(self, source: str) -> None:
        """Refuse a source that names no image.

        Raises:
            ValueError: With the reason.
        """
        ...

    def image(self, source: str) -> Image:
        """Return the image. May block: the job calls it in a thread.

        Raises:
            ValueError: The source names no image; with the reason.
        """
        ...

    def is_file(self, source: str) -> bool:
        """Return whether a source is a path: a `?` begins no query then, and it is written whole.

        Args:
            source: One that `image` has accepted.
        """
        ...

    def done(self, outcome: Outcome) -> None:
        """Hear of the outcome of an image; called once for each, on the event loop."""
        ...


@attrs.frozen
class Urls:
    """Sources that are URLs; the service downloads the images.

    Args:
        interval: As of `aliocr.Image`, for all of them.
        max_frames: As of `aliocr.Image`, too.

    Raises:
        ValueError: One without the other, or a number below 1.
    """

    interval: int | None = None
    max_frames: int | None = None

    def __attrs_post_init__(self) -> None:
        """Check the pair by making an image with it."""
        self.image("https://example.com/")

    def check(self, source: str) -> None:
        """Refuse a source that is no URL, or that the service would refuse."""
        self.image(source)

    def image(self, source: str) -> Image:
        """Return the image at this URL."""
        return Image(source, interval=self.interval, max_frames=self.max_frames)

    def is_file(self, source: str) -> bool:
        """Return False: no source is a path."""
        del source
        return False

    def done(self, outcome: Outcome) -> None:
        """Do nothing: a URL holds nothing open."""
