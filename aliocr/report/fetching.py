"""Download pictures again, because the service does not return the pictures that it downloads."""

from __future__ import annotations

import asyncio
import re
from typing import Self
from urllib.parse import urljoin

import aiohttp
from yarl import URL

from aliocr.image_url import encoded
from aliocr.route import route_to
from aliocr.version import __version__

MAX_BYTES = 20 * 1024 * 1024
"""Maximum size of one picture, in bytes. Source: "Limits on images", 20 MB."""

TIMEOUT = 10.0
"""Maximum time to download one picture, in seconds; redirects are included. We chose this value:
the service waits only 3 s, but the user's own connection may be slower."""

CONNECT_TIMEOUT = 3.0
"""Maximum time to open one connection, in seconds. This time is a part of `TIMEOUT`."""

MAX_REDIRECTS = 5

SENDABLE = re.compile("[!-~]+")
"""Pattern of a URL that can be sent unchanged: printable ASCII without spaces."""

PROXY_REFUSES = "the proxy of this machine refuses the connection to its host"

REDIRECTS = frozenset({301, 302, 303, 307, 308})

NETWORK_TROUBLE: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.ClientHttpProxyError, PROXY_REFUSES),
    (aiohttp.ClientProxyConnectionError, "no connection to the proxy of this machine"),
    (aiohttp.ConnectionTimeoutError, f"no connection to its host within {CONNECT_TIMEOUT:g} s"),
    (TimeoutError, f"its host sent no complete answer within {TIMEOUT:g} s"),
    (aiohttp.ClientConnectorDNSError, "its host's name is not known"),
    (aiohttp.ClientConnectorCertificateError, "its host's certificate is not trusted"),
    (aiohttp.ClientConnectorError, "no connection to its host"),
    (ValueError, "its URL, or a URL it redirects to, is not valid"),
    (aiohttp.NonHttpUrlClientError, "its host redirects to a URL that is not http or https"),
    (Exception, "its host's answer is broken"),
)
"""Types of network errors, and the words for each type. The first type that matches an error is
used. The words never contain the URL, because the URL's query may be a key."""


class MissingError(Exception):
    """There is no picture to show. The message is the reason, as a text for the page."""


class Fetcher:
    """Downloads pictures. Any number of downloads may run at the same time.

    Use it in `async with`; the end of the block closes the connections.
    """

    def __init__(self) -> None:
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT),
            cookie_jar=aiohttp.DummyCookieJar(),
            # Do not decompress, because a small compressed answer could become a huge picture.
            auto_decompress=False,
            headers={"User-Agent": f"aliocr/{__version__}", "Accept-Encoding": "identity"},
        )
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._http is not None:
            await self._http.close()
            self._http = None

    async def picture(self, url: str) -> bytes:
        """Return the bytes at a URL, at most about 20 MB. Nothing checks that they are a picture.

        Raises:
            MissingError: There are no bytes or too many bytes, or the download takes too long.
        """
        if self._http is None:
            raise RuntimeError("a Fetcher works only inside its async with block")
        try:
            async with asyncio.timeout(TIMEOUT):
                return await _body(self._http, url)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            why = next(words for kind, words in NETWORK_TROUBLE if isinstance(error, kind))
        raise MissingError(why)


async def _body(http: aiohttp.ClientSession, source: str) -> bytes:
    for _ in range(MAX_REDIRECTS + 1):
        # A URL that can be sent unchanged is not quoted: quoting would break its signature.
        source = encoded(source)
        url = URL(source, encoded=bool(SENDABLE.fullmatch(source)))
        try:
            route = route_to(source)
        except ValueError as error:  # in the environment
            raise MissingError(str(error)) from None
        # Redirects are followed here, because each host has its own route.
        async with http.get(
            url, headers=route.headers, allow_redirects=False, **route.options
        ) as response:
            onward = response.headers.get("Location")
            if response.status in REDIRECTS and onward:
                source = urljoin(source, onward)
                continue
            return await _picture(response)
    raise MissingError("its host redirects too often")


async def _picture(response: aiohttp.ClientResponse) -> bytes:
    if response.status == 407:
        raise MissingError(PROXY_REFUSES)
    if response.status != 200:
        raise MissingError(f"its host answers HTTP {response.status}")
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise MissingError("its host compresses the picture without being asked")
    data = bytearray()
    async for chunk in response.content.iter_any():
        data += chunk
        if len(data) > MAX_BYTES:
            raise MissingError("it is larger than 20 MB")
    return bytes(data)
