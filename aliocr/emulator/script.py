"""What a test can tell the emulator beforehand: what images say, and what goes wrong when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from aliocr.emulator.chaos import Chaos
from aliocr.emulator.content import Content
from aliocr.emulator.plan import (
    FOREIGN_TASK,
    Breakage,
    Copies,
    Plan,
    Reply,
    failure,
    refusal,
)
from aliocr.models import Region

__all__ = ["Script"]


class Script:
    """The instructions to one emulator. They may be given at any time and hold from then on.

    A URL is matched exactly; `"*"` is every image. `times` is how often, None always: for requests,
    how many in turn; for images, how many answers of each image, which then is read as usual.
    Faults of requests meet those that pass the gateway, so a request that is wrongly signed or too
    early uses up none.
    """

    def __init__(self) -> None:
        self._plan = Plan()

    # --- images

    def text(self, url: str, text: str, regions: Sequence[Region] | None = None) -> None:
        """Have an image say this from now on.

        Args:
            url: The image's, or `"*"`.
            text: Empty for an image without text.
            regions: The pieces of the text; None for one that holds it all.
        """
        content = Content.of_text(text)
        if regions is not None:
            content = attrs.evolve(content, regions=tuple(regions))
        self._plan.contents[url] = content

    def fail(self, url: str, code: int, times: int | None = None, *, message: str = "") -> None:
        """Have an image fail.

        Args:
            url: The image's, or `"*"`.
            code: The service's, anything but 200.
            times: So many times; None for ever.
            message: The service's words; the code's name if left out.
        """
        self._plan.failures.put(failure(code, message), times, url)

    def omit(self, url: str, times: int | None = 1) -> None:
        """Leave the image's answer out of the reply."""
        self._plan.copies.put(Copies.NONE, times, url)

    def repeat(self, url: str, times: int | None = 1) -> None:
        """Answer for the image twice, the second time to the contrary of the first."""
        self._plan.copies.put(Copies.CONTRARY, times, url)

    def sink(self, url: str, code: int | str, times: int | None = None) -> None:
        """Refuse every request that holds this image, whatever else it holds.

        Args:
            url: The image's.
            code: As of `refuse`.
            times: So many requests; None for all.
        """
        self._plan.sunk.put(refusal(code), times, url)

    def add_foreign(self, times: int | None = 1) -> None:
        """Add the answer to an image that nobody asked about."""
        self._plan.foreign.put((FOREIGN_TASK, failure(500)), times)

    def reverse(self) -> None:
        """Give the answers of every reply in another order: from the last image to the first."""
        self._plan.reversed = True

    # --- requests

    def refuse(
        self,
        code: int | str,
        message: str = "",
        times: int | None = 1,
        *,
        retry_after: float | None = None,
    ) -> None:
        """Refuse the request.

        Args:
            code: An int is refused by the service, in HTTP 200; a string by the gateway in front of
                it, in the code's documented status.
            message: The words; those documented, or the code's name, if left out.
            times: So many requests; None for all.
            retry_after: Tell the client to come again after so many seconds.
        """
        refused = attrs.evolve(refusal(code, message), retry_after=retry_after)
        self._plan.faults.put(refused, times)

    def throttle(self, times: int | None = 1, *, retry_after: float | None = None) -> None:
        """Refuse the request as one too many, however few there were; see `refuse`."""
        self.refuse("Throttling.User", times=times, retry_after=retry_after)

    def respond(
        self, status: int, body: bytes | str, content_type: str, times: int | None = 1
    ) -> None:
        """Answer the request with this, whatever it is; such as a proxy's page."""
        data = body.encode() if isinstance(body, str) else body
        self._plan.faults.put(Reply(status, data, content_type), times)

    def truncate_body(self, times: int | None = 1) -> None:
        """Announce the whole answer, send half, and close the connection."""
        self._plan.faults.put(Breakage.CUT, times)

    def drop_connection(self, times: int | None = 1) -> None:
        """Do the work, and close the connection instead of answering: charged all the same."""
        self._plan.faults.put(Breakage.DROP, times)

    def hang(self, times: int | None = 1) -> None:
        """Do not answer for as long as the client waits."""
        self._plan.faults.put(Breakage.HANG, times)

    def stall(self, times: int | None = 1) -> None:
        """Send the headers and half of the answer, and no more for as long as the client waits."""
        self._plan.faults.put(Breakage.STALL, times)

    def delay(self, seconds: float, times: int | None = None) -> None:
        """Hold every answer back for so many seconds once it is ready, faults included."""
        if not 0 <= seconds < float("inf"):
            raise ValueError(f"seconds must be 0 or more, not {seconds}")
        self._plan.delays.put(seconds, times)

    # --- everything

    def skew_clock(self, seconds: float) -> None:
        """Put the emulator's clock ahead of this machine's, or behind it if below 0.

        It rules which dates and nonces are good and stands in each reply's `Date`, so that a client
        can correct its own.
        """
        if not abs(seconds) < float("inf"):
            raise ValueError(f"seconds must be a number, not {seconds}")
        self._plan.skew = seconds

    def chaos(
        self,
        seed: int = 0,
        *,
        requests: Mapping[str, float] | None = None,
        images: Mapping[str, float] | None = None,
        delay: float = 0.0,
    ) -> None:
        """Have things go wrong by chance, where no other instruction says what happens.

        Args:
            seed: The same one makes the same faults: of requests by their number, of images by URL
                and how often each was asked for.
            requests: Rates from 0 to 1 by what happens: `"drop_connection"`, `"truncate_body"`,
                `"stall"`, `"hang"`, or the code of a refusal, such as `"Throttling.User"`, `"503"`.
            images: Rates by the code of the failure, such as `{"592": 0.05}`.
            delay: Seconds, at most, by which answers are held back, drawn evenly.

        Raises:
            ValueError: A name or rate that means nothing. The earlier chaos goes on.
        """
        self._plan.chaos = Chaos(seed, requests or {}, images or {}, delay)

    def reset(self) -> None:
        """Forget every instruction, chaos and the clock's skew included."""
        self._plan.forget()
