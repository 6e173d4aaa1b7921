"""Model of the service and its clients in virtual time: events of a heap, without an event loop.

A client has an endless supply of images. It uses the real image quota, request rate and pause of
the library; only the token bucket of aiolimiter, which needs an event loop, is modelled.
"""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections.abc import Callable, Iterator
from functools import partial

import attrs

from aliocr.dispatch.rates.account_pause import AccountPause
from aliocr.dispatch.rates.image_quota import ImageQuota
from aliocr.dispatch.rates.limiter import bucket_size
from aliocr.dispatch.rates.request_rate import RequestRate
from aliocr.dispatch.rates.sent_record import SentBatch
from aliocr.emulator.access.rate_window import RateWindow, WindowKind, make_rate_window
from aliocr.limits import IMAGES_PER_REQUEST, REQUESTS_PER_SECOND, Limits

TICK = 1e-6
"""How late a timer is, in seconds. Without it, a rounding error could repeat one instant."""

THROTTLE_TIME = 0.02
"""Time of the answer to a throttled request, in seconds."""


def _never(moment: float) -> float:  # noqa: ARG001 - a share that changes with the time
    return 0.0


@attrs.frozen(kw_only=True)
class Character:
    """What the service is like.

    Args:
        window: How it counts requests and images.
        requests: Requests per second; None for no limit.
        images: Images per second; None for no limit.
        answers: Least and longest time of an answer, in seconds.
        jitter: Longest travel time of a request or an answer, in seconds.
        image_chance: Share of the images that are answered 588 by chance.
        whole_chance: Share of the requests whose images are all answered 588 by chance.
        throttle_chance: Share of the requests that are throttled by chance, at a time in seconds
            since the start.
    """

    window: WindowKind = "sliding"
    requests: float | None = REQUESTS_PER_SECOND
    images: float | None = None
    answers: tuple[float, float] = (0.1, 0.3)
    jitter: float = 0.05
    image_chance: float = 0.0
    whole_chance: float = 0.0
    throttle_chance: Callable[[float], float] = _never


@attrs.frozen
class Arrival:
    """A request that arrived at the service.

    Args:
        moment: When, in seconds since the start.
        images: Number of images in it.
        accepted: Number of images accepted.
        throttled: Whether the whole request was refused for its rate.
    """

    moment: float
    images: int
    accepted: int
    throttled: bool


@attrs.frozen
class Counts:
    """Counts of one client in one period.

    Args:
        seconds: Length of the period.
        requests: Requests that arrived.
        throttled: Requests refused for the rate.
        accepted: Images accepted.
        over_quota: Images answered 588.
    """

    seconds: float
    requests: int
    throttled: int
    accepted: int
    over_quota: int

    @property
    def requests_per_second(self) -> float:
        """Requests accepted per second."""
        return (self.requests - self.throttled) / self.seconds

    @property
    def images_per_second(self) -> float:
        """Images accepted per second."""
        return self.accepted / self.seconds


class World:
    """A service and its clients, in virtual time.

    Args:
        character: What the service is like.
        seed: Random seed of all chances. It also seeds the library's own jitter.
    """

    def __init__(self, character: Character, seed: int) -> None:
        random.seed(seed)
        self.character = character
        self.chance = random.Random(seed)
        self.clients: list[Client] = []
        # A service that counts fixed seconds does not begin them when the client starts.
        self._start = self.now = self.chance.uniform(0.0, 1.0)
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._requests = _window(character.window, character.requests)
        self._images = _window(character.window, character.images)

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return self.now - self._start

    def add_client(self, after: float = 0.0) -> Client:
        """Add a client that starts `after` seconds from the start of the world."""
        client = Client(self)
        self.clients.append(client)
        self.later(after - self.elapsed, client.proceed)
        return client

    def allow_images(self, images: float | None) -> None:
        """Set another image quota, and count from zero."""
        self._images = _window(self.character.window, images)

    def later(self, seconds: float, event: Callable[[], None]) -> None:
        """Let an event happen in so many seconds."""
        heapq.heappush(self._events, (self.now + seconds, next(self._numbers), event))

    def run_until(self, moment: float) -> None:
        """Let all happen until `moment`, in seconds since the start."""
        end = self._start + moment
        while self._events[0][0] <= end:
            self.now, _, event = heapq.heappop(self._events)
            event()
        self.now = end

    def travel(self) -> float:
        """Return a random travel time, in seconds."""
        return self.chance.uniform(0.0, self.character.jitter)

    def admit(self, images: int) -> int | None:
        """Return how many images of an arriving request are accepted; None if it is throttled."""
        character, chance = self.character, self.chance
        if chance.random() < character.throttle_chance(self.elapsed):
            return None
        if self._requests is not None and not self._requests.take(1, self.now):
            return None
        lucky = images
        if chance.random() < character.whole_chance:
            lucky = 0
        elif character.image_chance:
            lucky = sum(chance.random() >= character.image_chance for _ in range(images))
        if self._images is None or not lucky:
            return lucky
        return self._images.take(lucky, self.now)


