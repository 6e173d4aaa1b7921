"""The URL of an image: written as people have it, sent as browsers send it.

A browser shows `https://example.com/发票 1.png` and asks for `/%E5%8F%91%E7%A5%A8%201.png`. The
service takes the second form only, so `encoded` makes it. Nothing else of a URL is changed, because
some hosts sign the text of a URL.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from urllib.parse import quote, urlsplit

from aliocr.checks import AROUND
from aliocr.redaction import without_query

MAX_URL_CHARACTERS = 2048
"""Maximum length of an image URL, in characters. Source: request parameter "url"."""

# The second group is the host and port, after user and password, so the caches below get no
# password.
_PARTS = re.compile(
    r"(https?://(?:[^/?#\\[\]]*@)?)([^/?#]*)(.*)", re.ASCII | re.IGNORECASE | re.DOTALL
)

_STORED = re.compile(r"oss://[a-z0-9][a-z0-9-]*/[!-~]+", re.ASCII | re.IGNORECASE)
"""The URL of an uploaded object, as the vendor's uploader gives it. It is sent unchanged."""

HTML_AMPERSAND = "&amp;"
"""The sign `&` as HTML writes it. It is sent unchanged, because a URL may hold it."""

AMPERSAND_ADVICE = f" (the URL holds {HTML_AMPERSAND}, which in HTML stands for &)"
"""What an error about a URL with `HTML_AMPERSAND` adds."""

_SEVERAL = re.compile(
    r"https?://.*?(?:[,;|]?\s+|\.(?:bmp|gif|jpe?g|png|webp)[,;|])[\"'<]?https?://",
    re.IGNORECASE | re.DOTALL,
).match
"""Finds two URLs that a cell of a table has together. A URL may have another in it, but behind
another sign: `https://example.com/proxy/https://example.org/a.png`."""

_ASCII = "".join(map(chr, range(0x21, 0x7F)))

_NEVER = {"Cc", "Cs"}
"""Categories of characters that are not encoded, because they come from mistakes: control
characters and lone surrogates."""


def encoded(url: str) -> str:
    """Return a URL as browsers send it: percent-encoded, with the host in ASCII.

    Only blanks and characters beyond ASCII are encoded. A text that is no URL is returned
    unchanged, and `check` says what is wrong with it.
    """
    if url.isascii() and url.isprintable() and " " not in url:
        return url
    found = _PARTS.fullmatch(bare := url.strip(AROUND))
    if found is None or _SEVERAL(bare) or len(bare) > MAX_URL_CHARACTERS:
        return url
    if any(unicodedata.category(character) in _NEVER for character in bare):
        return url
    begins, address, rest = found.groups()
    if not address.isascii():
        address = _in_ascii(address)
    return f"{quote(begins, _ASCII)}{address}{quote(rest, _ASCII)}"


def check(url: str) -> None:
    """Check that the service takes a URL; one that people wrote is to be `encoded` before.

    Raises:
        ValueError: The service would refuse the URL; the message leaves out the URL's query.
    """
    if not isinstance(url, str):
        kind = type(url).__name__
        raise ValueError(f"url must be a string, not a {kind}")  # noqa: TRY004
    if len(url) > MAX_URL_CHARACTERS:
        problem = f"has {len(url)} characters when sent; the service takes {MAX_URL_CHARACTERS}"
    else:
        problem = _problem_of(url)
    if problem:
        raise ValueError(f"url {problem}: {without_query(url)[:80]!r}")


def _problem_of(url: str) -> str:
    if _STORED.fullmatch(url):
        return ""
    found = _PARTS.fullmatch(url)
    if found is None:
        return "must start with http:// or https:// (the service downloads the image itself)"
    if "://" in found[3] and _SEVERAL(url):
        return "is several URLs; give one image alone"
    if any(map(str.isspace, found[2])):
        return "has a blank in its host"
    if not url.isprintable() or " " in url:
        return "holds a space or a character that cannot be printed; percent-encode it"
    return _problem_of_address(found[2])


@lru_cache(maxsize=1024)  # parsing takes most of the time, and many images have the same host
def _problem_of_address(address: str) -> str:
    try:
        parts = urlsplit(f"http://{address}")
        host, port = parts.hostname, parts.port
    except ValueError:
        return "has a host or port that cannot be read"
    if not host or "\\" in parts.netloc:
        return "names no host"
    return "" if port != 0 else "names port 0"


@lru_cache(maxsize=1024)
def _in_ascii(address: str) -> str:
    """Return host and port with the host in ASCII, as name servers know it; unchanged if none."""
    from yarl import URL  # noqa: PLC0415 - few hosts need it

    host, colon, port = address.partition(":")
    try:
        return f"{URL.build(scheme='http', host=host).raw_host}{colon}{port}"
    except ValueError:
        return address
