"""The session: opens and closes the parts, and has the methods `scan`, `scan_many` and `stream`."""

from __future__ import annotations

import asyncio
import math
import ssl
from collections.abc import Iterable
from contextlib import AsyncExitStack, aclosing, suppress
from functools import partial
from typing import Self

import aiohttp

from aliocr.arguments import base_url, check, check_all, is_positive
from aliocr.credentials import AnyCredentials
from aliocr.dispatch.batcher import Batcher
from aliocr.dispatch.outcome_stream import OutcomeStream
from aliocr.dispatch.pending_image import State
from aliocr.dispatch.queue import Lane
from aliocr.dispatch.rates.limiter import Limiter
from aliocr.dispatch.registry import throttle_of
from aliocr.dispatch.retry import RepeatBudget, RetryPolicy
from aliocr.dispatch.scan_receiver import ScanReceiver
from aliocr.dispatch.source import (
    ImageSource,
    check_source,
    close_source,
    numbered_image,
    values_of,
)
from aliocr.dispatch.stream import ImageStream
from aliocr.errors import AuthError, OCRError, ScanTimeoutError
from aliocr.keys.kept import KeptCredentials
from aliocr.keys.source import account_of, source_of
from aliocr.limits import MAX_WAITING, PATIENCE, REPEAT_BUDGET, THROTTLE_TIMEOUT, TIMEOUT, Limits
from aliocr.models import Failure, Image, Outcome, Scan
from aliocr.protocol.deadline import Deadline
from aliocr.protocol.sender import HttpSender
from aliocr.protocol.transport import Transport
from aliocr.route import route_to
from aliocr.stats import Stats


