"""The vendor's servers that give out keys: metadata service, STS with OIDC, and a URI of one's own.

They listen on this machine, and the vendor's package is led to them as a hosts file would do it.
"""

import datetime as dt
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from aliocr import Credentials

METADATA = ("100.100.100.200", 80)
STS = ("sts.aliyuncs.com", 443)
ROLE = "/latest/meta-data/ram/security-credentials/"
LIFE = 3600.0


class KeyServers:
    """What they give, and what they were asked.

    Attributes:
        keys: The keys that they give, one after the other; the last one again and again.
        asked: The kinds of requests for a key, in order.
        life: Seconds until the end of a key.
        trouble: Called before each answer with a key; what it raises is a failure of the server.
        ports: The ports of the plain server and of the one with TLS.
    """

    def __init__(self, keys: Sequence[Credentials]) -> None:
        self.keys = list(keys)
        self.asked: list[str] = []
        self.life = LIFE
        self.trouble: Callable[[], object] = lambda: None
        self.ports = (0, 0)

    @property
    def uri(self) -> str:
        """The address of a URI that gives a key."""
        return f"http://127.0.0.1:{self.ports[0]}/uri?secret=in-the-query"

    def key(self, kind: str) -> dict[str, str]:
        """Give the next key."""
        self.asked.append(kind)
        self.trouble()
        key = self.keys.pop(0) if len(self.keys) > 1 else self.keys[0]
        end = time.gmtime(time.time() + self.life)
        return {
            "AccessKeyId": key.access_key_id,
            "AccessKeySecret": key.access_key_secret,
            "SecurityToken": key.security_token or "",
            "Expiration": time.strftime("%Y-%m-%dT%H:%M:%SZ", end),
        }


def _handler(servers: KeyServers) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self._answer("a-metadata-token")

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = parse_qs(parts.query)
            try:
                if "Action" in query:
                    found: dict[str, Any] = {"Credentials": servers.key(query["Action"][0])}
                elif parts.path == ROLE:
                    self._answer("ocr-role")
                    return
                else:
                    found = {"Code": "Success", **servers.key(parts.path.split("/")[-1])}
            except ConnectionError as error:
                self.send_error(500, type(error).__name__)
                return
            self._answer(json.dumps(found))

        def _answer(self, text: str) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *args: Any) -> None:
            pass

    return Handler


@contextmanager
def key_servers(
    keys: Sequence[Credentials], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[KeyServers]:
    """Run the servers, and lead the vendor's package of this process to them."""
    tea = pytest.importorskip("Tea.core")
    certificate = _certificate(STS[0], folder)
    monkeypatch.setattr(tea.TeaCore, "_sessions", {})
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    servers = KeyServers(keys)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    running = []
    for tls in (False, True):
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(servers))
        server.daemon_threads = True
        if tls:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        running.append(server)
    servers.ports = (running[0].server_address[1], running[1].server_address[1])
    places = dict(zip((METADATA, STS), servers.ports, strict=True))
    looked_up = socket.getaddrinfo

    def here(host: Any, port: Any, *args: Any, **options: Any) -> Any:
        if (host, port) in places:
            host, port = "127.0.0.1", places[host, port]
        return looked_up(host, port, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", here)
    try:
        yield servers
    finally:
        for server in running:
            server.shutdown()
            server.server_close()


def _certificate(name: str, folder: Path) -> Path:
    """Write a certificate that vouches for itself, with its key, to a file."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    day = dt.timedelta(days=1)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path
