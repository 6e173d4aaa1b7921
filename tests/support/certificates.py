"""A certificate authority of the tests' own."""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme


class Authority:
    """Signs certificates; nobody trusts it who does not read `file`.

    Args:
        folder: An empty folder for its files.
    """

    def __init__(self, folder: Path) -> None:
        self._own = trustme.CA()
        self.file = folder / "ca.pem"
        self._own.cert_pem.write_to_path(str(self.file))

    def server(self, *names: str) -> ssl.SSLContext:
        """What a server with these names shows."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._own.issue_cert(*names).configure_cert(context)
        return context

    def client(self) -> ssl.SSLContext:
        """What a client needs that trusts only this authority."""
        return ssl.create_default_context(cafile=self.file)
