"""A model of the service for virtual clocks: it counts, refuses and fails as the real one may.

No sockets: a batcher's carrier, so that hundreds of worlds can be lived through in a minute.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import attrs

from aliocr import Credentials, Image, Limits, OCRError, Outcome, Scan, TransportError
from aliocr.dispatch.batcher import Batcher
from aliocr.dispatch.pending_image import Waiter
from aliocr.dispatch.queue import Lane
from aliocr.dispatch.retry import RepeatBudget, RetryPolicy
from aliocr.dispatch.throttle import AccountThrottle
from aliocr.emulator.access.account import Account as ServedAccount
from aliocr.emulator.access.rate_window import WindowKind
from aliocr.errors import ScanTimeoutError, api_error, undocumented_error
from aliocr.protocol.replies import ReplyPart


@attrs.frozen
class Character:
    """What a service is like.

    Args:
        window: How it counts.
        requests_per_second: What it allows of requests.
        images_per_second: The same of images; None for no limit.
        images_in_flight: The same of images at once.
        jitter: Seconds that a request may be under way before it is counted: from 0 up to this.
        answers: Seconds that an answer takes, from and to.
        lost: The part of requests that never arrive.
        broken: The part of answers that never come back, though the request ran.
        failing: The part of requests that the service answers with code 500, though they ran.
        slow: The part of images that fail in the service, and may have been charged.
        missing: The part of images that are not there.
    """

    window: WindowKind = "sliding"
    requests_per_second: float | None = 10.0
    images_per_second: float | None = None
    images_in_flight: int | None = None
    jitter: float = 0.05
    answers: tuple[float, float] = (0.1, 0.3)
    lost: float = 0.0
    broken: float = 0.0
    failing: float = 0.0
    slow: float = 0.0
    missing: float = 0.0


@attrs.frozen
class Trouble:
    """What becomes of every request for some time.

    Args:
        error: Makes the failure of a request.
        took: Seconds until it fails.
    """

    error: Callable[[], OCRError]
    took: float = 0.05


TROUBLES = {
    "refused": Trouble(lambda: TransportError("refused", transient=True)),
    "no connection": Trouble(lambda: ScanTimeoutError("no connection", transient=True), 3.0),
    "dropped": Trouble(lambda: TransportError("dropped", transient=True, maybe_charged=True)),
    "hanging": Trouble(lambda: ScanTimeoutError("late", transient=True, maybe_charged=True), 7.0),
    "page": Trouble(lambda: undocumented_error(502, b"<html>")),
    "too early": Trouble(lambda: undocumented_error(425, b"")),
    "503": Trouble(lambda: api_error(503, "down")),
    "500": Trouble(lambda: api_error(500, "down")),
    "gateway": Trouble(lambda: api_error("ServiceUnavailable", "down", status=503)),
}
"""Each way in which a service can be gone."""


class ModelService:
    """A service of some character; a carrier of batches."""

    def __init__(self, character: Character, seed: int) -> None:
        self.chance = random.Random(seed)
        self.character = character
        self.account = ServedAccount(
            Credentials("id", "secret"),
            character.requests_per_second,
            images_per_second=character.images_per_second,
            images_in_flight=character.images_in_flight,
            window=character.window,
        )
        self.departures: list[tuple[float, list[str]]] = []
        self.throttled = 0
        self.images: list[tuple[float, bool]] = []  # when each arrived, and whether it was taken
        self.charged: Counter[str] = Counter()
        self.poison: set[str] = set()  # sinks every request it is in
        self.trouble: Trouble | None = None
        self._cut = random.Random(seed)

    ready = True

    async def prepare(self) -> None:
        """Nothing takes time before the permit."""

    async def send(self, images: Sequence[Image]) -> Iterator[ReplyPart]:
        """One request, there and back; the reply is in any order, and read in parts of any size."""
        answers = list(enumerate(await self._send(images)))
        self._cut.shuffle(answers)
        return self._parts(answers)

    def _parts(self, answers: list[tuple[int, Scan | OCRError]]) -> Iterator[ReplyPart]:
        while answers:
            size = self._cut.randrange(len(answers) + 1)
            yield answers[:size]
            answers = answers[size:]

    async def _send(self, images: Sequence[Image]) -> list[Scan | OCRError]:
        loop, chance, character = asyncio.get_running_loop(), self.chance, self.character
        self.departures.append((loop.time(), [image.url for image in images]))
        names = [image.data_id for image in images if image.data_id is not None]
        assert len(set(names)) == len(names)
        if (trouble := self.trouble) is not None:
            error = trouble.error()
            self.charged.update(image.url for image in images if error.maybe_charged)
            await asyncio.sleep(trouble.took)
            raise error
        await asyncio.sleep(chance.uniform(0, character.jitter))
        if chance.random() < character.lost:
            raise TransportError("never arrived", transient=True)
        if not self.account.accept(loop.time()):
            self.throttled += 1
            await asyncio.sleep(0.02)
            raise api_error("Throttling.User", "too fast", status=400)
        granted = self.account.take_images(len(images), loop.time())
        try:
            return await self._answer(images, granted)
        finally:
            self.account.release_images(granted)

    async def _answer(self, images: Sequence[Image], granted: int) -> list[Scan | OCRError]:
        loop, chance, character = asyncio.get_running_loop(), self.chance, self.character
        arrived = loop.time()
        self.images += [(arrived, place < granted) for place in range(len(images))]
        answers = [
            self._read(image) if place < granted else api_error(588, "over the quota")
            for place, image in enumerate(images)
        ]
        if any(image.url in self.poison for image in images):
            await asyncio.sleep(6)
            raise ScanTimeoutError("no answer in time", transient=True, maybe_charged=True)
        await asyncio.sleep(chance.uniform(*character.answers))
        if chance.random() < character.broken:
            raise TransportError("cut off", transient=True, maybe_charged=True)
        if chance.random() < character.failing:
            raise api_error(500, "failed")
        return answers

    def _read(self, image: Image) -> Scan | OCRError:
        luck = self.chance.random()
        if luck < self.character.missing:
            return api_error(404, "not there")
        self.charged[image.url] += 1
        if luck < self.character.missing + self.character.slow:
            return api_error(581, "too slow")
        return Scan(image, f"text of {image.url}")


class Asker:
    """A caller of many images that remembers all it is told."""

    def __init__(self, batcher: Batcher) -> None:
        self._batcher = batcher
        self.asked: list[Waiter] = []
        self.taken_at: dict[Waiter, float] = {}
        self.outcomes: dict[Waiter, list[Outcome]] = {}
        self.withdrawn: set[Waiter] = set()
        self._done = asyncio.Event()

    def ask(self, image: Image, lane: Lane = Lane.BULK) -> Waiter:
        """Ask for an image."""
        waiter = self._batcher.submit(image, self, lane, follower=self, number=len(self.asked))
        self.asked.append(waiter)
        self.outcomes[waiter] = []
        return waiter

    def withdraw(self, waiter: Waiter) -> None:
        """Want it no more."""
        if not self.outcomes[waiter]:
            self.withdrawn.add(waiter)
        self._batcher.withdraw(waiter)

    def image_sent(self, waiter: Waiter) -> None:
        """Told that it left the queue."""
        self.taken_at.setdefault(waiter, asyncio.get_running_loop().time())

    def image_returned(self, waiter: Waiter) -> None:
        """Told that it goes again."""

    def deliver(self, waiter: Waiter, outcome: Outcome) -> None:
        """Told what became of it."""
        self.outcomes[waiter].append(outcome)
        self._done.set()

    async def all_done(self) -> None:
        """Wait until every image that was not withdrawn has an outcome."""
        while waited := [waiter for waiter in self.outcomes if self._waits(waiter)]:
            for waiter in waited:
                while self._waits(waiter):
                    self._done.clear()
                    await self._done.wait()

    def _waits(self, waiter: Waiter) -> bool:
        return not self.outcomes[waiter] and waiter not in self.withdrawn


def batcher_of(
    service: ModelService,
    limits: Limits | None = None,
    *,
    account: AccountThrottle | None = None,
    **options: object,
) -> Batcher:
    """A batcher that sends to a model; options as `Batcher` has them."""
    limits = limits or Limits()
    defaults: dict[str, object] = {
        "retry": RetryPolicy(3),
        "budget": RepeatBudget(6000),
        "images_per_request": limits.images_per_request,
        "throttle_timeout": 60.0,
        "patience": 15.0,
    }
    return Batcher(service, account or AccountThrottle(limits), **(defaults | options))  # type: ignore[arg-type]


def busiest(moments: Sequence[float], window: float = 1.0) -> int:
    """The most of these in any one second; they are in order."""
    most = first = 0
    for last, moment in enumerate(moments):
        while moment - moments[first] >= window:
            first += 1
        most = max(most, last - first + 1)
    return most
