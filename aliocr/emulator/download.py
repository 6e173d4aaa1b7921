"""Fetches the images, with the patience and the limits of the service.

Source: request parameter "url", "Common error codes".
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

import aiohttp

from aliocr.errors import APIError, api_error

__all__ = ["Downloader"]

TIMEOUT = 3.0
"""Seconds for one image, from the first packet to the last byte. Source: code 592."""

MAX_BYTES = 20 * 1024 * 1024
"""Bytes of one image, unpacked. Source: "Limits on images", 20 MB; code 589."""

MAX_REDIRECTS = 5
"""Not documented: enough for a short link to a login-free page and on to its picture host."""

CONNECTIONS = 50
"""Downloads at once, over all requests."""


class Downloader:
    """Downloads, side by side, over connections of its own.

    `async with` it: the connections live as long as the block.

    Args:
        timeout: Seconds for one image.
        max_bytes: Bytes of one image, at most.
    """

    def __init__(self, *, timeout: float = TIMEOUT, max_bytes: int = MAX_BYTES) -> None:
        self._timeout = timeout
        self._max_bytes = max_bytes
        self._session: aiohttp.ClientSession | None = None
        # aiohttp would count the wait for a connection into the image's own time, so the wait is
        # here, before it, and aiohttp's own bound is off.
        self._turns = asyncio.Semaphore(CONNECTIONS)

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            # aiohttp rounds deadlines above the threshold up to the loop's next whole second.
            timeout=aiohttp.ClientTimeout(total=self._timeout, ceil_threshold=3600),
        )
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def fetch(self, url: str) -> bytes:
        """The bytes at a URL; whether they are a picture is for others to say.

        Args:
            url: http or https.

        Raises:
            APIError: 400 no usable URL, 403 and 404 as the host says, 480 no or a broken answer,
                589 too many bytes, 592 not in time. Its message names no URL, and says what the
                advice of the code does not.
        """
        if self._session is None:
            raise RuntimeError("a Downloader works inside its async with block")
        async with self._turns:
            try:
                # aiohttp counts the one that is too many.
                async with self._session.get(url, max_redirects=MAX_REDIRECTS + 1) as response:
                    return await self._read(response)
            except TimeoutError:
                raise api_error(592, "download timeout") from None
            # A redirection to nonsense is also an InvalidURL, but not the fault of this URL.
            except aiohttp.RedirectClientError:
                raise api_error(480, "network: redirected to an unusable URL") from None
            # UnicodeError, a ValueError, comes for host names that DNS cannot hold.
            except (aiohttp.InvalidURL, ValueError):
                raise api_error(400, "[task.url] is not a valid URL") from None
            except (aiohttp.ClientError, OSError) as error:
                raise api_error(480, f"network: {type(error).__name__}") from None

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        if response.status != 200:
            raise _status_error(response.status)
        # The announced length saves the wait; the count below is what holds, as a host may announce
        # nothing, or send it packed.
        if (response.content_length or 0) > self._max_bytes:
            raise self._too_large()
        data = bytearray()
        async for chunk in response.content.iter_any():
            data += chunk
            if len(data) > self._max_bytes:
                raise self._too_large()
        return bytes(data)

    def _too_large(self) -> APIError:
        return api_error(589, f"given up after {self._max_bytes} bytes")


def _status_error(status: int) -> APIError:
    if status == 404:
        return api_error(404, "its host answers HTTP 404")
    if status in (401, 403):
        return api_error(403, f"its host answers HTTP {status}")
    return api_error(480, f"network: its host answers HTTP {status}")
