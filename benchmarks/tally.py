"""URLs of numbered images, and a tally that checks that each image gets exactly one outcome."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from aliocr import Credentials, Outcome, Scan

CREDENTIALS = Credentials("benchmark", "secret")

_BEFORE, _AFTER = "https://example.com/images/", ".png"


def url_of(number: int) -> str:
    """Return the URL of an image. The server never fetches this URL."""
    return f"{_BEFORE}{number}{_AFTER}"


def urls(count: int) -> Iterator[str]:
    """Yield the URLs of `count` images."""
    return map(url_of, range(count))


@attrs.frozen(kw_only=True)
class Totals:
    """Final counts of a tally.

    Args:
        read: Number of images that were read.
        failed: Number of images with a failure.
        lost: Number of images without an outcome, and of surplus outcomes.
    """

    read: int
    failed: int
    lost: int


class Tally:
    """Counts the outcomes of images, with one byte per image that is allocated at the start.

    Args:
        count: Number of images at the start; `add` adds an image.
    """

    def __init__(self, count: int) -> None:
        # Copy the zeros, because the system allocates memory of zeros only when it is written.
        self._done = bytearray(bytes(count))
        self.read = 0
        self.failed = 0
        self._surplus = 0

    def __len__(self) -> int:
        return len(self._done)

    def note(self, outcome: Outcome) -> None:
        """Count one outcome."""
        number = int(outcome.image.url[len(_BEFORE) : -len(_AFTER)])
        self._surplus += self._done[number]
        self._done[number] = 1
        if isinstance(outcome, Scan):
            self.read += 1
        else:
            self.failed += 1

    def add(self) -> int:
        """Add one image and return its number."""
        self._done.append(0)
        return len(self._done) - 1

    @property
    def outstanding(self) -> int:
        """Number of images that have no outcome yet."""
        return len(self._done) - self.read - self.failed

    def totals(self) -> Totals:
        """Return the final counts."""
        lost = self._done.count(0) + self._surplus
        return Totals(read=self.read, failed=self.failed, lost=lost)
