"""Downloads images with the service's time and size limits.

The rules:

* Downloads run concurrently, and the 3 s of each begin when it gets a connection. The next
  connection goes to the owner with the fewest, so that a hundred images on a slow host do not delay
  the next client; and in one turn of the event loop only one download goes on.
* Before a body is read, memory for its announced length is reserved, or for the largest image if
  its host announces none; the 3 s stand still during the wait. The memory is released when the
  picture has been read. So no number of clients fills the memory; and as a holder never waits for
  more, every wait ends.
* Names are looked up concurrently too, and the 3 s stand still before a lookup begins; see
  `resolver`.
* An address is checked when a connection to it is made, so no name and no redirect bypasses the
  check.
* A message never names the URL: the query of a signed URL is a key to the image.

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
from aliocr.emulator.reading.addresses import is_unsafe
from aliocr.emulator.reading.raw_url import parse_raw_url
from aliocr.emulator.reading.resolver import Resolver
from aliocr.emulator.reading.unpacking import Unpacker, UnpackError
from aliocr.errors import APIError

TIMEOUT = 3.0
"""Seconds for one image, from the first packet to the last byte. Source: code 592."""

MAX_BYTES = 20 * 1024 * 1024
"""Bytes of one image, unpacked. Source: "Limits on images", 20 MB; code 589."""

MAX_REDIRECTS = 5
"""Not documented: enough for a short link, a public page and its picture host."""

REDIRECTS = (301, 302, 303, 307, 308)

STATUS_CODES = {401: 403, 403: 403, 404: 404, 410: 404}
"""The service's codes of a host's HTTP statuses; 480 for all others."""

CONNECTIONS = 200
"""Downloads at once, over all requests. Enough for two requests, so that the hundred images of a
silent host all time out together."""

MAX_HELD_BYTES = 512 * 1024 * 1024
"""Bytes of images being downloaded or waiting to be read, over all requests. Our choice: 25 of the
largest images, or thousands of usual ones."""

NETWORK_TROUBLE: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.ClientConnectorDNSError, "its host's name is not known"),
    (aiohttp.ClientConnectorCertificateError, "its host's certificate is not trusted"),
    (aiohttp.ClientSSLError, "no TLS connection to its host"),
    (aiohttp.ClientConnectorError, "no connection to its host"),
    (aiohttp.ClientPayloadError, "its host's answer is broken or shorter than announced"),
    (aiohttp.ClientResponseError, "its host's answer is not proper HTTP"),
    (Exception, "its host broke the connection off"),
)
"""Messages of network errors; the first match counts."""


def check_timeout(timeout: float) -> None:
    """Check the timeout of one image: `ValueError` if it is not a number above 0."""
    if not is_number(timeout) or timeout <= 0:
        raise ValueError(f"download_timeout must be above 0 s, not {timeout!r}")


class _UnsafeAddressError(OSError):
    """The emulator does not connect to this address."""

    def __init__(self) -> None:
        # aiohttp passes the error on only if it has the same text for every address of a name.
        super().__init__("an unsafe address")


@asynccontextmanager
async def _paused(deadline: asyncio.Timeout) -> AsyncIterator[None]:
    """Stop the clock of one image within the block, for a wait that is not the host's fault."""
    loop = asyncio.get_running_loop()
    end = deadline.when()
    left = None if end is None else end - loop.time()
    with suppress(RuntimeError):  # the download was given up meanwhile
        deadline.reschedule(None)
    yield
    with suppress(RuntimeError):
        deadline.reschedule(None if left is None else loop.time() + left)


