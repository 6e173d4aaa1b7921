"""The canned server's control path, from any process. It blocks for about a millisecond."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

import attrs
import msgspec

from benchmarks.service import Counts, Quotas

__all__ = ["Control"]

TIMEOUT = 10.0
"""Seconds. A server that keeps silent for so long is not one to measure against."""


@attrs.frozen
class Control:
    """Reads counts and changes quotas.

    Args:
        url: The server's.
    """

    url: str

    def counts(self) -> Counts:
        """What has arrived since the start."""
        return msgspec.json.decode(self._ask("GET", "/counts"), type=Counts)

    def change(self, quotas: Quotas) -> None:
        """Set the image quotas from now on."""
        self._ask("PUT", "/quotas", msgspec.json.encode(quotas))

    def _ask(self, method: str, path: str, body: bytes = b"") -> bytes:
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=TIMEOUT)
        try:
            connection.request(method, path, body)
            return connection.getresponse().read()
        finally:
            connection.close()
