"""The session: opens and closes the parts, and offers the three verbs."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Hashable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from functools import partial
from types import TracebackType
from typing import Self, cast

import aiohttp

from aliocr.arguments import base_url, check, checked_credentials, is_positive
from aliocr.checks import is_count, is_text
from aliocr.credentials import Credentials, CredentialsProvider
from aliocr.dispatch.batcher import Batcher
from aliocr.dispatch.limiter import Limiter
from aliocr.dispatch.pending import State, Waiter
from aliocr.dispatch.queue import Lane
from aliocr.dispatch.retry import RepeatBudget, RetryPolicy
from aliocr.dispatch.stream import ImageStream, Source, numbered_image
from aliocr.dispatch.throttle import throttle_of
from aliocr.errors import ScanTimeoutError
from aliocr.limits import Limits
from aliocr.models import Image, Outcome, Scan
from aliocr.protocol.sender import HttpSender
from aliocr.protocol.transport import Transport
from aliocr.stats import Stats

TIMEOUT = 7.0
"""Seconds. The service answers within 6, and its own timeout code, which says which image it was,
should beat ours. Source: "Response timeout"."""

THROTTLE_TIMEOUT = 60.0
"""Seconds for which images wait while the service lets nothing of the account through."""

MAX_WAITING = 100_000
"""Images: what the full rate of 1,000 a second needs 100 seconds for."""

REPEAT_BUDGET = 6_000
"""Images: all that can be under way, 10 requests of 100 for each of the 6 seconds that an answer
may take. If all their answers are lost they can go again once, and a lasting outage does not cost
twice the money."""


class Session:
    """A session with the service: one account, one endpoint, one event loop.

    Use it as `async with`. All sessions of one account on one loop share its limits, and what was
    learnt of them.

    Args:
        credentials: `Credentials`, or a provider: a callable that gives them, at once or awaited,
            before every request. None reads the environment (`Credentials.from_environment`).
            Give all sessions of an account the same provider: it stands for the account.
        endpoint: Base URL, scheme and host; None for `ALIOCR_ENDPOINT` of the environment, and if
            that is not set for `https://green.{region}.aliyuncs.com`.
        region: Where the account's service is, if there is no endpoint.
        biz_type: The moderation policy made in the console; None for the service's default.
        limits: What the account allows.
        timeout: Seconds for one request, connection and body included; None for no limit.
        max_retries: Tries per image after the first. Throttled tries are not counted.
        limiter: Something with an awaitable `acquire()` that gives leave for one request, to share
            a rate more widely, or a `StrictLimiter`; None for the account's own on this loop.
        throttle_timeout: Seconds for which images wait while the service lets nothing of the
            account through; those that waited so long then fail with `ThrottledError`, as does one
            that was itself refused twenty times in longer than that. None for no limit.
        max_waiting: Images that may wait before `scan` and `scan_many` raise `OverloadError`;
            `stream` holds back its source instead. None for no bound.
        repeat_budget: Images that may be sent again although an earlier try may have been charged;
            ten images that are read give one back. None for no limit.
        http: An `aiohttp.ClientSession` to send with; it is left open.

    Raises:
        ValueError: An argument, or a variable read in its stead, that cannot be right; the message
            names it and its value.
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
        throttle_timeout: float | None = THROTTLE_TIMEOUT,
        max_waiting: int | None = MAX_WAITING,
        repeat_budget: int | None = REPEAT_BUDGET,
        http: aiohttp.ClientSession | None = None,
    ) -> None:
        self._base_url = base_url(endpoint, region)
        self._credentials = checked_credentials(credentials)
        check(biz_type is None or (is_text(biz_type) and biz_type), "biz_type", biz_type)
        check(isinstance(limits, Limits), "limits", limits)
        check(timeout is None or is_positive(timeout), "timeout", timeout)
        check(is_count(max_retries), "max_retries", max_retries)
        check(
            throttle_timeout is None or is_positive(throttle_timeout),
            "throttle_timeout",
            throttle_timeout,
        )
        check(max_waiting is None or is_count(max_waiting, 1), "max_waiting", max_waiting)
        check(repeat_budget is None or is_count(repeat_budget), "repeat_budget", repeat_budget)
        check(limiter is None or hasattr(limiter, "acquire"), "limiter", limiter)
        check(http is None or isinstance(http, aiohttp.ClientSession), "http", http)
        self._limits = limits
        self._transport = Transport(self._base_url, timeout=timeout, http=http)
        self._open_batcher = partial(
            Batcher,
            HttpSender(self._transport, self._credentials, biz_type),
            limiter=limiter,
            retry=RetryPolicy(max_retries),
            budget=RepeatBudget(repeat_budget),
            images_per_request=limits.images_per_request,
            throttle_timeout=math.inf if throttle_timeout is None else throttle_timeout,
            max_waiting=math.inf if max_waiting is None else max_waiting,
        )
        self._batcher: Batcher | None = None
        self._parts = AsyncExitStack()
        self._streams: set[ImageStream] = set()

    def __repr__(self) -> str:
        return f"<Session {self._base_url}>"

    async def __aenter__(self) -> Self:
        if self._batcher is not None:
            raise RuntimeError("a session is opened once; make another")
        key = self._credentials
        throttle = throttle_of(
            # A provider's key changes; the provider itself stands for the account.
            key.access_key_id if isinstance(key, Credentials) else cast("Hashable", key),
            self._limits,
        )
        await self._transport.open()
        self._parts.push_async_callback(self._transport.close)
        self._batcher = self._open_batcher(throttle)
        # Closed in reverse: sources are read no more, then the batcher closes, so that streams
        # still get their outcomes.
        self._parts.push_async_callback(self._close_streams)
        self._parts.push_async_callback(self._batcher.close)
        self._parts.callback(self._stop_streams)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._parts.aclose()

    @property
    def stats(self) -> Stats:
        """What this session has done so far."""
        return Stats() if self._batcher is None else self._batcher.tally.stats()

    async def scan(
        self,
        image: str | Image,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - it also keeps what is late from being sent
    ) -> Scan:
        """Read one image, ahead of any bulk work.

        Cancelling it costs nothing while the image still waits; once it has been sent, the request
        goes on for the sake of the others in it. An equal image that is under way already is not
        sent again: both get what comes back.

        Args:
            image: A URL, or an `Image` for frames or a data id of your own.
            timeout: Seconds for all of it, waiting and retries included; None for no limit but your
                own `asyncio.timeout`. Told here, an image is not sent, and not charged, once there
                is no time left to answer it.

        Raises:
            AuthError: The account is refused.
            ImageError: Something is wrong with this image.
            OverloadError: Too many images wait already.
            OCRError: Anything else, after the retries allowed.
            ValueError: Not an image the service would take.
        """
        if timeout is not None:
            check(is_positive(timeout), "timeout", timeout)
        wanted = Image.of(image)
        batcher = self._opened()
        loop = asyncio.get_running_loop()
        deadline = math.inf if timeout is None else loop.time() + timeout
        receiver = _ScanReceiver(loop.create_future())
        waiter = batcher.submit(wanted, receiver, Lane.INTERACTIVE, deadline=deadline)
        try:
            # `asyncio.timeout(None)` would be a tenth of what a scan costs beside its image.
            async with nullcontext() if timeout is None else asyncio.timeout(timeout):
                outcome = await receiver.outcome
        except TimeoutError:
            pending = waiter.pending
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
            del outcome  # or the error, whose traceback holds this frame, would hold itself

    async def scan_many(self, images: Iterable[str | Image]) -> list[Outcome]:
        """Read a list of images: as many outcomes, in the same order.

        Args:
            images: URLs or `Image`s. All are checked before the first is sent. The same data id may
                come more than once; such images travel in different requests.

        Raises:
            AuthError: The account is refused. Everything else that goes wrong with an image is a
                `Failure` in the list.
            OverloadError: Too many images wait already.
            ValueError: One of them is not an image the service would take; nothing was sent.
        """
        wanted = _checked_images(images)
        self._opened().check_room()
        async with self._stream(wanted) as stream:
            found = {number: outcome async for number, outcome in stream}
        return [found[number] for number in range(len(wanted))]

    async def stream(
        self, images: Source, *, stop: asyncio.Event | None = None
    ) -> AsyncGenerator[Outcome, None]:
        """Read images from any iterable or asynchronous iterable; outcomes as they complete.

        The source is drawn on only as fast as images are sent and outcomes are used, so a million
        images need no more memory than a few thousand. Leaving the loop withdraws what waits.

        Args:
            images: URLs or `Image`s; a generator may do.
            stop: Set it to end the stream without losing what may be charged: nothing more is drawn
                nor sent, the outcomes of the images in a request now still come, and then the
                stream ends as if the source had. Images that wait, for their first try or another,
                have no outcome.

        Raises:
            AuthError: The account is refused; at once.
            ValueError: The source gave something that is no image. It is raised after the outcomes
                of all images before it, and so is whatever else the source raises. Or `stop` is
                no `asyncio.Event`.
        """
        _refuse_single(images)
        check(stop is None or isinstance(stop, asyncio.Event), "stop", stop)
        async with self._stream(images, stop) as outcomes:
            async for _, outcome in outcomes:
                yield outcome

    @asynccontextmanager
    async def _stream(
        self, source: Source, stop: asyncio.Event | None = None
    ) -> AsyncIterator[ImageStream]:
        stream = ImageStream(self._opened(), source, self._limits.images_per_request, stop)
        self._streams.add(stream)
        try:
            yield stream
        finally:
            self._streams.discard(stream)
            stream.leave()
            await stream.close()

    def _stop_streams(self) -> None:
        for stream in self._streams:
            stream.stop()

    async def _close_streams(self) -> None:
        for stream in list(self._streams):
            await stream.close()

    def _opened(self) -> Batcher:
        if self._batcher is None:
            raise RuntimeError("open the session first: async with aliocr.Session() as ocr")
        return self._batcher


class _ScanReceiver:
    """The caller of one scan: a future, which a cancellation may have ended already."""

    def __init__(self, outcome: asyncio.Future[Outcome]) -> None:
        self.outcome = outcome

    def deliver(self, waiter: Waiter, outcome: Outcome) -> None:  # noqa: ARG002
        if not self.outcome.done():
            self.outcome.set_result(outcome)


def _checked_images(images: Iterable[str | Image]) -> list[Image]:
    _refuse_single(images)
    return [numbered_image(image, number) for number, image in enumerate(images)]


def _refuse_single(images: object) -> None:
    if isinstance(images, str | bytes | Image):
        raise ValueError(  # noqa: TRY004
            f"images is a list or other iterable of them, not one {type(images).__name__}; "
            "for one there is scan()"
        )
    if not isinstance(images, Iterable | AsyncIterable):
        raise ValueError(f"images is a list or other iterable, not {images!r}")  # noqa: TRY004
