"""The sources of a job that reads on this machine: paths of picture files, or URLs."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import attrs

from aliocr.checks import is_url
from aliocr.cli.backend import Backend
from aliocr.cli.frame_choice import ALL, FrameChoice
from aliocr.cli.printer import doubt
from aliocr.cli.sources import NoSuchFileError, Source, expand
from aliocr.models import Image, Outcome


@attrs.define
class LocalSources:
    """Makes images of paths and URLs; see `aliocr.job.sources.Sources`.

    If `frames` is None, the default frames of this machine are read.
    """

    frames: FrameChoice | None
    backend: Backend | None = None
    """Backend of this machine; must be set before the first call of `image`."""
    doubtful: int = attrs.field(default=0, init=False)
    """Number of pictures that were read with low confidence in this run."""

    @property
    def interval(self) -> int | None:
        """The number N, if one of every N frames is read."""
        return (self.frames or ALL).interval

    @property
    def max_frames(self) -> int | None:
        """Maximum number of frames to read of one picture."""
        return (self.frames or ALL).max_frames

    def check(self, source: str) -> None:
        """Refuse a source that is neither a file nor a URL."""
        if _one(source).path is None:
            Image(source)

    def image(self, source: str) -> Image:
        """Return the image of a source; the image of a file has a URL of this machine."""
        if self.backend is None:
            raise RuntimeError("no backend yet")
        return self.backend.image_of(_one(source))[0]

    def is_file(self, source: str) -> bool:
        """Return whether a source is a path, not a URL."""
        return not is_url(source)

    def done(self, outcome: Outcome) -> None:
        """Tell the backend that a picture is done, so that another picture can be read."""
        self.doubtful += doubt(outcome) is not None
        if self.backend is not None:
            self.backend.done(outcome)


def _one(source: str) -> Source:
    try:
        sources = expand(source, files=True).sources
    except NoSuchFileError as error:
        if Path(source).is_absolute():
            raise
        # Relative paths start at the current folder, which may not be the folder of the list.
        here = "a folder that is gone"
        with suppress(OSError):
            here = str(Path.cwd())
        raise ValueError(f"{error}; relative paths start at {here}") from None
    if len(sources) != 1 or sources[0].name != source:
        raise ValueError("a folder; list its pictures, or give the folder as INPUT")
    return sources[0]
