"""Circuit breaker: end a job when the service, network or account fails for all images."""

from __future__ import annotations

from typing import NoReturn

from aliocr.errors import AuthError, ImageError, OCRError
from aliocr.job.errors import JobError
from aliocr.job.worklist import PendingRow
from aliocr.models import Outcome
from aliocr.stats import Stats

MOST_UNSERVED = 300
"""Maximum number of images in a row that may fail for a reason outside the image. The job ends at
this number, because without a limit all its rows would fail one after the other."""

FEW = 20
"""Number of failures that may be the images' own although the service seems to be the cause: an
image may break its connection, and a page with much text may take the service too long."""


class CircuitBreaker:
    """Holds back failures that the service may have caused, until it serves an image again.

    The service serves an image if it reads the image, or if the image itself is the reason of the
    failure. If an image is served later, the held failures are written as results. If no image is
    served any more, for example because the network is down, the held rows get no result, and the
    next run reads them.

    The class of the error decides, not its code: the service may report its own failure in the
    body, for each image, as well as in place of a reply.

    Images in a row are images of rows after the highest row that was served. Failures of rows
    before it do not count: they were tried several times, so their outcomes come late, and at the
    end of a list such outcomes come alone.

    Attributes:
        has_dropped: True if `end` dropped failures, so that their rows have no result.
    """

    def __init__(self) -> None:
        self._held: list[tuple[PendingRow, Outcome]] = []
        self._last_served = 0  # the highest row that was served
        self._unserved = 0  # number of held rows after this row
        self.has_dropped = False
        self._read = self._retried = 0  # numbers of the session when an image was read last

    def is_enough(self, stats: Stats, unanswered: int) -> bool:
        """Return True if the session needs no more images to tell an outage.

        In an outage images are tried several times before they fail, and meanwhile the session
        would take, and send, thousands of others.

        Args:
            stats: The numbers of the session.
            unanswered: Number of images that were given to the session and have no outcome yet.
        """
        read = stats.outcomes.get("Scan", 0)
        if read != self._read:
            self._read, self._retried = read, stats.retried
        fails = stats.retried - self._retried >= MOST_UNSERVED
        return fails and unanswered + self._unserved >= MOST_UNSERVED

    def take(self, pending: PendingRow, outcome: Outcome) -> list[tuple[PendingRow, Outcome]]:
        """Take an outcome; return the outcomes that may be written now, in the order they came.

        Raises:
            JobError: The service serves no image any more. The held outcomes are dropped.
        """
        self._held.append((pending, outcome))
        if outcome.ok or _is_of_the_image(outcome.error):
            self._last_served = max(self._last_served, pending.row.number)
            return self._let_go()
        self._unserved += pending.row.number > self._last_served
        if self._unserved == MOST_UNSERVED:
            self._give_up(outcome.error)
        return []

    def end(self, *, stopped: bool) -> list[tuple[PendingRow, Outcome]]:
        """Return the outcomes that are still held; called when no more outcomes will come.

        A few failures that may have been charged, such as broken connections, become results even
        if no image was served. If they did not, an image that breaks its connection would be sent,
        and perhaps charged, in every run. If a job is told to stop during an outage, its failures
        are dropped.

        Raises:
            JobError: The session itself failed; or the service served no image in this run, the job
                was not told to stop, and the failures cannot be those of a few images.
        """
        last = self._held[-1][1] if self._held else None
        if last is None or last.ok:
            return self._let_go()
        many = self._unserved > FEW
        never = not self._last_served and (many or not last.error.maybe_charged)
        if type(last.error) is OCRError or (never and not stopped):
            self._give_up(last.error)
        outcomes = self._let_go()
        self.has_dropped = stopped and (never or many)
        return [] if self.has_dropped else outcomes

    def _let_go(self) -> list[tuple[PendingRow, Outcome]]:
        held, self._held = self._held, []
        self._unserved = 0
        return held

    def _give_up(self, error: OCRError) -> NoReturn:
        unserved = len(self._let_go())
        images = "1 image was" if unserved == 1 else f"{unserved} images in a row were"
        raise JobError(
            f"{images} not served, the last because of this: {error}; the missing rows "
            "are read when the job is started again"
        ) from error


def _is_of_the_image(error: OCRError) -> bool:
    """Return True if the image is the cause; else service, network, account or session failed."""
    return isinstance(error, ImageError) or (isinstance(error, AuthError) and error.of_image)
