"""Numbered images, and a tally that checks that each image has one outcome."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from aliocr import Credentials, Outcome, Scan

CREDENTIALS = Credentials("benchmark", "secret")

_BEFORE, _AFTER = "https://example.com/images/", ".png"


def url_of(number: int) -> str:
    """Return the URL of an image; the server never fetches it."""
    return f"{_BEFORE}{number}{_AFTER}"


def urls(count: int) -> Iterator[str]:
    """Yield the URLs of `count` images."""
    return map(url_of, range(count))


@attrs.frozen(kw_only=True)
class Totals:
    """Final counts of a tally.

    Args:
        read: Images with a text.
        failed: Images with a failure.
        lost: Images without an outcome, and surplus outcomes.
    """

    read: int
    failed: int
    lost: int


class Tally:
    """Tally of outcomes: one byte per image, allocated at the start.

    Args:
        count: Number of images; `add` adds more.
    """

    def __init__(self, count: int) -> None:
        # A copy, because the system allocates fresh zeros only when they are written.
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
        """Number of images without an outcome so far."""
        return len(self._done) - self.read - self.failed

    def totals(self) -> Totals:
        """Return the final counts."""
        lost = self._done.count(0) + self._surplus
        return Totals(read=self.read, failed=self.failed, lost=lost)
