"""URLs without normalisation: path and query are requested as given.

aiohttp by default decodes `%7E`, resolves `..` and rewrites `%zz`. A host that signs its URLs, or
compares their text, would refuse the changed URL from the emulator alone.

Pure: connects to no host and checks none. The result has the host that yarl reads in the URL, so
no address check is bypassed here.
"""

from __future__ import annotations

import re
import socket
from contextlib import suppress
from urllib.parse import quote, urlsplit

from yarl import URL

_PLAIN = ":/?#[]@!$&'()*+,;=%"
"""Characters allowed in a URL besides letters, digits and `-._~`; others, such as a blank, must be
percent-encoded. Source: RFC 3986."""

_NUMBERS = re.compile(r"[0-9.]+")


def parse_raw_url(url: str) -> URL:
    """Parse a URL and keep its path and query; encode only characters that must be encoded.

    Raises:
        ValueError: The text is no URL.
    """
    read = URL(url)
    host = read.raw_host
    if not host:
        return read
    # `http://2852039166/` becomes 169.254.169.254: aiohttp takes no other form, and the address
    # check sees the true address. Hexadecimal forms are read by the system.
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
