"""What stands in the input of a job whose pictures are read on this machine."""

from __future__ import annotations

from pathlib import Path

import attrs

from aliocr.checks import is_url
from aliocr.cli.backend import Service
from aliocr.cli.frame_choice import ALL, Choice
from aliocr.cli.sources import NotThereError, Source, found
from aliocr.models import Image, Outcome


@attrs.define
class AtHand:
    """Sources are paths of picture files, as of `aliocr.job.sources.Sources`; or URLs.

    Args:
        asked: Which frames the user wants; None for all that can be read.
        service: Who reads them; is there by the time there is something to read.
    """

    asked: Choice | None
    service: Service | None = None

    @property
    def interval(self) -> int | None:
        """One frame of so many is asked for."""
        return (self.asked or ALL).interval

    @property
    def max_frames(self) -> int | None:
        """Frames that are read of one picture, at most."""
        return (self.asked or ALL).max_frames

    def check(self, source: str) -> None:
        """Refuse what is neither a file nor a URL."""
        if _one(source).path is None:
            Image(source)

    def image(self, source: str) -> Image:
        """The picture, at an address of this machine if it is a file."""
        if self.service is None:
            raise RuntimeError("nobody is there to read yet")
        return self.service.image(_one(source)).image

    def is_file(self, source: str) -> bool:
        """Whether it is no URL."""
        return not is_url(source)

    def done(self, outcome: Outcome) -> None:
        """Let the next one come."""
        if self.service is not None:
            self.service.done(outcome)


def _one(source: str) -> Source:
    try:
        sources = found(source, files=True).sources
    except NotThereError as error:
        if Path(source).is_absolute():
            raise
        raise ValueError(f"{error}; it was looked for from {_here()}") from None
    if len(sources) != 1 or sources[0].name != source:
        raise ValueError("a folder: name the pictures in it, or give it as the input")
    return sources[0]


def _here() -> str:
    """Where paths begin, which need not be where the list of them lies."""
    try:
        return str(Path.cwd())
    except OSError:
        return "a folder that is gone"
