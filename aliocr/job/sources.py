"""Sources: make an image for the service from the text of a row."""

from __future__ import annotations

from typing import Protocol

import attrs

from aliocr.checks import is_url
from aliocr.models import Image, Outcome
from aliocr.redaction import without_query


class Sources(Protocol):
    """Makes an image from the source of a row, which is a URL or a path."""

    @property
    def interval(self) -> int | None:
        """`interval` of `aliocr.Image`, for all images; None if only the first frame is read."""

    @property
    def max_frames(self) -> int | None:
        """Maximum number of frames that are read and charged for one image; None for one frame."""

    def check(self, source: str) -> None:
        """Refuse a source that names no image.

        Raises:
            ValueError: The source names no image; the message gives the reason.
        """

    def image(self, source: str) -> Image:
        """Return the image of a source. May block, because the job calls this in a thread.

        Raises:
            ValueError: The source names no image; the message gives the reason.
        """

    def is_file(self, source: str) -> bool:
        """Return True if a source is a path: then a `?` in it does not begin a query.

        Args:
            source: A source that `image` has accepted.
        """

    def done(self, outcome: Outcome) -> None:
        """Take the outcome of an image, for example to close its file.

        Called once for each image, on the event loop.
        """


@attrs.frozen
class Urls:
    """Sources that are URLs; the service downloads the images.

    Args:
        interval: `interval` of `aliocr.Image`, for all images.
        max_frames: `max_frames` of `aliocr.Image`, for all images.

    Raises:
        ValueError: Only one of the two numbers is given, or a number is below 1.
    """

    interval: int | None = None
    max_frames: int | None = None

    def __attrs_post_init__(self) -> None:
        """Check both numbers by making an image with them."""
        self.image("https://example.com/")

    def check(self, source: str) -> None:
        """Refuse a source that is not a URL, or that the service would refuse."""
        self.image(source)

    def image(self, source: str) -> Image:
        """Return the image at a URL."""
        if not is_url(source):
            said = without_query(source)[:80]
            raise ValueError(
                f"not an http:// or https:// URL: {said!r}; aliocr run --local reads files"
            )
        return Image(source, interval=self.interval, max_frames=self.max_frames)

    def is_file(self, source: str) -> bool:
        """Return False, because no source is a path."""
        del source
        return False

    def done(self, outcome: Outcome) -> None:
        """Do nothing, because a URL holds no file open."""
