"""Fetches the images, with the patience and the limits of the service.

The rules:

* Downloads run side by side, and the 3 s of each begin once it has a connection of its own. Who has
  the fewest connections gets the next, so that a hundred images on a slow host do not keep the next
  client waiting; and in one turn of the event loop only one download goes on.
* Before a body is read, all of its announced length is set aside in memory, or as much as an image
  may have if its host announces nothing; the 3 s stand still as long as there is not so much. It
  is free again once the picture has been read. So no number of clients fills the memory, and since
  nobody who holds some waits for more, everyone gets some in the end.
* Names are looked up side by side too, and the 3 s stand still for who waits to begin; see `names`.
* An address is judged when a connection is made to it: neither a name that resolves to it nor a
  redirect leads past that.
* A message never names the URL: the query of a signed one is a key to the image.

Source: request parameter "url", "Common error codes".
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager, suppress
from types import TracebackType
from typing import Self
from urllib.parse import urljoin, urlsplit

import aiohttp

from aliocr.checks import is_number
from aliocr.emulator.codes import image_error
from aliocr.emulator.fairness import FairShare, FairShares, LoopSlices
from aliocr.emulator.reading.addresses import is_unsafe
from aliocr.emulator.reading.raw_url import target_of
from aliocr.emulator.reading.resolver import Names
from aliocr.emulator.reading.unpacking import Unpacker, UnpackError
from aliocr.errors import APIError

TIMEOUT = 3.0
"""Seconds for one image, from the first packet to the last byte. Source: code 592."""

MAX_BYTES = 20 * 1024 * 1024
"""Bytes of one image, unpacked. Source: "Limits on images", 20 MB; code 589."""

MAX_REDIRECTS = 5
"""Not documented: enough for a short link to a login-free page and on to its picture host."""

REDIRECTS = (301, 302, 303, 307, 308)

CONNECTIONS = 200
"""Downloads at once, over all requests: those of two requests, so that a hundred images on a host
that is silent are all late at the same time."""

MAX_HELD_BYTES = 512 * 1024 * 1024
"""Bytes of images being downloaded or waiting to be read, over all requests. Ours: 25 of the
largest, or thousands of the usual ones."""

NETWORK_TROUBLE: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.ClientConnectorDNSError, "its host's name is not known"),
    (aiohttp.ClientConnectorCertificateError, "its host's certificate is not trusted"),
    (aiohttp.ClientSSLError, "no TLS connection to its host"),
    (aiohttp.ClientConnectorError, "no connection to its host"),
    (aiohttp.ClientPayloadError, "its host's answer is broken or shorter than announced"),
    (aiohttp.ServerConnectionError, "its host broke the connection off"),
    (aiohttp.ClientResponseError, "its host's answer is not proper HTTP"),
    (Exception, "its host broke the connection off"),
)
"""In plain words, the first that fits."""


def check_timeout(timeout: float) -> None:
    """Refuse seconds for one image that are none.

    Raises:
        ValueError: They are not above 0, or no number.
    """
    if not is_number(timeout) or timeout <= 0:
        raise ValueError(f"download_timeout must be above 0 s, not {timeout!r}")


class _UnsafeAddressError(OSError):
    """No connection is made to this address."""

    def __init__(self) -> None:
        # The same text for every address of a name: only then is the error told from others.
        super().__init__("an unsafe address")


class _Clock:
    """The time that one image has."""

    def __init__(self, timeout: asyncio.Timeout) -> None:
        self._timeout = timeout

    @asynccontextmanager
    async def stopped(self) -> AsyncIterator[None]:
        """A wait that is not the host's fault."""
        loop = asyncio.get_running_loop()
        end = self._timeout.when()
        left = None if end is None else end - loop.time()
        self._set(None)
        yield
        self._set(None if left is None else loop.time() + left)

    def _set(self, end: float | None) -> None:
        with suppress(RuntimeError):  # the image was given up meanwhile
            self._timeout.reschedule(end)


