"""Counts the uses of each image's URL, in bounded memory."""

from __future__ import annotations

import hashlib
from collections import OrderedDict

REMEMBERED = 100_000
"""Maximum number of images whose uses are counted. When there are more, the image that was not used
for the longest time is forgotten, and its count begins again."""


class URLCounts:
    """The number of uses of each URL.

    The keys are short digests, because a URL may have 2,000 characters.
    """

    def __init__(self) -> None:
        self._uses: OrderedDict[bytes, int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._uses)

    def count(self, url: str) -> int:
        """Count one use of this URL, and return the number of its uses so far."""
        key = hashlib.blake2b(url.encode(errors="surrogatepass"), digest_size=16).digest()
        self._uses[key] = uses = self._uses.pop(key, 0) + 1
        if len(self._uses) > REMEMBERED:
            self._uses.popitem(last=False)
        return uses