def _window(kind: WindowKind, limit: float | None) -> RateWindow | None:
    return None if limit is None else make_rate_window(kind, limit)


class Client:
    """A process that sends as much as its learnt rates allow.

    Args:
        world: Its world.

    Attributes:
        arrivals: Its requests, in order of arrival.
    """

    def __init__(self, world: World) -> None:
        self.arrivals: list[Arrival] = []
        self._world = world
        self._quota = ImageQuota(Limits())
        self._requests = RequestRate(REQUESTS_PER_SECOND)
        self._pause = AccountPause()
        self._bucket_rate = self._requests.rate
        self._next_permit = -math.inf
        self._empty_at = -math.inf
        self._acquiring = False
        self._stopped = False
        self._timers = 0

    def stop(self) -> None:
        """Send nothing from now on."""
        self._stopped = True

    def proceed(self) -> None:
        """Wait for the pause, for room and for a permit, one after the other."""
        if self._acquiring or self._stopped:
            return
        now = self._world.now
        wait = max(self._pause.until - now, self._quota.wait(now))
        self._timers += 1
        if wait > TICK:
            self._world.later(wait + TICK, partial(self._wake, self._timers))
            return
        self._acquiring = True
        self._world.later(max(0.0, self._next_permit - now) + TICK, self._acquired)

    def _wake(self, timer: int) -> None:
        if timer == self._timers:
            self.proceed()

    def _acquired(self) -> None:
        """Use a permit, or lose it if the account was paused or the room is gone."""
        world, now = self._world, self._world.now
        self._acquiring = False
        self._take_permit(now)
        room = self._quota.room(now)
        if room >= 1 and now >= self._pause.until:
            images = int(min(room, IMAGES_PER_REQUEST))
            request, batch = self._requests.sent(now), self._quota.reserve(images, now)
            world.later(world.travel(), partial(self._arrive, request, batch))
        self.proceed()

    def _take_permit(self, now: float) -> None:
        """Take a permit of a bucket as `PacedLimiter` has it: a new and full one at a new rate."""
        rate, size = self._requests.rate, bucket_size(self._requests.rate)
        if rate != self._bucket_rate:
            self._bucket_rate, self._empty_at = rate, now + size / rate
        else:
            self._empty_at = max(self._empty_at, now) + 1 / rate
        self._next_permit = self._empty_at - (size - 1) / rate

    def _arrive(self, request: SentBatch, batch: SentBatch) -> None:
        world = self._world
        accepted = world.admit(batch.count)
        throttled = accepted is None
        self.arrivals.append(Arrival(world.elapsed, batch.count, accepted or 0, throttled))
        took = THROTTLE_TIME if throttled else world.chance.uniform(*world.character.answers)
        refused = None if accepted is None else batch.count - accepted
        world.later(took + world.travel(), partial(self._answered, request, batch, refused))

    def _answered(self, request: SentBatch, batch: SentBatch, refused: int | None) -> None:
        """Learn as `AccountThrottle.ended` does."""
        now = self._world.now
        self._requests.answered(request, refused=refused is None, now=now)
        self._quota.release(batch, refused, now)
        if refused in (None, batch.count):
            self._pause.refused(batch.at, None, now)
            self._quota.hold_until(self._pause.until, now)
        else:
            self._pause.accepted()
        self.proceed()

    def between(self, start: float, end: float) -> Iterator[Arrival]:
        """Yield the arrivals of a period, in seconds since the start of the world."""
        return (arrival for arrival in self.arrivals if start <= arrival.moment < end)

    def count(self, start: float, end: float) -> Counts:
        """Return the counts of a period, in seconds since the start of the world."""
        arrivals = list(self.between(start, end))
        served = [arrival for arrival in arrivals if not arrival.throttled]
        return Counts(
            end - start,
            len(arrivals),
            len(arrivals) - len(served),
            sum(arrival.accepted for arrival in served),
            sum(arrival.images - arrival.accepted for arrival in served),
        )
