"""What the rows of an input stand for: images that the service is asked to read."""

from __future__ import annotations

from typing import Protocol

import attrs

from aliocr.models import Image, Outcome


class Sources(Protocol):
    """Makes images of what stands in an input."""

    @property
    def interval(self) -> int | None:
        """One frame of so many is asked for; None, with `max_frames`, for the first one."""
        ...

    @property
    def max_frames(self) -> int | None:
        """Frames that are read of one image, and charged, at most; None for one."""
        ...

    def check(self, source: str) -> None:
        """Refuse what stands for no image.

        Raises:
            ValueError: It is none; the message says why.
        """
        ...

    def image(self, source: str) -> Image:
        """The image. May block: it is called in a thread.

        Raises:
            ValueError: It is none; the message says why.
        """
        ...

    def is_file(self, source: str) -> bool:
        """Whether it is the path of a file: a `?` in it begins no query, and it is written whole.

        Args:
            source: One that `image` has taken.
        """
        ...

    def done(self, outcome: Outcome) -> None:
        """Called for each image once, on the event loop, when it has its outcome."""
        ...


@attrs.frozen
class Urls:
    """Sources are URLs, which the service downloads itself.

    Args:
        interval: As of `aliocr.Image`, for all of them.
        max_frames: The same.

    Raises:
        ValueError: One without the other, or a number below 1.
    """

    interval: int | None = None
    max_frames: int | None = None

    def __attrs_post_init__(self) -> None:
        """Have the model check the pair."""
        self.image("https://example.com/")

    def check(self, source: str) -> None:
        """Refuse what is no URL that the service would take."""
        self.image(source)

    def image(self, source: str) -> Image:
        """The image at this URL."""
        return Image(source, interval=self.interval, max_frames=self.max_frames)

    def is_file(self, source: str) -> bool:
        """None is one."""
        del source
        return False

    def done(self, outcome: Outcome) -> None:
        """Nothing: a URL holds nothing."""
