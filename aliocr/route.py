"""The route to an address: through which proxy, with whose certificates.

The environment decides as for curl and most programs. aiohttp can read it, too (`trust_env`), but
then also sends the passwords of `~/.netrc` to every host, in place of the request's signature.
"""

from __future__ import annotations

import base64
import os
import re
import ssl
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import attrs

from aliocr.redaction import without_query

CA_FILE = "SSL_CERT_FILE"
"""Environment variable for a file of trusted certificates, in place of the system's file."""

CA_FOLDER = "SSL_CERT_DIR"
"""Environment variable for folders of trusted certificates, in place of the system's folder."""

PORTS = {"http": 80, "https": 443}

PROXY = "http:// or https://, host and port of a proxy (SOCKS is not supported)"


@attrs.frozen
class Route:
    """A route to one address.

    Args:
        proxy: URL of the proxy, without user and password; empty for no proxy.
        login: The header `Proxy-Authorization`; empty for a proxy without a password.
        tunnel: The proxy only passes on bytes, because the address begins with https://.
        tls: Trusted certificates; True for those that aiohttp trusts.
    """

    proxy: str = ""
    login: str = attrs.field(default="", repr=False)
    tunnel: bool = False
    tls: ssl.SSLContext | bool = True

    @property
    def headers(self) -> dict[str, str]:
        """The headers that the proxy needs in the request itself."""
        return {} if self.tunnel else self._login

    @property
    def options(self) -> dict[str, Any]:
        """The options of a request of aiohttp, besides the headers."""
        if not self.proxy:
            return {"ssl": self.tls}
        return {"ssl": self.tls, "proxy": self.proxy, "proxy_headers": self._login}

    @property
    def _login(self) -> dict[str, str]:
        return {"Proxy-Authorization": self.login} if self.login else {}


def route_to(
    url: str,
    *,
    proxy: str | None = None,
    tls: ssl.SSLContext | None = None,
    environment: bool = True,
) -> Route:
    """Return the route to the host of a URL. This machine itself never has a proxy.

    Args:
        url: An http or https URL.
        proxy: URL of the proxy, which may hold user and password; empty for no proxy; None for the
            proxy of the environment.
        tls: Trusted certificates; None for those of the environment.
        environment: Read the environment.

    Raises:
        ValueError: A bad proxy, or a bad file of certificates. The message never has a password.
    """
    address = urlsplit(url)
    name = "proxy"
    if proxy is None and environment:
        name, proxy = _proxy_of_environment(address)
    server, login = ("", "") if proxy is None or proxy == "" else _server_and_login(name, proxy)
    if _is_this_machine(address):
        server = login = ""
    if tls is None and environment and "https" in (address.scheme, urlsplit(server).scheme):
        tls = _trusted_by_environment()
    return Route(server, login, address.scheme == "https", tls or True)


def scheme_and_host(url: str) -> str:
    """Return scheme and host of a URL; "" if the host is not valid, or the URL has other parts."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        named = parts.port != 0 and (":" in host or bool(host.encode("idna")))
    except ValueError:  # a UnicodeError is a ValueError, too
        return ""
    spaced = any(character.isspace() for character in host)
    more = parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc
    if parts.scheme not in PORTS or not named or spaced or more:
        return ""
    return f"{parts.scheme}://{parts.netloc}"


def _proxy_of_environment(address: SplitResult) -> tuple[str, str]:
    """Return the name and the value of the variable for an address; empty for no proxy."""
    if _is_this_machine(address):
        return "", ""
    found = getproxies()  # names in lower case; on macOS and Windows, also the system's settings
    host = (address.hostname or "").rstrip(".")
    port = address.port or PORTS.get(address.scheme, 0)
    kind = address.scheme if found.get(address.scheme) else "all"
    proxy = found.get(kind)
    if not proxy or _is_exempt(host, port, found.get("no", "")) or proxy_bypass(host):
        return "", ""
    return f"{kind}_proxy".upper(), proxy


def _is_exempt(host: str, port: int, no_proxy: str) -> bool:
    """Tell if `NO_PROXY` names a host, by `*`, domain, address or network; ports are optional.

    The standard library knows neither networks nor IPv6, nor `*` in a list.
    """
    ip = _ip(host)
    for entry in re.split(r"[\s,]+", no_proxy.lower()):
        parts = re.fullmatch(r"(\[.*\]|[^:]*):(\d+)", entry)
        name, only = (parts[1], int(parts[2])) if parts else (entry, port)
        domain = name.strip("[]").removeprefix("*").strip(".")
        if only != port or not name:
            continue
        if name == "*" or host == domain or host.endswith(f".{domain}"):
            return True
        try:
            if ip is not None and ip in ip_network(domain, strict=False):
                return True
        except ValueError:
            continue
    return False


def _ip(host: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(host)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def _is_this_machine(address: SplitResult) -> bool:
    host = address.hostname or ""
    ip = _ip(host)
    if ip is not None:
        return ip.is_loopback or ip.is_unspecified
    return f".{host.rstrip('.')}".endswith(".localhost")


def _server_and_login(name: str, proxy: object) -> tuple[str, str]:
    """Return the URL of a proxy without its login, and the login as a header."""
    if not isinstance(proxy, str):
        raise ValueError(f"{name} must be {PROXY}, not {type(proxy).__name__}")  # noqa: TRY004
    scheme, slashes, rest = proxy.strip().partition("://")
    if not slashes:  # curl takes host:port, too
        scheme, rest = "http", proxy.strip()
    login, at, host = rest.rpartition("@")
    server = scheme_and_host(f"{scheme}://{host}")
    if not server:
        shown = without_query(f"{scheme}://…@{host}" if at else proxy)
        raise ValueError(f"{name} must be {PROXY}, not {shown!r}")
    if not login:
        return server, ""
    user, _, password = login.partition(":")
    plain = f"{unquote(user)}:{unquote(password)}"
    return server, f"Basic {base64.b64encode(plain.encode()).decode()}"


def _trusted_by_environment() -> ssl.SSLContext | None:
    file, folders = os.environ.get(CA_FILE, ""), os.environ.get(CA_FOLDER, "")
    return _trusted(file, folders) if file or folders else None


@lru_cache(maxsize=4)  # a context takes 30 ms
def _trusted(file: str, folders: str) -> ssl.SSLContext:
    """Return a context with the certificates of the variables.

    OpenSSL reads the variables itself, but ignores a file that it cannot read. And aiohttp makes
    its context only once, when it is imported.
    """
    context = ssl.create_default_context()
    try:
        if file:
            context.load_verify_locations(file)
    except OSError as error:  # an SSLError is an OSError, too
        why = error.strerror if error.errno and not isinstance(error, ssl.SSLError) else "no PEM"
        raise ValueError(
            f"{CA_FILE} must be a file of certificates (PEM), not {file!r}: {why}"
        ) from None
    if folders and not any(map(os.path.isdir, folders.split(os.pathsep))):
        raise ValueError(f"{CA_FOLDER} must be a folder of certificates, not {folders!r}")
    context.set_alpn_protocols(["http/1.1"])
    return context
