"""The session: opens and closes the parts, and offers the three verbs."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from types import TracebackType
from typing import Any, Self
from urllib.parse import SplitResult, urlsplit

import aiohttp

from aliocr.batching import Batcher, Lane, Waiting
from aliocr.credentials import Credentials, CredentialsProvider
from aliocr.exchange import Exchange
from aliocr.feed import Feed, Source
from aliocr.limiter import Limiter, account_limiter
from aliocr.limits import Limits
from aliocr.models import Failure, Image, Outcome, Scan
from aliocr.retry import RetryPolicy
from aliocr.transport import Transport

__all__ = ["Session"]

TIMEOUT = 7.0
"""Seconds. The service answers within 6, and its own timeout code, which says which image it was,
should beat ours. Source: "Response timeout"."""


class Session:
    """A session with the service: one account, one endpoint, one event loop.

    Use it as `async with`. All sessions of one account on one loop share its request rate.

    Args:
        credentials: `Credentials`, or a provider: a callable that gives them, at once or awaited,
            before every request. None reads the environment (`Credentials.from_environment`).
        endpoint: Base URL, scheme and host; None for `https://green.{region}.aliyuncs.com`.
        region: Where the account's service is, if `endpoint` is None.
        biz_type: The moderation policy made in the console; None for the service's default.
        limits: What the account allows.
        timeout: Seconds for one request, connection and body included; None for no limit.
        max_retries: Tries per image after the first. Throttled tries are not counted.
        limiter: Something with an awaitable `acquire()` that gives leave for one request, to share
            a rate more widely; None for the account's own on this loop.
        http: An `aiohttp.ClientSession` to send with; it is left open.

    Raises:
        ValueError: An argument that cannot be right; the message names it and its value.
    """

    def __init__(
        self,
        *,
        credentials: Credentials | CredentialsProvider | None = None,
        endpoint: str | None = None,
        region: str = "cn-shanghai",
        biz_type: str | None = None,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        timeout: float | None = TIMEOUT,
        max_retries: int = 3,
        limiter: Limiter | None = None,
        http: aiohttp.ClientSession | None = None,
    ) -> None:
        self._base_url = _base_url(endpoint, region)
        self._credentials = _checked_credentials(credentials)
        _check(biz_type is None or (isinstance(biz_type, str) and biz_type), "biz_type", biz_type)
        _check(isinstance(limits, Limits), "limits", limits)
        _check(timeout is None or _is_positive(timeout), "timeout", timeout)
        _check(type(max_retries) is int and max_retries >= 0, "max_retries", max_retries)
        _check(limiter is None or hasattr(limiter, "acquire"), "limiter", limiter)
        _check(http is None or isinstance(http, aiohttp.ClientSession), "http", http)
        self._limits = limits
        self._limiter = limiter
        self._retry = RetryPolicy(max_retries)
        self._transport = Transport(self._base_url, timeout=timeout, http=http)
        self._exchange = Exchange(self._transport, self._credentials, biz_type)
        self._batcher: Batcher | None = None
        self._parts = AsyncExitStack()
        self._feeds: set[Feed] = set()

    def __repr__(self) -> str:
        return f"<Session {self._base_url}>"

    async def __aenter__(self) -> Self:
        if self._batcher is not None:
            raise RuntimeError("a session is opened once; make another")
        account = self._credentials
        limiter = self._limiter or account_limiter(
            # A provider's key changes; the provider itself stands for the account.
            account.access_key_id if isinstance(account, Credentials) else id(account),
            self._limits.requests_per_second,
        )
        await self._transport.open()
        self._parts.push_async_callback(self._transport.close)
        self._batcher = Batcher(
            self._exchange, limiter, self._retry, self._limits.images_per_request
        )
        # The other way round: the batcher closes first, so that feeds still get their outcomes.
        self._parts.push_async_callback(self._close_feeds)
        self._parts.push_async_callback(self._batcher.close)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._parts.aclose()

    async def scan(self, image: str | Image) -> Scan:
        """Read one image, ahead of any bulk work.

        Cancelling it costs nothing while the image still waits; once it has been sent, the request
        goes on for the sake of the others in it.

        Args:
            image: A URL, or an `Image` for frames or a data id of your own.

        Raises:
            AuthError: The account is refused.
            ImageError: Something is wrong with this image.
            OCRError: Anything else, after the retries allowed.
            ValueError: Not an image the service would take.
        """
        caller = _OneCaller()
        batcher = self._opened()
        waiting = batcher.submit(Image.of(image), caller, Lane.INTERACTIVE)
        try:
            outcome = await caller.outcome
        finally:
            batcher.withdraw(waiting)
        if isinstance(outcome, Failure):
            raise outcome.error
        return outcome

    async def scan_many(self, images: Iterable[str | Image]) -> list[Outcome]:
        """Read a list of images: as many outcomes, in the same order.

        Args:
            images: URLs or `Image`s. All are checked before the first is sent. The same data id may
                come more than once; such images travel in different requests.

        Raises:
            AuthError: The account is refused. Everything else that goes wrong is a `Failure` in
                the list.
            ValueError: One of them is not an image the service would take; nothing was sent.
        """
        wanted = _checked_images(images)
        async with self._feed(wanted) as feed:
            found = {number: outcome async for number, outcome in feed}
        return [found[number] for number in range(len(wanted))]

    async def stream(self, images: Source) -> AsyncGenerator[Outcome, None]:
        """Read images from any iterable or asynchronous iterable; outcomes as they complete.

        The source is drawn on only as fast as images are sent and outcomes are used, so a million
        images need no more memory than a few thousand. Leaving the loop withdraws what waits.

        Args:
            images: URLs or `Image`s; a generator may do.

        Raises:
            AuthError: The account is refused; at once.
            ValueError: The source gave something that is no image. It is raised after the outcomes
                of all images before it, and so is whatever else the source raises.
        """
        _refuse_single(images)
        async with self._feed(images) as feed:
            async for _, outcome in feed:
                yield outcome

    @asynccontextmanager
    async def _feed(self, source: Source) -> AsyncIterator[Feed]:
        feed = Feed(self._opened(), source, self._limits.images_per_request)
        self._feeds.add(feed)
        try:
            yield feed
        finally:
            self._feeds.discard(feed)
            await feed.close()

    async def _close_feeds(self) -> None:
        for feed in list(self._feeds):
            await feed.close()

    def _opened(self) -> Batcher:
        if self._batcher is None:
            raise RuntimeError("open the session first: async with aliocr.Session() as ocr")
        return self._batcher


class _OneCaller:
    """The caller of one image: a future, which its cancellation may have ended already."""

    def __init__(self) -> None:
        self.outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    def taken(self, waiting: Waiting) -> None:
        pass

    def deliver(self, waiting: Waiting, outcome: Outcome) -> None:  # noqa: ARG002
        if not self.outcome.done():
            self.outcome.set_result(outcome)


# --- arguments ------------------------------------------------------------------------------------


def _check(holds: Any, name: str, value: object) -> None:
    if not holds:
        raise ValueError(f"{name} cannot be {value!r}; {_EXPECTED[name]}")


_EXPECTED = {
    "biz_type": "it is the name of a policy, or None",
    "limits": "it is a Limits(...)",
    "timeout": "it is seconds above 0, or None for no limit",
    "max_retries": "it is a whole number from 0 up",
    "limiter": "it needs an awaitable acquire()",
    "http": "it is an aiohttp.ClientSession, or None",
    "credentials": "it is a Credentials(...) or a callable that gives one",
    "endpoint": "it is http:// or https:// and a host, without a path",
    "region": "it is a region id such as cn-shanghai",
}


def _is_positive(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and value > 0


def _base_url(endpoint: str | None, region: str) -> str:
    if endpoint is None:
        _check(isinstance(region, str) and re.fullmatch(r"[a-z0-9-]+", region), "region", region)
        return f"https://green.{region}.aliyuncs.com"
    _check(isinstance(endpoint, str), "endpoint", endpoint)
    parts = urlsplit(endpoint)
    bare = not (parts.path.strip("/") or parts.query or parts.fragment or parts.username)
    _check(parts.scheme in ("http", "https") and parts.hostname and bare, "endpoint", endpoint)
    _check(_has_port(parts), "endpoint", endpoint)
    return f"{parts.scheme}://{parts.netloc}"


def _has_port(parts: SplitResult) -> bool:
    try:
        return parts.port != 0
    except ValueError:
        return False


def _checked_credentials(
    credentials: Credentials | CredentialsProvider | None,
) -> Credentials | CredentialsProvider:
    if credentials is None:
        return Credentials.from_environment()
    _check(isinstance(credentials, Credentials) or callable(credentials), "credentials", ...)
    return credentials


def _checked_images(images: Iterable[str | Image]) -> list[Image]:
    _refuse_single(images)
    wanted = []
    for number, image in enumerate(images):
        try:
            wanted.append(Image.of(image))
        except ValueError as error:
            raise ValueError(f"image {number}: {error}") from None
    return wanted


def _refuse_single(images: object) -> None:
    if isinstance(images, str | bytes | Image):
        raise ValueError(f"images is a list or other iterable of them, not one: {images!r}")  # noqa: TRY004
