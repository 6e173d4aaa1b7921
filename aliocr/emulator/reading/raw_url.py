"""What is asked for at a URL: to the letter, where a URL is written as the standard has it.

Left to itself the client decodes `%7E`, resolves `..` and writes `%zz` anew. A host that signs its
addresses, or compares them as they come, would refuse that here and nowhere else.

Pure: no connection is made, and none is judged. The host of what comes out is what yarl reads in
the URL, so nothing here leads past a check of it.
"""

from __future__ import annotations

import re
import socket
from contextlib import suppress
from urllib.parse import quote, urlsplit

from yarl import URL

_PLAIN = ":/?#[]@!$&'()*+,;=%"
"""What may stand in a URL besides letters, digits and `-._~`; anything else, such as a blank, must
be encoded first. Source: RFC 3986."""

_NUMBERS = re.compile(r"[0-9.]+")


def parse_raw_url(url: str) -> URL:
    """The URL with path and query as they are given, but for what must be encoded.

    Raises:
        ValueError: It is no URL.
    """
    read = _with_dotted_host(URL(url))
    if not read.raw_host:
        return read
    given = urlsplit(url)
    return URL.build(
        scheme=read.scheme,
        authority=read.raw_authority,
        path=quote(given.path, _PLAIN) or "/",
        query_string=quote(given.query, _PLAIN),
        encoded=True,
    )


def _with_dotted_host(url: URL) -> URL:
    """An address of IPv4 in the spelling with four numbers, whatever spelling it came in.

    The client takes no other. Told so, it goes where it means to, and is judged by that:
    `http://2852039166/` is 169.254.169.254. Hexadecimal ones the system reads by itself.
    """
    host = url.raw_host or ""
    if _NUMBERS.fullmatch(host):
        with suppress(OSError):
            return url.with_host(socket.inet_ntoa(socket.inet_aton(host)))
    return url
