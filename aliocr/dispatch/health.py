"""The health of the service, as the last requests of an account show it: outage, failures, speed.

A circuit breaker tells an outage, for all sessions of the account:

    closed   requests are sent as the limits allow                → open
    open     one image a second is sent to probe, others wait     → closed

1. The breaker opens if requests fail, in the network or in the service, and none was answered for
   `SILENCE` seconds. A reply is an answer, and so is a refusal: the service is there. But a reply
   in which the service failed to read each image is the failure of the request.
2. One image may break every request that it is in. Therefore the breaker stays closed while the
   requests that failed since the last answer have an image in common: `retry` isolates this image.
   Images that return meanwhile go behind all others, because only a request without them tells
   more. Otherwise, if requests leave one by one, the same image would spend all its tries.
3. If requests are under way, the breaker opens before they fail, when no answer has come for much
   longer than the last answers took. Otherwise all images that are sent until the first request
   times out would be lost, and might be charged. A service that was always slow is not suspected.
4. Any answer closes the breaker.

Pure: times are arguments, in seconds of the loop's clock.
"""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Iterable

from aliocr.dispatch.rates.sent_record import SentBatch
from aliocr.errors import APIError, AuthError, OCRError, ResponseError, ThrottledError
from aliocr.models import Image

_LOG = logging.getLogger("aliocr.dispatch")

SILENCE = 1.0
"""Seconds without an answer after which the breaker opens, and between two probes."""

SLOWER = 3.0
"""Silence counts as an outage before any request failed if it lasts so many times longer than the
slowest of the last answers; see rule 3."""

RESPONSE_TIMES_KEPT = 10.0
"""Time for which a measured response time helps to predict the next response time, in seconds."""

REMEMBERED = 100
"""Number of requests from which the part that fails is known."""

BEGUN_WITH = (0.05, 20.0)
"""Failures and requests that are taken as seen before the first: the service is taken as sound."""

FAILED_IN_A_ROW = 10
"""If more requests than this number failed as a whole, one after the other, no image is suspected
to be the cause."""


class ServiceHealth:
    """What is known of the service from the last requests of one account.

    Attributes:
        down_since: When the outage began; None without an outage.
        reason: The last failure of the service, in words.
    """

    def __init__(self) -> None:
        self.down_since: float | None = None
        self.reason = "no answer yet"
        self._under_way: dict[SentBatch, None] = {}
        self._responses: deque[tuple[float, float]] = deque(maxlen=16)  # (time, response time)
        self._failed: deque[bool] = deque(maxlen=REMEMBERED)
        self._failed_in_a_row = 0
        self._failing_since = math.inf
        self._suspects: set[Image] | None = None  # None: no failure since the last answer
        self._answered_at = -math.inf
        self._next_probe = -math.inf

    # --- requests ---------------------------------------------------------------------------------

    def sent(self, request: SentBatch) -> None:
        """Record that a request is sent."""
        self._under_way[request] = None
        self._next_probe = request.at + SILENCE

    def answered(self, request: SentBatch, now: float) -> None:
        """Record that a request was answered, image by image."""
        self._under_way.pop(request, None)
        self._responses.append((now, now - request.at))
        self._failed.append(False)
        self._failed_in_a_row = 0
        self._answer(now)

    def broke(self) -> None:
        """Record that the last answer broke off, so that some of its images were not answered."""
        self._failed.append(True)

    def failed(
        self, request: SentBatch, images: Iterable[Image], error: OCRError, now: float
    ) -> float:
        """Record that a request failed: as a whole, or for each of its images.

        Args:
            request: The request.
            images: Its images.
            error: The failure.
            now: The time.

        Returns:
            The chance that a request fails for no reason of its own; 1 if all requests fail.
        """
        failures, requests = BEGUN_WITH
        chance = (failures + sum(self._failed)) / (requests + len(self._failed))
        self._under_way.pop(request, None)
        if is_of_service(error):
            self._failed_in_a_row += 1
            self._failed.append(True)
            # If the request never reached the service, no image can be the cause.
            arrived = error.maybe_charged or isinstance(error, APIError)
            self._fail(set(images) if arrived else set(), error, now)
        elif isinstance(error, APIError | ResponseError):
            self._failed_in_a_row += 1
            if isinstance(error, APIError):
                self._answer(now)
        lasting = self.down_since is not None or self._failed_in_a_row > FAILED_IN_A_ROW
        return 1.0 if lasting else chance

    def _answer(self, now: float) -> None:
        self._answered_at = now
        self._failing_since = math.inf
        if self.down_since is not None:
            took = now - self.down_since
            fields = {"event": "outage_over", "seconds": took}
            _LOG.info("the service answers again, after %.1f s", took, extra=fields)
        self._suspects = self.down_since = None

    def _fail(self, suspects: set[Image], error: OCRError, now: float) -> None:
        self.reason = str(error)
        self._failing_since = min(self._failing_since, now)
        self._suspects = suspects if self._suspects is None else self._suspects & suspects
        if not self._suspects and now - self._failing_since >= SILENCE:
            self._open(self._failing_since)

    def _open(self, since: float) -> None:
        if self.down_since is None:
            self.down_since = since
            fields = {"event": "outage", "reason": self.reason}
            text = "no request is answered, so one image a second is sent to probe: %s"
            _LOG.info(text, self.reason, extra=fields)

    @property
    def asks_others(self) -> bool:
        """True if other images must be sent to tell an outage, or its end, from images at fault."""
        return self.down_since is not None or bool(self._suspects)

    # --- permits ----------------------------------------------------------------------------------

    def wait(self, now: float) -> float:
        """Return the seconds until a request may be sent; 0 without an outage."""
        self._forget_responses(now)
        if self._under_way and self._responses:  # rule 3
            since = max(self._answered_at, next(iter(self._under_way)).at)
            slowest = max(took for _, took in self._responses)
            if now - since > max(SILENCE, SLOWER * slowest):
                self._open(since)
        return 0.0 if self.down_since is None else max(0.0, self._next_probe - now)

    @property
    def most(self) -> float:
        """Maximum number of images in the next request; infinite without an outage."""
        return math.inf if self.down_since is None else 1.0

    def fastest_response(self, now: float) -> float:
        """Return the fastest response time of the last 10 s, in seconds; 0 without a response."""
        self._forget_responses(now)
        return min((took for _, took in self._responses), default=0.0)

    def _forget_responses(self, now: float) -> None:
        while self._responses and self._responses[0][0] < now - RESPONSE_TIMES_KEPT:
            self._responses.popleft()


def is_of_service(error: OCRError) -> bool:
    """Tell whether the network or the service failed, so that a request could not be answered."""
    return error.transient and not isinstance(error, AuthError | ThrottledError)
