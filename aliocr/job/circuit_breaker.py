"""Circuit breaker: end a job after 300 failures in a row that no image caused."""

from __future__ import annotations

from typing import NoReturn

from aliocr.errors import APIError, OCRError, ResponseError, ThrottledError, TransportError
from aliocr.job.errors import JobError
from aliocr.job.worklist import PendingRow
from aliocr.models import Outcome

MOST_UNSERVED = 300
"""Maximum number of images in a row that may fail for a reason outside the image. The job ends at
this number, because without a limit all its rows would fail one after the other."""


class CircuitBreaker:
    """Holds back failures that the service may have caused, until it serves an image again.

    The service serves an image if it reads the image, or if the image itself is the reason of the
    failure. If an image is served later, the held failures are written as results. If no image is
    served any more, for example because the network is down, the held rows get no result, and the
    next run reads them.
    """

    def __init__(self) -> None:
        self._held: list[tuple[PendingRow, Outcome]] = []
        self._served = False

    def take(self, pending: PendingRow, outcome: Outcome) -> list[tuple[PendingRow, Outcome]]:
        """Take an outcome; return the outcomes that may be written now, in the order they came.

        Raises:
            JobError: The service serves no image any more. The held outcomes are dropped.
        """
        self._held.append((pending, outcome))
        if outcome.ok or not _is_of_the_service(outcome.error):
            self._served = True
            return self._let_go()
        if len(self._held) == MOST_UNSERVED:
            self._give_up(outcome.error)
        return []

    def end(self, *, stopped: bool) -> list[tuple[PendingRow, Outcome]]:
        """Return the outcomes that are still held; called when no more outcomes will come.

        A failure that may have been charged, such as a broken connection, becomes a result even if
        no image was served. If it did not, an image that breaks its connection would be sent, and
        perhaps charged, in every run.

        Raises:
            JobError: The session itself failed; or the service served no image in this run, the job
                was not told to stop, and the last failure cannot be charged.
        """
        last = self._held[-1][1] if self._held else None
        if last is not None and not last.ok:
            error = last.error
            never = not self._served and not error.maybe_charged and not stopped
            if never or type(error) is OCRError:
                self._give_up(error)
        return self._let_go()

    def _let_go(self) -> list[tuple[PendingRow, Outcome]]:
        held, self._held = self._held, []
        return held

    def _give_up(self, error: OCRError) -> NoReturn:
        unserved = len(self._let_go())
        images = "1 image was" if unserved == 1 else f"{unserved} images in a row were"
        raise JobError(
            f"{images} not served, the last because of this: {error}; the missing rows "
            "are read when the job is started again"
        ) from error


def _is_of_the_service(error: OCRError) -> bool:
    """Return True for an error of network, proxy, gateway or account: no image causes these."""
    if isinstance(error, APIError):
        return isinstance(error, ThrottledError) or isinstance(error.code, str)
    # A plain OCRError comes from the session, such as a closed session.
    return isinstance(error, TransportError | ResponseError) or type(error) is OCRError
