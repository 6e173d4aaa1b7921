"""A service that serves nobody any more, told from images that it does not serve."""

from __future__ import annotations

from typing import NoReturn

from aliocr.errors import APIError, OCRError, ResponseError, ThrottledError, TransportError
from aliocr.job.errors import JobError
from aliocr.job.worklist import Wanted
from aliocr.models import Outcome

MOST_UNSERVED = 300
"""Images in a row that were not served, for whatever reason that is not theirs, before a job takes
it for lasting and ends, instead of failing all its rows one after the other."""


class Watch:
    """Holds outcomes back until it is known whether the service serves at all.

    The rows of a network that is gone are not failures. What was not served while others were is
    one.
    """

    def __init__(self) -> None:
        self._held: list[tuple[Wanted, Outcome]] = []
        self._served = False

    def seen(self, wanted: Wanted, outcome: Outcome) -> list[tuple[Wanted, Outcome]]:
        """An outcome has come.

        Returns:
            Those that may be kept now, in the order in which they came.

        Raises:
            JobError: The service is gone. What was held back is forgotten.
        """
        self._held.append((wanted, outcome))
        if outcome.ok or not _is_of_the_service(outcome.error):
            self._served = True
            return self._let_go()
        if len(self._held) == MOST_UNSERVED:
            self._give_up(outcome.error)
        return []

    def ended(self, *, told_to: bool) -> list[tuple[Wanted, Outcome]]:
        """No more will come: what is still held back, to be kept.

        One that broke off is kept: an image that breaks every connection must not do so for ever.

        Args:
            told_to: Whether that is because the job was told to stop.

        Raises:
            JobError: There was no service at all.
        """
        last = self._held[-1][1] if self._held else None
        if last is not None and not last.ok:
            error = last.error
            never = not self._served and not error.maybe_charged and not told_to
            if never or type(error) is OCRError:
                self._give_up(error)
        return self._let_go()

    def _let_go(self) -> list[tuple[Wanted, Outcome]]:
        held, self._held = self._held, []
        return held

    def _give_up(self, error: OCRError) -> NoReturn:
        unserved = len(self._let_go())
        images = "1 image was" if unserved == 1 else f"{unserved} images in a row were"
        raise JobError(
            f"{images} not served, the last because of this: {error}; what is missing is read "
            "when the job is started again"
        ) from error


def _is_of_the_service(error: OCRError) -> bool:
    """Whether it says nothing about the image: the network, a proxy, the gateway, the account."""
    if isinstance(error, APIError):
        return isinstance(error, ThrottledError) or isinstance(error.code, str)
    # A plain one is the session's own, such as that it was closed.
    return isinstance(error, TransportError | ResponseError) or type(error) is OCRError
