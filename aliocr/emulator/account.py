"""What the service remembers of one account: its AccessKey, what it may use, what it has used."""

from __future__ import annotations

from aliocr.credentials import Credentials
from aliocr.emulator.window import Window, WindowKind, window_of
from aliocr.limits import REQUESTS_PER_SECOND
from aliocr.signing import MAX_CLOCK_SKEW

__all__ = ["Account"]


class Account:
    """One account and what it has used up. Times come in as arguments, so that any clock will do.

    Args:
        credentials: The AccessKey that requests must be signed with.
        requests_per_second: How many are accepted, above 0; below 1, one in so many seconds; None
            for no limit.
        images_per_second: The same of images.
        images_in_flight: How many images may be under detection at once; None for no limit.
        window: How rates are counted. How the service does is not documented; who passes the
            sliding log passes the two others as well.

    Raises:
        ValueError: A limit that is not above 0.

    Source: "QPS limits"; code 588 and "Concurrency" for the images.
    """

    def __init__(
        self,
        credentials: Credentials,
        requests_per_second: float | None = REQUESTS_PER_SECOND,
        *,
        images_per_second: float | None = None,
        images_in_flight: int | None = None,
        window: WindowKind = "sliding",
    ) -> None:
        self.credentials = credentials
        self._kind = window
        self._requests = self._counted("requests_per_second", requests_per_second)
        self._nonces: dict[str, float] = {}
        self._in_flight = 0
        self.allow_images(images_per_second, images_in_flight)

    def _counted(self, name: str, per_second: float | None) -> Window | None:
        try:
            return None if per_second is None else window_of(self._kind, per_second)
        except ValueError as error:
            raise ValueError(f"{name} {error}") from None

    def allow_images(
        self, images_per_second: float | None = None, images_in_flight: int | None = None
    ) -> None:
        """Change the image quota from now on; what is in flight stays counted."""
        if images_in_flight is not None and images_in_flight < 1:
            raise ValueError(f"images_in_flight must be 1 or more or None, not {images_in_flight}")
        self._images = self._counted("images_per_second", images_per_second)
        self._most_in_flight = images_in_flight

    def accept(self, moment: float) -> bool:
        """Whether one more request fits the rate now; if so, it is counted.

        Args:
            moment: Seconds by a clock that never goes back.
        """
        return self._requests is None or self._requests.take(1, moment) == 1

    def take_images(self, wanted: int, moment: float) -> int:
        """How many of so many images fit the quota now; they are in flight until `put_back`.

        Args:
            wanted: 0 or more.
            moment: Seconds by a clock that never goes back.
        """
        granted = wanted
        if self._most_in_flight is not None:
            granted = max(0, min(granted, self._most_in_flight - self._in_flight))
        if self._images is not None:
            granted = self._images.take(granted, moment)
        self._in_flight += granted
        return granted

    def put_back(self, images: int) -> None:
        """So many images are no longer under detection."""
        self._in_flight -= images

    def knows_nonce(self, nonce: str, now: float) -> bool:
        """Whether the nonce was used within the last 15 minutes.

        Args:
            nonce: As it came.
            now: Seconds since the epoch.
        """
        while self._nonces:
            oldest = next(iter(self._nonces))
            if now - self._nonces[oldest] < MAX_CLOCK_SKEW:
                break
            del self._nonces[oldest]
        return nonce in self._nonces

    def use_nonce(self, nonce: str, now: float) -> None:
        """Take note of a nonce; see `knows_nonce` for the arguments."""
        self._nonces[nonce] = now
