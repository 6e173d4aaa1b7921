"""Pauses of an account: when nothing is sent because whole requests were refused.

1. A single refused request pauses nothing: most refused requests came only slightly too early, and
   the rate learns from them.
2. From the second refusal in a row, a random time that doubles with each refusal. In a row means:
   nothing was accepted between, and the request was sent after the refusal before it.
3. If the service names a time, this time, whatever the failure is.

Pure: times are arguments, in seconds of a monotonic clock.
"""

from __future__ import annotations

import math

from aliocr.dispatch.retry import throttled_pause

LONGEST_PAUSE = 60.0
"""Maximum length of a pause, in seconds, even if the service names a longer time, so that the
service is asked again from time to time."""


class AccountPause:
    """The pause of one account.

    Attributes:
        until: The time when the pause ends; in the past if there is none.
    """

    def __init__(self) -> None:
        self.until = -math.inf
        self._in_a_row = 0
        self._refused_at = -math.inf

    def accepted(self) -> None:
        """Learn that a request was accepted; the running pause stays."""
        self._in_a_row = 0

    def refused(self, sent_at: float, retry_after: float | None, now: float) -> None:
        """Learn that a whole request was refused.

        Args:
            sent_at: When it was sent.
            retry_after: Seconds that the service named; None if it named none.
            now: The time.
        """
        if retry_after is not None:
            self.wait(retry_after, now)
        elif sent_at > self._refused_at:
            self._in_a_row += 1
            self.until = max(self.until, now + throttled_pause(self._in_a_row))
        else:
            # It was sent before an earlier refusal came, and is refused for the same reason.
            return
        self._refused_at = now

    def wait(self, seconds: float, now: float) -> None:
        """Pause for the time that the service named, but not longer than `LONGEST_PAUSE`."""
        self.until = max(self.until, now + min(seconds, LONGEST_PAUSE))
