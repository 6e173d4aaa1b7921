"""Client for the control paths of the canned server. A call blocks for about a millisecond."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

import attrs
import msgspec

from benchmarks.service import Counts, Quotas

TIMEOUT = 10.0
"""Timeout of one control request, in seconds. With a slower server, figures mean nothing."""


@attrs.frozen
class ControlClient:
    """Reads the counts of the server and changes its image quotas.

    Args:
        url: URL of the server.
    """

    url: str

    def counts(self) -> Counts:
        """Return the counts since the server started."""
        return msgspec.json.decode(self._request("GET", "/counts"), type=Counts)

    def change(self, quotas: Quotas) -> None:
        """Set new image quotas."""
        self._request("PUT", "/quotas", msgspec.json.encode(quotas))

    def _request(self, method: str, path: str, body: bytes = b"") -> bytes:
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=TIMEOUT)
        try:
            connection.request(method, path, body)
            return connection.getresponse().read()
        finally:
            connection.close()
