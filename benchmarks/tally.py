"""Images by number, and the tally that each of them has one outcome."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from aliocr import Credentials, Outcome, Scan

__all__ = ["CREDENTIALS", "Tallied", "Tally", "url_of", "urls"]

CREDENTIALS = Credentials("benchmark", "secret")

_BEFORE, _AFTER = "https://example.com/images/", ".png"


def url_of(number: int) -> str:
    """The URL of an image, which the server never fetches."""
    return f"{_BEFORE}{number}{_AFTER}"


def urls(count: int) -> Iterator[str]:
    """So many images, one by one."""
    return map(url_of, range(count))


@attrs.frozen(kw_only=True)
class Tallied:
    """What became of all images.

    Args:
        read: Those with a text.
        failed: Those with a failure.
        lost: Those without an outcome, and surplus outcomes.
    """

    read: int
    failed: int
    lost: int


class Tally:
    """Notes outcomes in a byte an image, all taken at the start.

    Args:
        count: How many images there are; `more` if it was not known.
    """

    def __init__(self, count: int) -> None:
        # A copy, because fresh zeros are no memory until they are written to.
        self._seen = bytearray(bytes(count))
        self.read = 0
        self.failed = 0
        self._surplus = 0

    def __len__(self) -> int:
        return len(self._seen)

    def note(self, outcome: Outcome) -> None:
        """One outcome has come."""
        number = int(outcome.image.url[len(_BEFORE) : -len(_AFTER)])
        self._surplus += self._seen[number]
        self._seen[number] = 1
        if isinstance(outcome, Scan):
            self.read += 1
        else:
            self.failed += 1

    def more(self) -> int:
        """One image more; its number."""
        self._seen.append(0)
        return len(self._seen) - 1

    @property
    def outstanding(self) -> int:
        """Images of which no outcome has come yet."""
        return len(self._seen) - self.read - self.failed

    def close(self) -> Tallied:
        """The sum, when no more is to come."""
        lost = self._seen.count(0) + self._surplus
        return Tallied(read=self.read, failed=self.failed, lost=lost)
