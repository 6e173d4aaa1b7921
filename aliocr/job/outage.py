"""A service that serves nobody any more, told from images that it does not serve."""

from __future__ import annotations

from aliocr.errors import APIError, OCRError, ResponseError, ThrottledError, TransportError
from aliocr.job.desk import Wanted
from aliocr.job.errors import JobError
from aliocr.models import Outcome

__all__ = ["MOST_UNSERVED", "Watch"]

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

    def seen(self, wanted: Wanted, outcome: Outcome) -> list[tuple[Wanted, Outcome]]:
        """An outcome has come.

        Returns:
            Those that may be kept now, in the order in which they came.

        Raises:
            JobError: The service is gone. What was held back is forgotten.
        """
        self._held.append((wanted, outcome))
        if outcome.ok or not _is_of_the_service(outcome.error):
            return self.ended()
        if len(self._held) == MOST_UNSERVED:
            self._held.clear()
            raise JobError(
                f"{MOST_UNSERVED} images in a row were not served, the last because of this: "
                f"{outcome.error}; their rows are read when the job is started again"
            ) from outcome.error
        return []

    def ended(self) -> list[tuple[Wanted, Outcome]]:
        """No more will come: what is still held back, to be kept."""
        held, self._held = self._held, []
        return held


def _is_of_the_service(error: OCRError) -> bool:
    """Whether it says nothing about the image: the network, a proxy, the gateway, the account."""
    if isinstance(error, APIError):
        return isinstance(error, ThrottledError) or isinstance(error.code, str)
    return isinstance(error, TransportError | ResponseError)
