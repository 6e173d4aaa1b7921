"""The session: opens and closes the parts, and has the methods `scan`, `scan_many` and `stream`."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable
from contextlib import AsyncExitStack, aclosing
from functools import partial
from types import TracebackType
from typing import Self

import aiohttp

from aliocr.arguments import base_url, check, is_positive
from aliocr.checks import is_count, is_text
from aliocr.credentials import AnyCredentials
from aliocr.dispatch.batcher import Batcher
from aliocr.dispatch.limiter import Limiter
from aliocr.dispatch.outcome_stream import OutcomeStream
from aliocr.dispatch.pending_image import State, Waiter
from aliocr.dispatch.queue import Lane
from aliocr.dispatch.registry import throttle_of
from aliocr.dispatch.retry import RepeatBudget, RetryPolicy
from aliocr.dispatch.source import (
    ImageSource,
    check_source,
    close_source,
    numbered_image,
    values_of,
)
from aliocr.dispatch.stream import ImageStream
from aliocr.errors import ScanTimeoutError
from aliocr.keys.kept import KeptCredentials
from aliocr.keys.source import account_of, source_of
from aliocr.limits import Limits
from aliocr.models import Image, Outcome, Scan
from aliocr.protocol.deadline import ROUNDS, Deadline
from aliocr.protocol.sender import HttpSender
from aliocr.protocol.transport import Transport
from aliocr.stats import Stats

TIMEOUT = 7.0
"""Timeout of one request, in seconds. The service answers within 6 s. So its own timeout code,
which names the slow image, comes before this timeout. Source: "Response timeout"."""

THROTTLE_TIMEOUT = 60.0
"""Time for which images wait while the service throttles the whole account, in seconds."""

PATIENCE = 15.0
"""Time for which images wait in an outage, in seconds."""

MAX_WAITING = 100_000
"""Maximum number of waiting images: 100 seconds of work at 1,000 images per second."""

REPEAT_BUDGET = 6_000
"""Number of images that may be sent again although they may have been charged. This is the maximum
number of images in flight: 10 requests of 100 images in each of the 6 seconds that a response may
take. So if all responses are lost, all these images can be sent again once, but a long outage does
not double the cost."""


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
            this variable for `https://green.{region}.aliyuncs.com`.
        region: The region of the service, if there is no endpoint.
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
        http: An `aiohttp.ClientSession` to send with; the session does not close it. Its connector
            needs `limit=0`: a request that waits 3 s for a free connection fails, uncharged.

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
        biz_type: str | None = None,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        timeout: float | None = TIMEOUT,
        max_retries: int = 3,
        limiter: Limiter | None = None,
        throttle_timeout: float | None = THROTTLE_TIMEOUT,
        patience: float | None = PATIENCE,
        max_waiting: int | None = MAX_WAITING,
        repeat_budget: int | None = REPEAT_BUDGET,
        http: aiohttp.ClientSession | None = None,
    ) -> None:
        self._base_url = base_url(endpoint, region)
        source = source_of(credentials)
        self._account = account_of(source)
        self._kept = KeptCredentials(source, self._base_url)
        check(biz_type is None or (is_text(biz_type) and biz_type), "biz_type", biz_type)
        check(isinstance(limits, Limits), "limits", limits)
        check(timeout is None or is_positive(timeout), "timeout", timeout)
        check(is_count(max_retries), "max_retries", max_retries)
        check(
            throttle_timeout is None or is_positive(throttle_timeout),
            "throttle_timeout",
            throttle_timeout,
        )
        check(patience is None or is_positive(patience), "patience", patience)
        check(max_waiting is None or is_count(max_waiting, 1), "max_waiting", max_waiting)
        check(repeat_budget is None or is_count(repeat_budget), "repeat_budget", repeat_budget)
        check(limiter is None or hasattr(limiter, "acquire"), "limiter", limiter)
        check(http is None or isinstance(http, aiohttp.ClientSession), "http", http)
        self._limits = limits
        self._transport = Transport(self._base_url, timeout=timeout, http=http)
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
        if self._batcher is not None:
            raise RuntimeError("a session can be opened once; make another one")
        self._loop = asyncio.get_running_loop()
        throttle = throttle_of(self._account, self._limits)
        await self._transport.open()
        self._batcher = self._open_batcher(throttle)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        streams = list(self._streams)
        for stream in streams:
            stream.stop()
        async with AsyncExitStack() as parts:  # closes the last part first; goes on if one fails
            parts.push_async_callback(self._transport.close)
            parts.push_async_callback(self._kept.close)
            for stream in streams:
                parts.push_async_callback(stream.close)
            # The batcher is closed before the streams, so that they still get their outcomes.
            parts.push_async_callback(self._opened().close)

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
        receiver = _ScanReceiver(loop.create_future())
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
        async with self._images(wanted) as stream:
            found = {number: outcome async for number, outcome in stream}
        return [found[number] for number in range(len(wanted))]

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


class _ScanReceiver:
    """The caller of one scan: a future that may have been cancelled already."""

    def __init__(self, outcome: asyncio.Future[Outcome]) -> None:
        self.outcome = outcome

    def deliver(self, waiter: Waiter, outcome: Outcome) -> None:  # noqa: ARG002
        if not self.outcome.done():
            self.outcome.set_result(outcome)

    def rounds_to_wait(self, waiter: Waiter) -> float:
        """Return the rounds for which a scan goes on after its time limit; see `Deadline`."""
        pending = waiter.pending
        if self.outcome.done() or pending.answered:
            return math.inf
        return ROUNDS if pending.state is State.SENT else 0
