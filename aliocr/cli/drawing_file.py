"""The file of a drawing: how it is named, checked before a picture is read, and written."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import attrs
import click

from aliocr.atomic_file import Draft, file_name
from aliocr.cli.console import shown
from aliocr.cli.exits import Misuse
from aliocr.cli.signals import unwound
from aliocr.cli.sources import Source
from aliocr.job.input.folder import DRAWING, DRAWN

if TYPE_CHECKING:
    from PIL import Image

JPEG = (".jpg", ".jpeg")

QUALITY = 90
"""Quality of a JPEG drawing.

Its colours keep their full resolution, because letters have sharp edges.
"""

OURS = DRAWN.decode()
"""Mark in the metadata of each drawing, so that a later run recognizes the file as a drawing."""

MOST_STEM = 100
"""Maximum length of a file name that is taken from a URL, in characters."""


@attrs.frozen
class DrawingFile:
    """The file of a drawing."""

    path: Path

    @classmethod
    def of(cls, source: Source, named: str | None) -> DrawingFile:
        """Return the file `named`.

        If it is None, return a file beside the picture, or in the current folder for a URL.
        """
        if named is not None:
            path = Path(named)
            if path.suffix.lower() not in (".png", *JPEG):
                raise Misuse(f"{shown(named)}: a drawing must be a .png or .jpg file")
            return cls(path)
        if source.path is not None:
            return cls(source.path.with_name(source.path.stem + DRAWING))
        # A name from a URL must not lead into another folder or make a hidden file.
        last = unquote(urlsplit(source.name).path, errors="replace").rpartition("/")[2]
        stem = re.sub(r"[^\w.-]+", "_", last.rpartition(".")[0] or last).strip("._")[:MOST_STEM]
        return cls(Path(file_name((stem or "picture") + DRAWING)))

    def check(self, source: Source, *, force: bool) -> None:
        """Refuse a file that cannot be written, before a picture is read and charged.

        An earlier drawing may be overwritten. With `force`, any other file may be overwritten,
        except the picture.
        """
        name = shown(str(self.path))
        folder = self.path.parent
        if not folder.is_dir():
            raise Misuse(f"{name}: no such folder")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise click.ClickException(f"cannot write {name}: permission denied; see --output")
        if not self.path.exists():
            return
        if source.path and self.path.samefile(source.path):
            raise Misuse(f"{name} is the picture itself; name another file with --output")
        if not self.path.is_file():
            raise Misuse(f"{name} is not a regular file")
        if not force and not _is_ours(self.path):
            raise Misuse(f"{name} exists; --force overwrites it")

    def write(self, picture: Image.Image) -> None:
        """Write the drawing atomically; on an error, an existing file stays unchanged."""
        from PIL.PngImagePlugin import PngInfo  # noqa: PLC0415 - needs the extra

        options: dict[str, Any]
        if self.path.suffix.lower() in JPEG:
            options = {"format": "JPEG", "quality": QUALITY, "subsampling": 0, "comment": OURS}
        else:
            info = PngInfo()
            info.add_text("Software", OURS)
            options = {"format": "PNG", "pnginfo": info}
        try:
            with unwound(), Draft(self.path) as draft:
                picture.save(draft.file, **options)
                draft.place()
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise click.ClickException(f"cannot write {shown(str(self.path))}: {why}") from None


def _is_ours(path: Path) -> bool:
    """Return whether a file is a drawing of this program."""
    from PIL import Image  # noqa: PLC0415 - needs the extra

    try:
        with Image.open(path, formats=("PNG", "JPEG")) as image:
            comment = image.info.get("comment", b"")
            return OURS in (image.info.get("Software"), os.fsdecode(comment))
    except Exception:  # noqa: BLE001 - after any error, it is not a drawing
        return False
