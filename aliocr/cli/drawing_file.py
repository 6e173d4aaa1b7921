"""The file that a drawing is written to: its name, and whether and how it is written."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import attrs
import click

from aliocr.atomic_file import Draft
from aliocr.cli.ending import unwound
from aliocr.cli.misuse import Misuse
from aliocr.cli.output import shown
from aliocr.cli.sources import Source

if TYPE_CHECKING:
    from PIL import Image

SUFFIX = ".boxes.png"

JPEG = (".jpg", ".jpeg")
FORMATS = {".png": "PNG"} | dict.fromkeys(JPEG, "JPEG")

QUALITY = 90
"""Of a JPEG; with every pixel's own colour, as letters have sharp edges."""

OURS = "aliocr draw"
"""Stands in each file that is written, so that it is known again."""

NAMELESS = "picture"

MOST_STEM = 100
"""Characters of a name that a URL gives."""


@attrs.frozen
class Target:
    """Where a drawing goes.

    Args:
        path: The file.
    """

    path: Path

    @classmethod
    def of(cls, source: Source, named: str | None) -> Target:
        """The file that was named; else one beside the picture, or here if it is a URL.

        Raises:
            Misuse: It cannot be written as it is named.
        """
        if named is None:
            return cls(_beside(source))
        path = Path(named)
        if path.suffix.lower() not in FORMATS:
            raise Misuse(f"{shown(named)}: a drawing is a .png or a .jpg")
        return cls(path)

    def check(self, source: Source, *, force: bool) -> None:
        """Refuse before anything is read, and charged, what could not be written then.

        Args:
            source: The picture, which is never written over.
            force: Write over a file that is none of this program's drawings.

        Raises:
            ClickException: It would not be written.
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
            raise Misuse(f"{name} is there already; --force writes over it")

    def write(self, picture: Image.Image) -> None:
        """Write all of it, or leave everything as it is.

        Raises:
            ClickException: It cannot be written.
        """
        form = FORMATS[self.path.suffix.lower()]
        try:
            with unwound(), Draft(self.path) as draft:
                picture.save(draft.file, form, **_options(form))
                draft.place()
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise click.ClickException(f"cannot write {shown(str(self.path))}: {why}") from None


def _beside(source: Source) -> Path:
    if source.path is not None:
        return source.path.with_name(source.path.stem + SUFFIX)
    # What stands in a URL must not lead into another folder, nor be hidden.
    last = unquote(urlsplit(source.name).path, errors="replace").rpartition("/")[2]
    stem = re.sub(r"[^\w.-]+", "_", last.rpartition(".")[0] or last).strip("._")[:MOST_STEM]
    return Path((stem or NAMELESS) + SUFFIX)


def _options(form: str) -> dict[str, Any]:
    from PIL.PngImagePlugin import PngInfo  # noqa: PLC0415 - needs the extra

    if form == "JPEG":
        return {"quality": QUALITY, "subsampling": 0, "comment": OURS}
    said = PngInfo()
    said.add_text("Software", OURS)
    return {"pnginfo": said}


def _is_ours(path: Path) -> bool:
    """Whether it is a drawing that was written here."""
    from PIL import Image  # noqa: PLC0415 - needs the extra

    try:
        with Image.open(path, formats=("PNG", "JPEG")) as image:
            comment = image.info.get("comment", b"")
            return OURS in (image.info.get("Software"), os.fsdecode(comment))
    except Exception:  # noqa: BLE001 - whatever is wrong with it, it is somebody's file
        return False
