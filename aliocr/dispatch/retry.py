"""How often a failed image is tried again, how long it rests before that, and what it may cost.

What is retried is an image in a queue, not a call, and an image that succeeds at its first try
never comes here. So the strategies, which are tenacity's, are fetched with the first failure: they
take an eighth of what the import of a session takes beyond aiohttp.
"""

from __future__ import annotations

import math

from aliocr.errors import APIError, OCRError

# Codes that a second or third try cures or none does; the documents advise "contact support" for
# some of them. The limit is lowered, never raised, by `max_retries`.
_FEW_RETRIES: dict[int | str, int] = {
    480: 1,
    595: 1,
    586: 2,
    587: 2,
    592: 2,
    "InvalidTimeStamp.Expired": 1,
    "InvalidSecurityToken.Expired": 1,
}

BUDGET_REFILL = 0.1
"""What an image that is read gives back of the budget, in images."""


class RetryPolicy:
    """Decides for one image at a time.

    Args:
        max_retries: Tries after the first, 0 or more; throttled tries do not count.
    """

    def __init__(self, max_retries: int) -> None:
        self.max_retries = max_retries

    def rest_after(self, error: OCRError, failures: int) -> float | None:
        """Seconds the image rests before it joins the queue again, or None to give it up.

        Args:
            error: The failure just met.
            failures: Tries of this image that failed, this one included, throttled ones left out.
        """
        if not error.transient:
            return None
        code = error.code if isinstance(error, APIError) else None
        usual = self.max_retries
        retries = usual if code is None else min(_FEW_RETRIES.get(code, usual), usual)
        from aliocr.dispatch import backoff  # noqa: PLC0415 - see above

        return backoff.rest(failures, retries + 1)


def throttled_pause(in_a_row: int) -> float:
    """Seconds an account pauses after so many refusals in a row: jittered, 10 at most."""
    from aliocr.dispatch import backoff  # noqa: PLC0415 - see above

    return backoff.pause(in_a_row)


class Budget:
    """How many images may be sent again although an earlier try may have been charged.

    An outage drains it, success refills it: a flapping service is paid for at most a tenth more
    than once, and a single bad picture never notices.

    Args:
        most: Images it holds when full; None for no limit.
    """

    def __init__(self, most: int | None) -> None:
        self._most = math.inf if most is None else float(most)
        self._left = self._most

    def spend(self) -> bool:
        """Whether one more image may be sent again; if so, it is counted."""
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def refill(self) -> None:
        """An image was read."""
        self._left = min(self._most, self._left + BUDGET_REFILL)
