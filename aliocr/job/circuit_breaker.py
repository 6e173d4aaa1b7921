"""Circuit breaker: end a job after 300 failures in a row that are not an image's own."""

from __future__ import annotations

from typing import NoReturn

from aliocr.errors import APIError, OCRError, ResponseError, ThrottledError, TransportError
from aliocr.job.errors import JobError
from aliocr.job.worklist import PendingRow
from aliocr.models import Outcome

MOST_UNSERVED = 300
"""Images in a row that were not served, for reasons that are not the image's. Then the job ends,
instead of failing all its rows one after the other."""


class CircuitBreaker:
    """Holds failures of the service back until the service serves an image again.

    If the network is gone, the rows have not failed: the next run reads them. If other images are
    served before and after, the failure is the row's.
    """

    def __init__(self) -> None:
        self._held: list[tuple[PendingRow, Outcome]] = []
        self._served = False

    def take(self, pending: PendingRow, outcome: Outcome) -> list[tuple[PendingRow, Outcome]]:
        """Take an outcome; return the outcomes that may be written now, in the order they came.

        Raises:
            JobError: The service is gone. The outcomes held back are dropped.
        """
        self._held.append((pending, outcome))
        if outcome.ok or not _is_of_the_service(outcome.error):
            self._served = True
            return self._let_go()
        if len(self._held) == MOST_UNSERVED:
            self._give_up(outcome.error)
        return []

    def end(self, *, stopped: bool) -> list[tuple[PendingRow, Outcome]]:
        """Return the outcomes still held back, as no more will come.

        An image whose connection broke off has failed: if it breaks every connection, it must not
        do so in every run.

        Raises:
            JobError: The service served no image at all, and the job was not told to stop.
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
            f"{images} not served, the last because of this: {error}; missing rows are read "
            "when the job is started again"
        ) from error


def _is_of_the_service(error: OCRError) -> bool:
    """Return True for an error of network, proxy, gateway or account, which no image causes."""
    if isinstance(error, APIError):
        return isinstance(error, ThrottledError) or isinstance(error.code, str)
    # A plain OCRError is the session's own, such as that it was closed.
    return isinstance(error, TransportError | ResponseError) or type(error) is OCRError
