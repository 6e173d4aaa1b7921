"""Downloads images with the service's time and size limits.

The rules:

* Downloads run concurrently. The timeout of 3 s begins when a download gets a connection.
* An *owner* is the request that an image belongs to. The next connection goes to the owner with the
  fewest connections, so that a hundred images on a slow host do not delay the next client.
* In one iteration of the event loop, only one download does work, so that the loop stays free for
  other requests.
* Before a body is read, memory is reserved: for the length that the host announces, or for the
  maximum size if the host announces no length or sends a packed body. The timeout is paused while a
  download waits for memory. The memory is released when the picture has been read.
* So the memory stays limited with any number of clients. A download that holds memory never waits
  for more memory, so every wait ends.
* Names of hosts are also looked up concurrently. The timeout is paused until the lookup begins; see
  `resolver`.
* An address is checked when a connection to the address is made, so a name or a redirect cannot
  bypass the check.
* A message never contains the URL, because the query of a signed URL is a key to the image.

Source: request parameter "url", "Common error codes".
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Self
from urllib.parse import urljoin, urlsplit

import aiohttp

from aliocr.checks import is_number
from aliocr.emulator.codes import image_error
from aliocr.emulator.fairness import FairShare, FairShares, LoopSlices
from aliocr.emulator.reading.addresses import UnsafeAddressError, open_socket
from aliocr.emulator.reading.raw_url import parse_raw_url
from aliocr.emulator.reading.resolver import Resolver
from aliocr.emulator.reading.unpacking import Unpacker, UnpackError
from aliocr.emulator.storage.objects import StoredObject
from aliocr.errors import APIError

TIMEOUT = 3.0
"""Timeout of one image, in seconds, from the first packet to the last byte. Source: code 592."""

MAX_BYTES = 20 * 1024 * 1024
"""Maximum size of one image, unpacked, in bytes. Source: "Limits on images", 20 MB; code 589."""

MAX_REDIRECTS = 5
"""Maximum number of redirects for one image. We chose this value, because the documents have none.
It is enough for a short link to a public page, from which the host of the picture is reached."""

REDIRECTS = (301, 302, 303, 307, 308)
"""HTTP statuses that are redirects."""

STATUS_CODES = {401: 403, 403: 403, 404: 404, 410: 404}
"""Code of the service for each HTTP status of a host. Any other status gets 480, except 200 and
redirects."""

CONNECTIONS = 200
"""Maximum number of running downloads, over all requests. It is enough for two requests of a
hundred images: if their host does not answer, all these images time out at the same time, and none
has to wait for a connection first."""

MAX_HELD_BYTES = 512 * 1024 * 1024
"""Maximum size of all images that are being downloaded or read, in bytes, over all requests. We
chose this value: 25 images of the maximum size, or thousands of usual images."""

NETWORK_TROUBLE: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.ClientConnectorDNSError, "its host's name is not known"),
    (aiohttp.ClientConnectorCertificateError, "its host's certificate is not trusted"),
    (aiohttp.ClientSSLError, "no TLS connection to its host"),
    (aiohttp.ClientConnectorError, "no connection to its host"),
    (aiohttp.ClientPayloadError, "its host's answer is broken or shorter than announced"),
    (aiohttp.ClientResponseError, "its host's answer is not proper HTTP"),
    (Exception, "the connection to its host was lost"),
)
"""Messages for network errors. The first class that matches gives the message."""


def check_timeout(timeout: float) -> None:
    """Raise `ValueError` if the timeout of one image is not a number above 0."""
    if not is_number(timeout) or timeout <= 0:
        raise ValueError(f"download_timeout must be above 0 s, not {timeout!r}")


@asynccontextmanager
async def _paused(deadline: asyncio.Timeout) -> AsyncIterator[None]:
    """Pause the timeout of an image within the block, because the host does not cause this wait."""
    loop = asyncio.get_running_loop()
    end = deadline.when()
    left = None if end is None else end - loop.time()
    with suppress(RuntimeError):  # the download was abandoned during this time
        deadline.reschedule(None)
    yield
    with suppress(RuntimeError):
        deadline.reschedule(None if left is None else loop.time() + left)


class Downloader:
    """A downloader of images, which works concurrently and without a proxy.

    Its connections are open inside the `async with` block.

    Args:
        timeout: Timeout of one image, in seconds.
        max_bytes: Maximum size of one image, in bytes.
        private_addresses: If True, private addresses are allowed, because tests need them. If
            False, every address that is not public is refused, as a service on the Internet does.
        slices: Time slices of the event loop, shared with other parts of the emulator.
    """

    def __init__(
        self,
        *,
        timeout: float = TIMEOUT,
        max_bytes: int = MAX_BYTES,
        private_addresses: bool = True,
        slices: LoopSlices | None = None,
    ) -> None:
        self._timeout = timeout
        self._max_bytes = max_bytes
        self._private_addresses = private_addresses
        self._session: aiohttp.ClientSession | None = None
        self._connections = FairShares(CONNECTIONS)
        self._resolver = Resolver()
        self._slices = LoopSlices() if slices is None else slices
        self._memory = FairShares(max(MAX_HELD_BYTES, max_bytes))

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            # Each image gets a new connection, because on a reused connection a host could send the
            # answer for the next image before this image is requested.
            connector=aiohttp.TCPConnector(
                limit=0, force_close=True, socket_factory=self._socket, resolver=self._resolver
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            # The timeout of aiohttp is off, because the timeout in `_download` includes redirects
            # and can be paused.
            timeout=aiohttp.ClientTimeout(total=None),
            # aiohttp must not decode packed bodies, because older versions have no limits for this.
            # `Unpacker` has limits.
            auto_decompress=False,
            headers={"Accept-Encoding": "identity"},
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    @asynccontextmanager
    async def fetch(self, url: str, owner: Hashable = None) -> AsyncIterator[bytes]:
        """Download the bytes at a URL, in any format, and yield these bytes.

        The bytes count as held memory until the block ends. Connections and memory are shared
        evenly among owners. A user and password in the URL are sent to the host of the URL.

        Raises:
            APIError: The image cannot be downloaded. Codes: 400 invalid URL; 401 unsafe address, or
                redirect to a scheme other than http and https; 403 or 404 if the host answers that
                access is denied or that there is no image; 480 no answer, a broken answer or
                another answer; 589 too many bytes; 592 timeout. The message does not contain the
                URL.
        """
        memory = self._memory.share(owner)
        try:
            yield await self._download(url, owner, memory)
        finally:
            memory.keep(0)

    @asynccontextmanager
    async def hold(self, stored: StoredObject, owner: Hashable = None) -> AsyncIterator[bytes]:
        """Yield the bytes of an uploaded object; memory is shared as in `fetch`.

        Raises:
            APIError: 404 if the object was dropped in the meantime.
        """
        memory = self._memory.share(owner)
        await memory.take(stored.size)
        try:
            yield await asyncio.to_thread(stored.read)
        finally:
            memory.keep(0)

    async def _download(self, url: str, owner: Hashable, memory: FairShare) -> bytes:
        connection = self._connections.share(owner)
        await connection.take(1)
        try:
            async with self._slices.take(owner):
                pass  # wait for a slice, because the start of a download takes a millisecond
            async with asyncio.timeout(self._timeout) as deadline:
                return await self._follow(url, deadline, memory)
        except TimeoutError:
            late = f"no complete answer from its host within {self._timeout:g} s"
            raise image_error(592, late) from None
        except UnpackError as error:
            raise image_error(480, f"its host's answer has {error}") from None
        except (aiohttp.ClientError, OSError) as error:
            if isinstance(getattr(error, "os_error", None), UnsafeAddressError):
                unsafe = "[task.url] leads to an address that is not public"
                raise image_error(401, unsafe) from None
            trouble = next(words for kind, words in NETWORK_TROUBLE if isinstance(error, kind))
            raise image_error(480, trouble) from None
        finally:
            connection.keep(0)

    async def _follow(self, url: str, deadline: asyncio.Timeout, memory: FairShare) -> bytes:
        """Follow the redirects, and return the body."""
        here = url
        for _ in range(MAX_REDIRECTS + 1):
            with self._resolver.looking_up_for(memory.owner, partial(_paused, deadline)):
                got = await self._get(here, redirected=here is not url)
            async with got as response:
                location = response.headers.get("Location")
                if response.status not in REDIRECTS or location is None:
                    return await self._body(response, deadline, memory)
            here = _redirect_target(here, location)
        raise image_error(480, f"its URL redirects more than {MAX_REDIRECTS} times")

    async def _get(self, url: str, *, redirected: bool) -> aiohttp.ClientResponse:
        if self._session is None:
            raise RuntimeError("a Downloader works inside its async with block")
        try:
            return await self._session.get(parse_raw_url(url), allow_redirects=False)
        except aiohttp.ClientConnectionError:
            raise  # errors of certificates are also ValueErrors, which are caught below
        # A host name that DNS cannot represent raises UnicodeError, which is a ValueError.
        except (aiohttp.InvalidURL, ValueError):
            if redirected:
                raise image_error(480, "its URL redirects to an invalid URL") from None
            raise image_error(400, "[task.url] is not a valid URL") from None

    async def _body(
        self, response: aiohttp.ClientResponse, deadline: asyncio.Timeout, memory: FairShare
    ) -> bytes:
        if response.status != 200:
            code = STATUS_CODES.get(response.status, 480)
            raise image_error(code, f"its host answers HTTP {response.status}")
        # If the host announces a length, it is checked before the body is read. The bytes are also
        # counted below, because a host may announce no length, or send a packed body.
        announced = response.content_length
        if announced is not None and announced > self._max_bytes:
            raise self._too_large()
        unpacker = Unpacker(response.headers.get("Content-Encoding", ""))
        size = self._max_bytes if announced is None or not unpacker.plain else announced
        async with _paused(deadline):
            await memory.take(size)
        data = bytearray()
        async for chunk in response.content.iter_any():
            async with self._slices.take(memory.owner):
                pass
            for piece in unpacker.unpacked(chunk):
                data += piece
                if len(data) > self._max_bytes:
                    raise self._too_large()
                if not unpacker.plain:
                    await asyncio.sleep(0)
        unpacker.finish()
        memory.keep(len(data))
        return bytes(data)

    def _too_large(self) -> APIError:
        return image_error(589, f"download stopped after {self._max_bytes} bytes")

    def _socket(self, address_info: aiohttp.AddrInfoType) -> socket.socket:
        """Check the address and return a socket; aiohttp calls this just before it connects."""
        return open_socket(address_info, private_addresses=self._private_addresses)


def _redirect_target(here: str, location: str) -> str:
    """Return the URL that a redirect leads to.

    Raises:
        APIError: 401 if the scheme is not http or https; 480 if the URL is invalid.
    """
    try:
        target = urljoin(here, location)
        before, after = urlsplit(here), urlsplit(target)
    except ValueError:
        raise image_error(480, "its URL redirects to an invalid URL") from None
    if after.scheme not in ("http", "https"):
        raise image_error(401, "its URL redirects to a URL that is neither http nor https")
    # User and password are kept only if scheme, host and port are the same.
    if (after.scheme, after.netloc) == (before.scheme, before.netloc.rpartition("@")[2]):
        return after._replace(netloc=before.netloc).geturl()
    return target
