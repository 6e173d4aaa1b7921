"""A picture from the network, to be shown: what the service downloads is not given back."""

from __future__ import annotations

import math

import aiohttp

from aliocr.version import __version__

__all__ = ["FetchError", "fetched"]

MAX_BYTES = 20 * 1024 * 1024
"""Bytes of one picture. Source: "Limits on images", 20 MB."""

TIMEOUT = 10.0
"""Seconds for all of it: the service has 3, but a host nearer to it."""

MAX_REDIRECTS = 5


class FetchError(Exception):
    """The picture was not fetched; the message says why, and does not name the URL."""


async def fetched(url: str) -> bytes:
    """The bytes at a URL.

    Raises:
        FetchError: There are none, too many of them, or not in time.
    """
    options = aiohttp.ClientTimeout(total=TIMEOUT, ceil_threshold=math.inf)
    try:
        async with (
            aiohttp.ClientSession(
                timeout=options,
                trust_env=True,  # the proxy of this machine, if it has one
                # A picture gains nothing from being packed, and need not be bounded twice.
                auto_decompress=False,
                headers={"User-Agent": f"aliocr/{__version__}", "Accept-Encoding": "identity"},
            ) as http,
            http.get(url, max_redirects=MAX_REDIRECTS) as response,
        ):
            if response.status != 200:
                raise FetchError(f"its host answers HTTP {response.status}")
            return await _body(response)
    except TimeoutError:
        raise FetchError(f"not downloaded within {TIMEOUT:g} s") from None
    except aiohttp.TooManyRedirects:
        raise FetchError(f"it redirects more than {MAX_REDIRECTS} times") from None
    except aiohttp.ClientConnectorError as error:
        raise FetchError(f"no connection to its host: {error.strerror or error.os_error}") from None
    except (aiohttp.InvalidURL, UnicodeError):
        raise FetchError("not a valid URL") from None
    except (aiohttp.ClientError, OSError, ValueError):
        raise FetchError("its host broke the connection off, or its answer is broken") from None


async def _body(response: aiohttp.ClientResponse) -> bytes:
    data = bytearray()
    async for chunk in response.content.iter_any():
        data += chunk
        if len(data) > MAX_BYTES:
            raise FetchError(f"more than {MAX_BYTES} bytes")
    return bytes(data)
