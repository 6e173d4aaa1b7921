"""Random fault injection, repeatable with a seed.

The fault of a request depends on the number of the request. The failure of an image depends on its
URL and on the number of requests for this URL, but not on the order in which concurrent requests
arrive. So a failed run can be repeated.
"""

from __future__ import annotations

import enum
import random
import re
from collections.abc import Mapping

from aliocr.checks import is_number, is_whole
from aliocr.emulator.url_counts import URLCounts


class ConnectionFault(enum.Enum):
    """A fault of the connection, which prevents a complete reply."""

    CUT = "half of the reply sent"
    DROP = "the connection closed without a reply"
    HANG = "nothing sent for as long as the client waits"
    STALL = "half of the reply sent, then nothing for as long as the client waits"


CONNECTION_FAULTS = {
    "drop_connection": ConnectionFault.DROP,
    "truncate_body": ConnectionFault.CUT,
    "stall": ConnectionFault.STALL,
    "hang": ConnectionFault.HANG,
}
"""Connection faults by the name of the `Script` method that requests the fault."""

_GATEWAY_CODE = re.compile(r"[A-Z][A-Za-z0-9.]*[a-z0-9][A-Za-z0-9.]*").fullmatch
"""Return a match if the text is a code of the gateway: a word such as `Throttling.User`."""


class Chaos:
    """Chooses faults at random, at the rates given to `Script.chaos`; codes are strings here.

    A request has at most one fault, so the rates of requests add up to at most 1. The same is true
    for images.
    """

    def __init__(
        self,
        seed: int,
        requests: Mapping[str, float],
        images: Mapping[str, float],
        delay: float,
    ) -> None:
        for name in requests:
            if name not in CONNECTION_FAULTS and not (_is_code(name) or _GATEWAY_CODE(name)):
                verbs = ", ".join(CONNECTION_FAULTS)
                raise ValueError(f"{name!r} is not a fault of a request: {verbs}, or a code")
        for name in images:
            if not _is_code(name):
                raise ValueError(f"{name!r} is not a code of a failed image, such as 592")
        if not is_number(delay) or delay < 0:
            raise ValueError(f"delay must be a number of seconds, 0 or more, not {delay!r}")
        if not is_whole(seed):
            raise ValueError(f"seed must be a whole number, not {seed!r}")
        self._seed = seed
        self._requests = _rates("requests", requests)
        self._images = _rates("images", images)
        self._delay = delay
        self._faults = self._delays = 0
        self._tries = URLCounts()

    @property
    def is_active(self) -> bool:
        """True if a rate or the delay is above 0."""
        rates = (*self._requests, *self._images)
        return self._delay > 0 or any(rate > 0 for _, rate in rates)

    def next_fault(self) -> ConnectionFault | str | None:
        """Return the next request's fault: a connection fault, or the code of a refusal."""
        self._faults += 1
        name = _drawn(self._chance("request", self._faults), self._requests)
        return None if name is None else CONNECTION_FAULTS.get(name, name)

    def next_failure(self, url: str) -> int | None:
        """Return the code of this image's failure; None for no failure."""
        if not self._images:
            return None
        chance = self._chance(f"image {url}", self._tries.count(url))
        name = _drawn(chance, self._images)
        return None if name is None else int(name)

    def next_delay(self) -> float:
        """Return the delay of the next reply, in seconds."""
        self._delays += 1
        return self._chance("delay", self._delays) * self._delay

    def _chance(self, subject: str, number: int) -> float:
        """Return a random number from 0 to 1; the seed, subject and number determine it."""
        return random.Random(f"{self._seed} {number} {subject}").random()


def _is_code(name: str) -> bool:
    """Return True if the name is the code of a failure: three digits, not 200."""
    return bool(re.fullmatch("[1-9][0-9]{2}", name)) and name != "200"


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