class Downloader:
    """Downloads images concurrently over its own connections, without a proxy.

    The connections live as long as the `async with` block.

    Timeout and maximum size are those of one image. Private addresses are allowed for tests; False
    refuses every address that is not public, as a service on the Internet would.
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
            # A new connection for each image: on a reused one, a host could send the answer for the
            # next image before its request.
            connector=aiohttp.TCPConnector(
                limit=0, force_close=True, socket_factory=self._socket, resolver=self._resolver
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            # Our deadline covers redirects too, and can be paused.
            timeout=aiohttp.ClientTimeout(total=None),
            # Packed bodies are decoded here, within limits that aiohttp has only since recently.
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
        """Download the bytes at a URL, of whatever format.

        The bytes count as held memory until the block ends.

        Connections and memory are shared evenly among owners. A user and password in the URL are
        sent to its host.

        Raises:
            APIError: 400 unusable URL, 401 unsafe address or redirect to another scheme than http,
                403 and 404 as the host says, 480 no answer or a broken one, 589 too many bytes, 592
                not in time. Its message names no URL.
        """
        memory = self._memory.share(owner)
        try:
            yield await self._download(url, owner, memory)
        finally:
            memory.keep(0)

    async def _download(self, url: str, owner: Hashable, memory: FairShare) -> bytes:
        connection = self._connections.share(owner)
        await connection.take(1)
        try:
            async with self._slices.take(owner):
                pass  # a download's start takes a millisecond, a chunk little less
            async with asyncio.timeout(self._timeout) as deadline:
                return await self._follow(url, deadline, memory)
        except TimeoutError:
            late = f"no whole answer from its host within {self._timeout:g} s"
            raise image_error(592, late) from None
        except UnpackError as error:
            raise image_error(480, f"its host's answer has {error}") from None
        except (aiohttp.ClientError, OSError) as error:
            if isinstance(getattr(error, "os_error", None), _UnsafeAddressError):
                unsafe = "[task.url] leads to an address that is not public"
                raise image_error(401, unsafe) from None
            trouble = next(words for kind, words in NETWORK_TROUBLE if isinstance(error, kind))
            raise image_error(480, trouble) from None
        finally:
            connection.keep(0)

    async def _follow(self, url: str, deadline: asyncio.Timeout, memory: FairShare) -> bytes:
        """Follow redirects to the body."""
        here = url
        for _ in range(MAX_REDIRECTS + 1):
            with self._resolver.looking_up_for(memory.owner, partial(_paused, deadline)):
                got = await self._get(here, redirected=here is not url)
            async with got as response:
                location = response.headers.get("Location")
                if response.status not in REDIRECTS or location is None:
                    return await self._body(response, deadline, memory)
            here = _redirect_target(here, location)
        raise image_error(480, f"it redirects more than {MAX_REDIRECTS} times")

    async def _get(self, url: str, *, redirected: bool) -> aiohttp.ClientResponse:
        if self._session is None:
            raise RuntimeError("a Downloader works inside its async with block")
        try:
            return await self._session.get(parse_raw_url(url), allow_redirects=False)
        except aiohttp.ClientConnectionError:
            raise  # certificate errors are ValueErrors too
        # A host name that DNS cannot hold raises UnicodeError, a ValueError.
        except (aiohttp.InvalidURL, ValueError):
            if redirected:
                raise image_error(480, "it redirects to an unusable URL") from None
            raise image_error(400, "[task.url] is not a valid URL") from None

    async def _body(
        self, response: aiohttp.ClientResponse, deadline: asyncio.Timeout, memory: FairShare
    ) -> bytes:
        if response.status != 200:
            code = STATUS_CODES.get(response.status, 480)
            raise image_error(code, f"its host answers HTTP {response.status}")
        # An announced length fails early; the count below is the real limit, as a host may announce
        # no length, or send the body packed.
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
        return image_error(589, f"given up after {self._max_bytes} bytes")

    def _socket(self, address_info: aiohttp.AddrInfoType) -> socket.socket:
        """Check the address and make the socket, just before the connection."""
        family, kind, protocol, _, address = address_info
        if is_unsafe(address[0], private_addresses=self._private_addresses):
            raise _UnsafeAddressError
        return socket.socket(family, kind, protocol)


def _redirect_target(here: str, location: str) -> str:
    """Return the URL that a redirect leads to.

    Raises:
        APIError: 401 the scheme is not http or https, 480 the URL is unusable.
    """
    try:
        target = urljoin(here, location)
        before, after = urlsplit(here), urlsplit(target)
    except ValueError:
        raise image_error(480, "it redirects to an unusable URL") from None
    if after.scheme not in ("http", "https"):
        raise image_error(401, "it redirects to a URL that is neither http nor https")
    # A user and password are kept for the same host only.
    if (after.scheme, after.netloc) == (before.scheme, before.netloc.rpartition("@")[2]):
        return after._replace(netloc=before.netloc).geturl()
    return target