class Downloader:
    """Downloads, side by side, over connections of its own and past no proxy.

    `async with` it: the connections live as long as the block.

    Args:
        timeout: Seconds for one image.
        max_bytes: Bytes of one image, at most.
        private_addresses: Fetch from loopback and private networks too, as tests want. False
            refuses every address that is not public, as a service on the Internet would. Link-local
            addresses and those of cloud metadata are refused in either case.
        slices: Shared with whatever else holds the event loop; None for its own.
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
        self._names = Names()
        self._slices = LoopSlices() if slices is None else slices
        self._memory = FairShares(max(MAX_HELD_BYTES, max_bytes))

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            # A connection for each image: on one that was kept, a host could have answered for the
            # next image before anybody asked.
            connector=aiohttp.TCPConnector(
                limit=0, force_close=True, socket_factory=self._socket, resolver=self._names
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            # Ours is around redirections too, and stands still while it must.
            timeout=aiohttp.ClientTimeout(total=None),
            # What is packed all the same is unpacked here, in bounds that aiohttp has only of late.
            auto_decompress=False,
            headers={"Accept-Encoding": "identity"},
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

    @asynccontextmanager
    async def fetch(self, url: str, owner: Hashable = None) -> AsyncIterator[bytes]:
        """The bytes at a URL; whether they are a picture is for others to say.

        They count as held in memory until the block is left.

        Args:
            url: http or https. A user and password in it are sent to its host.
            owner: Whose image it is: connections and memory are shared evenly among owners.

        Raises:
            APIError: 400 no usable URL, 401 an unsafe address or a redirect to what is not http,
                403 and 404 as the host says, 480 no or a broken answer, 589 too many bytes, 592
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
                pass  # to begin one takes a millisecond, to take in a chunk not much less
            async with asyncio.timeout(self._timeout) as timeout:
                return await self._follow(url, _Clock(timeout), memory)
        except TimeoutError:
            late = f"no whole answer from its host within {self._timeout:g} s"
            raise image_error(592, late) from None
        except UnpackError as error:
            raise image_error(480, f"its host's answer has {error}") from None
        except (aiohttp.ClientError, OSError) as error:
            raise _failure(error) from None
        finally:
            connection.keep(0)

    async def _follow(self, url: str, clock: _Clock, memory: FairShare) -> bytes:
        """The body that the URL leads to, by way of redirects."""
        here = url
        for _ in range(MAX_REDIRECTS + 1):
            with self._names.asked_by(memory.owner, clock.stopped):
                got = await self._get(here, redirected=here is not url)
            async with got as response:
                location = response.headers.get("Location")
                if response.status not in REDIRECTS or location is None:
                    return await self._body(response, clock, memory)
            here = _target(here, location)
        raise image_error(480, f"it redirects more than {MAX_REDIRECTS} times")

    async def _get(self, url: str, *, redirected: bool) -> aiohttp.ClientResponse:
        if self._session is None:
            raise RuntimeError("a Downloader works inside its async with block")
        try:
            return await self._session.get(target_of(url), allow_redirects=False)
        except aiohttp.ClientConnectionError:
            raise  # one about a certificate is a ValueError as well
        # UnicodeError, a ValueError, comes for host names that DNS cannot hold.
        except (aiohttp.InvalidURL, ValueError):
            if redirected:
                raise image_error(480, "it redirects to an unusable URL") from None
            raise image_error(400, "[task.url] is not a valid URL") from None

    async def _body(
        self, response: aiohttp.ClientResponse, clock: _Clock, memory: FairShare
    ) -> bytes:
        if response.status != 200:
            raise _status_error(response.status)
        # The announced length saves the wait; the count below is what holds, as a host may announce
        # nothing, or send it packed.
        announced = response.content_length
        if announced is not None and announced > self._max_bytes:
            raise self._too_large()
        unpacker = Unpacker(response.headers.get("Content-Encoding", ""))
        size = self._max_bytes if announced is None or not unpacker.plain else announced
        async with clock.stopped():
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
        """The socket for one connection; the last moment before it is made."""
        family, kind, protocol, _, address = address_info
        if is_unsafe(address[0], private_addresses=self._private_addresses):
            raise _UnsafeAddressError
        return socket.socket(family, kind, protocol)


def _target(here: str, location: str) -> str:
    """Where a redirect leads to.

    Raises:
        APIError: 401 not to http or https, 480 nowhere.
    """
    try:
        target = urljoin(here, location)
        before, after = urlsplit(here), urlsplit(target)
    except ValueError:
        raise image_error(480, "it redirects to an unusable URL") from None
    if after.scheme not in ("http", "https"):
        raise image_error(401, "it redirects to what is neither http nor https")
    # The host that was given a user and password keeps them; no other is.
    if (after.scheme, after.netloc) == (before.scheme, before.netloc.rpartition("@")[2]):
        return after._replace(netloc=before.netloc).geturl()
    return target


def _failure(error: Exception) -> APIError:
    """For an exchange that failed."""
    if isinstance(getattr(error, "os_error", None), _UnsafeAddressError):
        return image_error(401, "[task.url] leads to an address that is not public")
    return image_error(
        480, next(words for kind, words in NETWORK_TROUBLE if isinstance(error, kind))
    )


def _status_error(status: int) -> APIError:
    words = f"its host answers HTTP {status}"
    if status in (404, 410):
        return image_error(404, words)
    if status in (401, 403):
        return image_error(403, words)
    return image_error(480, words)
