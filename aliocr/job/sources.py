"""Sources: the texts in an input, made into images for the service."""

from __future__ import annotations

from typing import Protocol

import attrs

from aliocr.models import Image, Outcome


class Sources(Protocol):
    """Makes images of the texts in an input."""

    @property
    def interval(self) -> int | None:
        """One frame in this many is asked for; None, with `max_frames`, for the first only."""
        ...

    @property
    def max_frames(self) -> int | None:
        """Frames read of one image, and charged, at most; None for one."""
        ...

    def check(self, source: str) -> None:
        """Refuse a source that names no image.

        Raises:
            ValueError: The source names no image; the message says why.
        """
        ...

    def image(self, source: str) -> Image:
        """Return the image of a source. May block, as it is called in a thread.

        Raises:
            ValueError: The source names no image; the message says why.
        """
        ...

    def is_file(self, source: str) -> bool:
        """Return True for the path of a file, in which a `?` begins no query to be left out.

        Args:
            source: A source that `image` has taken.
        """
        ...

    def done(self, outcome: Outcome) -> None:
        """Take an outcome; called once for each image, on the event loop."""
        ...


@attrs.frozen
class Urls:
    """Sources that are URLs, which the service downloads itself.

    Args:
        interval: As of `aliocr.Image`, for all images.
        max_frames: The same.

    Raises:
        ValueError: One argument without the other, or a number below 1.
    """

    interval: int | None = None
    max_frames: int | None = None

    def __attrs_post_init__(self) -> None:
        """Let `Image` check the pair."""
        self.image("https://example.com/")

    def check(self, source: str) -> None:
        """Refuse a source that is no URL the service takes."""
        self.image(source)

    def image(self, source: str) -> Image:
        """Return the image at this URL."""
        return Image(source, interval=self.interval, max_frames=self.max_frames)

    def is_file(self, source: str) -> bool:
        """Return False: a URL is no path."""
        del source
        return False

    def done(self, outcome: Outcome) -> None:
        """Do nothing: a URL holds no resource."""
