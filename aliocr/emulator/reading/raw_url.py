"""Parses URLs without normalisation, so that path and query are requested as given.

By default, aiohttp decodes `%7E`, resolves `..` and rewrites `%zz`. But some hosts sign their URLs
or compare the text of URLs. Such a host would refuse the changed URL from the emulator, although it
accepts the URL from the service.

The function does not connect to the host and does not check it. The host of the result is the host
that yarl reads in the URL. aiohttp uses the same host, so an address check cannot be bypassed.
"""

from __future__ import annotations

import re
import socket
from contextlib import suppress
from urllib.parse import quote, urlsplit

from yarl import URL

_PLAIN = ":/?#[]@!$&'()*+,;=%"
"""Characters allowed in a URL besides letters, digits and `-._~`. Other characters, such as a
space, must be percent-encoded. Source: RFC 3986."""

_NUMBERS = re.compile(r"[0-9.]+")


def parse_raw_url(url: str) -> URL:
    """Parse a URL and keep its path and query; encode only characters that must be encoded.

    Raises:
        ValueError: The text is not a URL.
    """
    read = URL(url)
    host = read.raw_host
    if not host:
        return read
    # The host of `http://2852039166/` becomes 169.254.169.254, because aiohttp accepts only this
    # form, and the address check needs the real address. Hosts in hexadecimal need no change,
    # because the system resolves them.
    if _NUMBERS.fullmatch(host):
        with suppress(OSError):
            read = read.with_host(socket.inet_ntoa(socket.inet_aton(host)))
    given = urlsplit(url)
    return URL.build(
        scheme=read.scheme,
        authority=read.raw_authority,
        path=quote(given.path, _PLAIN) or "/",
        query_string=quote(given.query, _PLAIN),
        encoded=True,
    )
