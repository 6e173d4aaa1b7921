"""Faults by chance, the same for the same seed.

The fate of a request depends on its number, that of an image on its URL and how often it was asked
for: not on which of a hundred concurrent requests came first. A run that failed can be run again.
"""

from __future__ import annotations

import enum
import hashlib
import random
import re
from collections import OrderedDict
from collections.abc import Mapping

from aliocr.checks import is_number, is_whole


class Breakage(enum.Enum):
    """What can happen to an answer on its way."""

    CUT = "half of it sent"
    DROP = "the connection closed instead"
    HANG = "silence for as long as the client waits"
    STALL = "half of it sent, then silence for as long as the client waits"


BREAKAGES = {
    "drop_connection": Breakage.DROP,
    "truncate_body": Breakage.CUT,
    "stall": Breakage.STALL,
    "hang": Breakage.HANG,
}
"""By the verb that asks for them."""

REMEMBERED = 100_000
"""Images whose number of tries is known; one that was asked for longer ago begins anew."""


class Chaos:
    """Draws faults at given rates.

    Args:
        seed: The same one draws the same.
        requests: What happens to requests, with its rate from 0 to 1: `"drop_connection"`,
            `"truncate_body"`, `"stall"`, `"hang"`, or a code of a refusal, such as
            `"Throttling.User"` or `"503"`. One request has one fault, so the rates add up to 1 at
            most.
        images: What becomes of images, the same by codes, such as `"592"`.
        delay: Seconds, at most, by which answers are held back, drawn evenly.

    Raises:
        ValueError: A name, a rate or a sum of rates that means nothing.
    """

    def __init__(
        self,
        seed: int,
        requests: Mapping[str, float],
        images: Mapping[str, float],
        delay: float,
    ) -> None:
        for name in requests:
            if name not in BREAKAGES and not _is_refusal(name):
                verbs = ", ".join(BREAKAGES)
                raise ValueError(f"{name!r} is no fault of a request: {verbs}, or a code")
        for name in images:
            if not _is_code(name):
                raise ValueError(f"{name!r} is no code of an image that failed, such as 592")
        if not is_number(delay) or delay < 0:
            raise ValueError(f"delay must be seconds from 0 up, not {delay!r}")
        if not is_whole(seed):
            raise ValueError(f"seed must be a whole number, not {seed!r}")
        self._seed = seed
        self._requests = _rates("requests", requests)
        self._images = _rates("images", images)
        self._delay = delay
        self._faults = self._delays = 0
        self._tries: OrderedDict[bytes, int] = OrderedDict()

    @property
    def reigns(self) -> bool:
        """Whether anything can ever happen: a rate or a delay is above 0."""
        rates = (*self._requests, *self._images)
        return self._delay > 0 or any(rate > 0 for _, rate in rates)

    def next_fault(self) -> Breakage | str | None:
        """What happens to this request: it breaks, or is refused with a code."""
        self._faults += 1
        name = _drawn(self._chance("request", self._faults), self._requests)
        return None if name is None else BREAKAGES.get(name, name)

    def next_failure(self, url: str) -> int | None:
        """The code with which this image fails this time."""
        if not self._images:
            return None
        name = _drawn(self._chance(f"image {url}", self._tries_of(url)), self._images)
        return None if name is None else int(name)

    def next_delay(self) -> float:
        """Seconds to hold this answer back."""
        self._delays += 1
        return self._chance("delay", self._delays) * self._delay

    def _chance(self, subject: str, number: int) -> float:
        """From 0 to 1, by the seed, the subject, and how often it was asked about."""
        return random.Random(f"{self._seed} {number} {subject}").random()

    def _tries_of(self, url: str) -> int:
        """How often this image has been asked for, this time included."""
        # A digest, as a URL may have 2,000 characters.
        key = hashlib.blake2b(url.encode(errors="surrogatepass"), digest_size=16).digest()
        self._tries[key] = self._tries.pop(key, 0) + 1
        if len(self._tries) > REMEMBERED:
            self._tries.popitem(last=False)
        return next(reversed(self._tries.values()))


def _is_code(name: str) -> bool:
    """A number of the service's, of three digits, that stands for no success."""
    return bool(re.fullmatch("[1-9][0-9]{2}", name)) and name != "200"


def _is_refusal(name: str) -> bool:
    """A number of the service, or a word of the gateway's, such as `Throttling.User`."""
    return _is_code(name) or bool(re.fullmatch(r"[A-Z][A-Za-z0-9.]*[a-z0-9][A-Za-z0-9.]*", name))


def _rates(what: str, rates: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    for name, rate in rates.items():
        if not is_number(rate) or not 0 <= rate <= 1:
            raise ValueError(f"the rate of {name} must be from 0 to 1, not {rate!r}")
    if sum(rates.values()) > 1 + 1e-9:
        raise ValueError(f"the rates of {what} add up to {sum(rates.values()):g}, which is above 1")
    return tuple(rates.items())


def _drawn(chance: float, rates: tuple[tuple[str, float], ...]) -> str | None:
    for name, rate in rates:
        chance -= rate
        if chance < 0:
            return name
    return None
