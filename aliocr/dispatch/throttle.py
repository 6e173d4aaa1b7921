"""The throttle of an account: permits, image quota and pauses, for all senders on one event loop.

The limits belong to the account, not to a session. A sender waits for a permit in three steps:

1. It waits until the account is not paused. Refusals of whole requests in a row pause the account,
   as `account_pause` says. In an outage, it waits for the time of the next probe, which `health`
   tells.
2. It waits until the image quota has room for at least one image.
3. It waits for the request permit. After this wait, nothing is awaited before the request is signed
   and sent. If the account must wait again or the room is gone, the permit is given back.

Senders report each request that they send, and its result, because both limits learn from results.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from collections import Counter
from collections.abc import Iterable, Sequence

import attrs

from aliocr.dispatch.health import ServiceHealth, is_of_service
from aliocr.dispatch.rates.account_pause import AccountPause
from aliocr.dispatch.rates.image_quota import ImageQuota
from aliocr.dispatch.rates.limiter import LearningLimiter, Limiter, PacedLimiter
from aliocr.dispatch.rates.sent_record import SentBatch
from aliocr.errors import ImageError, OCRError, ThrottledError, TransportError
from aliocr.limits import Limits
from aliocr.models import Image

_LOG = logging.getLogger("aliocr.dispatch")

QUIET = 60.0
"""Seconds for which an event that was logged at INFO is logged at DEBUG: an operator wants to know
of it once."""


class Notices:
    """Tells the log what an operator should know, each event once in `QUIET` seconds."""

    def __init__(self) -> None:
        self._told: dict[str, float] = {}

    def tell(self, event: str, text: str, **fields: object) -> None:
        """Log an event.

        Args:
            event: The name of the event, also in the field `event`.
            text: The message, which holds the fields as `%(name)s`.
            fields: Further fields of the record; no secret, and nothing of an image's URL.
        """
        now = asyncio.get_running_loop().time()
        known = now - self._told.get(event, -math.inf) < QUIET
        level = logging.DEBUG if known else logging.INFO
        if _LOG.isEnabledFor(level):
            if not known:
                self._told[event] = now
            _LOG.log(level, text, fields, extra={"event": event, **fields})


@attrs.frozen(eq=False)
class SentRequest:
    """A request that was sent.

    Args:
        sent: When it was sent, and how many images it carries.
        limiter: The limiter whose permit the request used.
        waited: Seconds for which its images or its sender waited for the permit.
    """

    sent: SentBatch
    limiter: Limiter
    waited: float = 0.0


@attrs.frozen(eq=False)
class SendPermit:
    """A permit to send one request: use it or give it back, before anything else is awaited.

    Args:
        quota: The image quota of the account.
        health: The health of the service for the account.
        limiter: The limiter that gave the permit.
        room: Maximum number of images that the request may carry, 1 or more.
        began: When the permit was given, in seconds of the loop's clock.
    """

    _quota: ImageQuota
    _health: ServiceHealth
    _limiter: Limiter
    room: float
    began: float

    def use(self, count: int, waited: float = 0.0) -> SentRequest:
        """Report that a request with `count` images is sent; `count` is 1 or more.

        `waited` is the time for which the sender waited, in seconds, for the log.
        """
        sent = self._quota.reserve(count, self.began)
        self._health.sent(sent)
        return SentRequest(sent, self._limiter, waited)

    def give_back(self) -> None:
        """Report that nothing is sent."""
        if isinstance(self._limiter, LearningLimiter):
            self._limiter.unused()


class AccountThrottle:
    """The throttle of one account on one event loop.

    Args:
        limits: The limits of the account.

    Attributes:
        limiter: The account's own limiter.
        health: What the account's requests tell of the service.
        notices: What the log is told of the account.
    """

    def __init__(self, limits: Limits) -> None:
        self.limiter = PacedLimiter(limits.requests_per_second)
        self.health = ServiceHealth()
        self.notices = Notices()
        self._quota = ImageQuota(limits)
        self._lock = asyncio.Lock()
        self._waiting = 0
        self._change = asyncio.Event()
        self._pause = AccountPause()
        self._stalled_since = math.inf

    @property
    def image_rate(self) -> float:
        """Images per second, as known or learnt; infinite if nothing is known."""
        return self._quota.rate

    def change_limits(self, limits: Limits) -> None:
        """Keep these limits from now on; the session that opened last decides."""
        self.limiter.change_limit(limits.requests_per_second)
        self._quota.change_limits(limits)
        self._wake()

    def _wake(self) -> None:
        """Let the waiting senders check again; later senders wait for the next change."""
        change, self._change = self._change, asyncio.Event()
        change.set()

    def stalled_for(self, now: float) -> float:
        """Return the seconds since the first refusal after which no request was accepted.

        The result is 0 if a request was accepted after the last refusal.
        """
        return max(0.0, now - self._stalled_since)

    def paused_for(self, now: float) -> float:
        """Return the seconds until a pause of the account ends; 0 if it is not paused."""
        return max(0.0, self._pause.until - now)

    async def permit(self, limiter: Limiter | None = None, *, since: float) -> SendPermit:
        """Wait for the permit to send one request; first come, first served.

        Args:
            limiter: Gives the permit; None for the account's own limiter. A sender
                with another limiter does not wait in line with the others.
            since: When the images began to wait, in seconds of the loop's clock.
        """
        idle_until = None if self._waiting else since
        self._waiting += 1
        try:
            if limiter is not None:
                return await self._next(limiter, idle_until)
            async with self._lock:
                return await self._next(self.limiter, idle_until)
        finally:
            self._waiting -= 1

    async def _next(self, limiter: Limiter, idle_until: float | None) -> SendPermit:
        while True:
            await self._clear(idle_until)
            await limiter.acquire()
            now = asyncio.get_running_loop().time()
            waits = self.health.wait(now) > 0 or now < self._pause.until
            room = min(self._quota.room(now), self.health.most)
            permit = SendPermit(self._quota, self.health, limiter, room, now)
            if room >= 1 and not waits:
                return permit
            permit.give_back()

    async def _clear(self, idle_until: float | None) -> None:
        """Wait until the account is not paused and there is room for an image."""
        while True:
            now = asyncio.get_running_loop().time()
            asked = max(self._pause.until - now, self.health.wait(now))
            wait = max(asked, self._quota.wait(now, idle_until))
            if wait <= 0:
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait if wait < math.inf else None):
                    await self._change.wait()

    def failed(self, request: SentRequest, images: Iterable[Image], error: OCRError) -> float:
        """Learn from a request that failed as a whole; the chance is as `ServiceHealth` returns it.

        If the response names a time, the account waits for this time, whatever the failure is.
        """
        now = asyncio.get_running_loop().time()
        if error.retry_after is not None:
            self._pause.wait(error.retry_after, now)
            self._quota.hold_until(self._pause.until, now)
        chance = self.health.failed(request.sent, images, error, now)
        self.ended(request, error, error.request_id)
        return chance

    def answered(
        self,
        request: SentRequest,
        failures: Sequence[tuple[Image, OCRError]],
        request_id: str | None = None,
    ) -> None:
        """Learn from a request that was answered image by image.

        Args:
            request: The request.
            failures: The images that were not read, with their errors.
            request_id: The service's id of the request.
        """
        now = asyncio.get_running_loop().time()
        errors = [error for _, error in failures]
        # If the service could read no image of the request, it is as good as not there. An image
        # that fails for its own sake was looked at.
        down = all(is_of_service(each) and not isinstance(each, ImageError) for each in errors)
        if down and len(errors) == request.sent.count:
            self.health.failed(request.sent, [image for image, _ in failures], errors[0], now)
        else:
            self.health.answered(request.sent, now)
            if any(isinstance(each, TransportError) for each in errors):
                self.health.broke()
        self.ended(request, errors, request_id)

    def ended(
        self,
        request: SentRequest,
        outcome: Sequence[object] | OCRError,
        request_id: str | None = None,
    ) -> None:
        """Learn from a request that has ended.

        Args:
            request: The request.
            outcome: The failures of its images, or the failure of the whole request.
            request_id: The service's id of the request, for the log.
        """
        if _LOG.isEnabledFor(logging.DEBUG):
            _log_end(request, outcome, request_id)
        now = asyncio.get_running_loop().time()
        sent = request.sent
        refused, throttled, retry_after = _refusals(request, outcome)
        if isinstance(request.limiter, LearningLimiter):
            request.limiter.request_ended(sent.at, throttled=throttled)
        rate = self._quota.rate
        self._quota.release(sent, refused, now)
        if self._quota.rate < rate == math.inf:
            text = "code 588: images are sent at a learnt rate, first %(rate).0f per second"
            self.notices.tell("quota", text, rate=self._quota.rate)
        if throttled or refused == sent.count:
            self._pause.refused(sent.at, retry_after, now)
            self._quota.hold_until(self._pause.until, now)
            text = "the account is over its limit of %(limit)s; the next request in %(pause).2f s"
            limit, pause = "requests" if throttled else "images", self.paused_for(now)
            self.notices.tell("throttled", text, limit=limit, pause=pause)
            self._stalled_since = min(self._stalled_since, now)
        elif refused is not None:
            self._pause.accepted()
            self._stalled_since = math.inf
        self._wake()


def _refusals(
    request: SentRequest, outcome: Sequence[object] | OCRError
) -> tuple[int | None, bool, float | None]:
    """Return what was refused, and for how long.

    Returns:
        The number of images refused for the quota, or None if it is unknown; whether the request
        was refused for its rate; the seconds after which to ask again, or None.
    """
    if not isinstance(outcome, OCRError):
        return sum(isinstance(one, ThrottledError) for one in outcome), False, None
    if not isinstance(outcome, ThrottledError):
        return None, False, None
    # A code of the service is about images, a code of the gateway is about requests.
    of_images = isinstance(outcome.code, int)
    return (request.sent.count if of_images else None), not of_images, outcome.retry_after


def _log_end(
    request: SentRequest, outcome: Sequence[object] | OCRError, request_id: str | None
) -> None:
    """Log the end of a request: ids, counts and times, and nothing of its images."""
    count = request.sent.count
    failures = [outcome] * count if isinstance(outcome, OCRError) else outcome
    kinds = Counter(str(getattr(each, "code", type(each).__name__)) for each in failures)
    fields = {
        "event": "request",
        "images": count,
        "read": count - len(failures),
        "failed": dict(kinds),
        "seconds": asyncio.get_running_loop().time() - request.sent.at,
        "waited": request.waited,
        "request_id": request_id,
    }
    text = (
        "request %(request_id)s: %(read)d of %(images)d images read, failed %(failed)s, "
        "in %(seconds).3f s after a wait of %(waited).3f s"
    )
    _LOG.debug(text, fields, extra=fields)