class Session:
    """A session with the service: one account, one endpoint, one event loop.

    Use it with `async with`. All sessions of one account on one event loop share the account's
    limits and the learnt rates.

    Args:
        credentials: `Credentials`, or a provider: a callable that returns them, directly or as an
            awaitable, before every request; or a client or provider object of the vendor's package
            `alibabacloud-credentials`; or `"chain"`, which walks the vendor's default chain (extra
            `credentials`). None reads the environment (`Credentials.from_environment`). Give all
            sessions of an account the same provider, because the provider stands for the account.
            It need not be hashable.
        endpoint: Base URL, scheme and host; None for the variable `ALIOCR_ENDPOINT`, or without
            this variable for the region's.
        region: The region of the service, if there is no endpoint.
        vpc: Use the region's address inside of Alibaba Cloud (VPC), if there is no endpoint.
        biz_type: The moderation policy made in the console; None for the service's default.
        limits: The limits of the account.
        timeout: Timeout of one request, in seconds, from connecting until the response is read;
            None for no limit.
        max_retries: Tries per image after the first. Throttled tries are not counted.
        limiter: An object with an awaitable `acquire()` that returns when one request may be sent,
            so that other programs can share the rate; or a `StrictLimiter`. None for the account's
            own limiter.
        throttle_timeout: Time for which images wait while the service throttles the whole account,
            in seconds. Images that have waited longer fail with `ThrottledError`. An image that was
            refused twenty times over a longer time also fails, even if other images are read. None
            for no limit.
        patience: Time for which images wait in an outage, in seconds. It is an outage if requests
            fail, in the network or in the service, and none of the account was answered for a
            second. Then one image a second is sent to probe, the others wait, and no image uses up
            a try. Images that have waited longer fail. None for no limit.
        max_waiting: Number of waiting images at which `scan` and `scan_many` raise `OverloadError`.
            `stream` does not raise it: it stops reading its source earlier. None for no limit.
        repeat_budget: Number of images that may be sent again although an earlier try may have been
            charged. Ten images that are read put one image back. None for no limit.
        proxy: URL of a proxy, which may hold user and password; "" for none; None reads the
            variables `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`. This machine itself
            is reached without a proxy.
        tls: An `ssl.SSLContext` with the certificates to trust. None trusts the system's, or those
            of the variables `SSL_CERT_FILE` and `SSL_CERT_DIR`.
        http: An `aiohttp.ClientSession` to send with; the session does not close it. Its connector
            needs `limit=0`: a request that waits 3 s for a free connection fails, uncharged. With
            it, no variable is read for proxy and tls.

    Raises:
        ValueError: A bad argument or environment variable. The message has name and value.
        ImportError: `"chain"` was given, and the extra `credentials` is missing.
    """

    def __init__(
        self,
        *,
        credentials: AnyCredentials | None = None,
        endpoint: str | None = None,
        region: str = "cn-shanghai",
        vpc: bool = False,
        biz_type: str | None = None,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        timeout: float | None = TIMEOUT,
        max_retries: int = 3,
        limiter: Limiter | None = None,
        throttle_timeout: float | None = THROTTLE_TIMEOUT,
        patience: float | None = PATIENCE,
        max_waiting: int | None = MAX_WAITING,
        repeat_budget: int | None = REPEAT_BUDGET,
        proxy: str | None = None,
        tls: ssl.SSLContext | None = None,
        http: aiohttp.ClientSession | None = None,
    ) -> None:
        self._base_url = base_url(endpoint, region, vpc=vpc)
        source = source_of(credentials)
        self._account = account_of(source)
        self._kept = KeptCredentials(source, self._base_url)
        check_all(
            biz_type=biz_type,
            limits=limits,
            timeout=timeout,
            max_retries=max_retries,
            throttle_timeout=throttle_timeout,
            patience=patience,
            max_waiting=max_waiting,
            repeat_budget=repeat_budget,
            limiter=limiter,
            vpc=vpc,
            tls=tls,
        )
        check(http is None or isinstance(http, aiohttp.ClientSession), "http", http)
        self._limits = limits
        route = route_to(self._base_url, proxy=proxy, tls=tls, environment=http is None)
        self._transport = Transport(self._base_url, timeout=timeout, http=http, route=route)
        self._open_batcher = partial(
            Batcher,
            HttpSender(self._transport, self._kept, biz_type),
            limiter=limiter,
            retry=RetryPolicy(max_retries),
            budget=RepeatBudget(repeat_budget),
            images_per_request=limits.images_per_request,
            throttle_timeout=math.inf if throttle_timeout is None else throttle_timeout,
            patience=math.inf if patience is None else patience,
            max_waiting=math.inf if max_waiting is None else max_waiting,
        )
        self._batcher: Batcher | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._streams: set[ImageStream] = set()

    def __repr__(self) -> str:
        return f"<Session {self._base_url}>"

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Open the session on the running event loop, where `async with` has no place; once."""
        if self._batcher is not None:
            raise RuntimeError("a session can be opened once; make another one")
        self._loop = asyncio.get_running_loop()
        throttle = throttle_of(self._account, self._limits)
        await self._transport.open()
        self._batcher = self._open_batcher(throttle)

    async def close(self) -> None:
        """End everything at once: images that are not answered fail, and may be charged."""
        if self._batcher is None:
            return
        batcher, streams = self._opened(), list(self._streams)
        for stream in streams:
            stream.stop()
        async with AsyncExitStack() as parts:  # closes the last part first; goes on if one fails
            parts.push_async_callback(self._transport.close)
            parts.push_async_callback(self._kept.close)
            for stream in streams:
                parts.push_async_callback(stream.close)
            # The batcher is closed before the streams, so that they still get their outcomes.
            parts.push_async_callback(batcher.close)

    async def drain(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - closes at its end
        """Send nothing more, wait for the images that were sent, then close.

        Images that were not sent fail, uncharged, and no image is tried again. A stream ends with
        an `OCRError` if its source was not read to the end.

        Args:
            timeout: Seconds to wait; None for as long as the requests take. After this time, or
                if the caller is cancelled, images that are not answered fail, as with `close`.
        """
        check(timeout is None or is_positive(timeout), "timeout", timeout)
        batcher = self._opened()
        try:
            for stream in list(self._streams):
                stream.stop()
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await batcher.drain()
        finally:
            await self.close()

    @property
    def stats(self) -> Stats:
        """The numbers of this session so far."""
        return Stats() if self._batcher is None else self._batcher.stats

    async def scan(
        self,
        image: str | Image,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - late images are not sent
    ) -> Scan:
        """Read one image, ahead of any bulk work.

        Cancellation costs nothing while the image still waits. If the image is in a request, the
        request continues for its other images. An image that is equal to a pending image is not
        sent again: both callers get its outcome.

        Args:
            image: A URL, or an `Image` to set frames or a data id.
            timeout: Timeout in seconds, waiting and retries included; None for no limit except a
                caller's `asyncio.timeout`. If a timeout is given here, and no time is left for an
                answer, the image is not sent and not charged.

        Raises:
            AuthError: The account is refused.
            ImageError: This image is the cause.
            OverloadError: Too many images wait already.
            OCRError: Any other failure, after all retries.
            ValueError: The service would not accept the image.
        """
        if timeout is not None:
            check(is_positive(timeout), "timeout", timeout)
        wanted = Image.of(image)
        batcher = self._opened()
        loop = asyncio.get_running_loop()
        deadline = math.inf if timeout is None else loop.time() + timeout
        receiver = ScanReceiver(loop.create_future())
        waiter = batcher.submit(wanted, receiver, Lane.INTERACTIVE, deadline=deadline)
        try:
            if timeout is None:  # a `Deadline` would add to the cost of a scan
                outcome = await receiver.outcome
            else:
                async with Deadline(deadline, partial(receiver.rounds_to_wait, waiter)):
                    outcome = await receiver.outcome
        except TimeoutError:
            pending = waiter.pending
            batcher.tally.outcomes["ScanTimeoutError"] += 1
            raise ScanTimeoutError(
                f"no answer within the {timeout:g} s given to this scan",
                transient=True,
                maybe_charged=pending.state is State.SENT or pending.maybe_charged,
            ) from None
        finally:
            if waiter.receiver is not None:
                batcher.withdraw(waiter)
        if isinstance(outcome, Scan):
            return outcome
        try:
            raise outcome.error
        finally:
            # The error's traceback holds this frame. If this frame held the error, too, the frames
            # of the callers would stay in memory.
            del outcome, receiver

    async def scan_many(self, images: Iterable[str | Image]) -> list[Outcome]:
        """Read a list of images; return one outcome for each image, in the same order.

        Args:
            images: URLs or `Image`s, not from an asynchronous source. All are checked before the
                first is sent. A data id may occur more than once; such images are sent in different
                requests.

        Raises:
            AuthError: The account is refused. Any other failure is a `Failure` in the list.
            OverloadError: Too many images wait already.
            ValueError: The service would not accept one of the images; nothing was sent.
        """
        check_source(images)
        if not isinstance(images, Iterable):
            raise ValueError(  # noqa: TRY004
                f"images must be a list or other iterable, not {images!r}; use stream()"
            )
        self._opened()
        wanted: list[Image] = []
        # Of a list there is a copy, because another task may change it while it is read.
        source = iter(list(images) if isinstance(images, list) else images)
        try:
            async with aclosing(values_of(source)) as values:
                async for value in values:
                    wanted.append(numbered_image(value, len(wanted)))
        finally:
            await close_source(source)
        self._opened().check_room()
        found: dict[int, Outcome] = {}
        try:
            async with self._images(wanted) as stream:
                async for number, outcome in stream:
                    found[number] = outcome  # noqa: PERF403 - kept if an error follows
        except OCRError as error:
            if not self._opened().closing or isinstance(error, AuthError):
                raise
        unsent = OCRError("the session was closed before this image was sent")
        return [found.get(n) or Failure(image, unsent) for n, image in enumerate(wanted)]

    def stream(self, images: ImageSource, *, stop: asyncio.Event | None = None) -> OutcomeStream:
        """Read images from any (async) iterable; return an iterator of outcomes as they complete.

        The source is read only as fast as images are sent and outcomes are used. So a million
        images need no more memory than a few thousand. When the caller leaves the loop, the waiting
        images are withdrawn; `async with` does this at once, even if a variable holds the stream.

        Args:
            images: URLs or `Image`s, for example from a generator. If a synchronous source takes
                long for one value, it blocks the event loop meanwhile, and not for longer.
            stop: Set this event to end the stream without losing outcomes that may be charged. No
                more images are read from the source or sent. The outcomes of images in requests
                still come, then the stream ends. Images that wait for a try have no outcome.

        Raises:
            ValueError: `images` is one image or no iterable, or `stop` is not an `asyncio.Event`.

        A step of the stream raises an `AuthError` immediately if the account is refused. A step
        raises a `ValueError` if the source gave a value that is not an image, and any error of the
        source, after the outcomes of all images before it. A cancelled step loses no outcome.
        """
        check_source(images)
        check(stop is None or isinstance(stop, asyncio.Event), "stop", stop)
        return OutcomeStream(self._images(images, stop))

    def _images(self, source: ImageSource, stop: asyncio.Event | None = None) -> ImageStream:
        most = self._limits.images_per_request
        return ImageStream(self._opened(), source, most, stop, self._streams)

    def _opened(self) -> Batcher:
        if self._batcher is None:
            raise RuntimeError("open the session first: async with aliocr.Session() as ocr")
        if asyncio.get_running_loop() is not self._loop:
            raise RuntimeError(
                "this session was opened on another event loop; open one on each loop, or call "
                "this one with asyncio.run_coroutine_threadsafe()"
            )
        return self._batcher
