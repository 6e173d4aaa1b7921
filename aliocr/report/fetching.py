"""Fetch pictures from the network: the service does not return what it downloads."""

from __future__ import annotations

import asyncio
import re
from typing import Self

import aiohttp
from yarl import URL

from aliocr.version import __version__

MAX_BYTES = 20 * 1024 * 1024
"""Bytes of one picture. Source: "Limits on images", 20 MB."""

TIMEOUT = 10.0
"""Seconds for one picture, with redirects. Ours: the service allows 3, but a private line may be
slow."""

CONNECT_TIMEOUT = 3.0
"""Seconds for a connection, within `TIMEOUT`."""

MAX_REDIRECTS = 5

SENDABLE = re.compile("[!-~]+")
"""A URL that can be sent unchanged."""

NETWORK_TROUBLE: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.ConnectionTimeoutError, f"no connection to its host within {CONNECT_TIMEOUT:g} s"),
    (TimeoutError, f"its host gave no whole answer within {TIMEOUT:g} s"),
    (aiohttp.ClientConnectorDNSError, "its host's name is not known"),
    (aiohttp.ClientConnectorCertificateError, "its host's certificate is not trusted"),
    (aiohttp.ClientConnectorError, "no connection to its host"),
    (aiohttp.TooManyRedirects, "its host redirects too often"),
    (aiohttp.InvalidURL, "its URL, or a URL it redirects to, is not valid"),
    (aiohttp.NonHttpUrlClientError, "its host redirects to what is neither http nor https"),
    (Exception, "its host's answer is broken"),
)
"""The first entry that matches gives the words. No text names the URL: its query may be a key."""


class MissingError(Exception):
    """There is no picture to show; the message is the reason, in words for the page."""


class Fetcher:
    """Fetches any number of pictures at once.

    Use it in `async with`: its connections live as long as the block.
    """

    def __init__(self) -> None:
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=True,  # the proxy of this machine, if it has one
            # A compressed answer could unpack to any size, and is no picture.
            auto_decompress=False,
            headers={"User-Agent": f"aliocr/{__version__}", "Accept-Encoding": "identity"},
        )
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._http is not None:
            await self._http.close()
            self._http = None

    async def picture(self, url: str) -> bytes:
        """Return the bytes at a URL, at most some 20 MB; they may be no picture.

        Raises:
            MissingError: There are no bytes, too many bytes, or none in time.
        """
        if self._http is None:
            raise RuntimeError("a Fetcher works inside its async with block")
        try:
            async with asyncio.timeout(TIMEOUT):
                return await _body(self._http, url)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            why = next(words for kind, words in NETWORK_TROUBLE if isinstance(error, kind))
        raise MissingError(why)


async def _body(http: aiohttp.ClientSession, source: str) -> bytes:
    # Another quoting would break the signature of a URL.
    url = URL(source, encoded=bool(SENDABLE.fullmatch(source)))
    async with http.get(url, max_redirects=MAX_REDIRECTS) as response:
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
