"""The peer aliocr."""

from __future__ import annotations

from collections.abc import Iterator

from aliocr import Limits
from benchmarks.client import FreeLimiter, open_session
from benchmarks.peers.contract import IN_FLIGHT, Note


class Ours:
    """A stream of aliocr with a limiter that grants every permit immediately."""

    name = "aliocr"
    imports = "import aliocr; aliocr.Session"

    def missing(self) -> None:
        """Return None, because aliocr is always installed."""

    async def read_images(
        self,
        url: str,
        images: Iterator[str],
        note: Note,
        *,
        per_request: int = 100,
        in_flight: int = IN_FLIGHT,
    ) -> None:
        """Read all images; see `Peer`."""
        limits = Limits(images_per_request=per_request, images_in_flight=in_flight * per_request)
        async with open_session(url, limiter=FreeLimiter(), limits=limits) as ocr:
            async for outcome in ocr.stream(images):
                note(int(outcome.ok), outcome)
