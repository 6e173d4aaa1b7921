"""Find the pictures of rows on this machine, and their sizes. Nothing is downloaded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import attrs

from aliocr.checks import is_url
from aliocr.job.output.result import Read
from aliocr.pictures.size_limits import PictureError
from aliocr.text.boxes import around
from aliocr.text.pages import size_of

if TYPE_CHECKING:
    from aliocr.pictures.header import Header

NOT_HERE = "no picture on this machine: give the folder of the pictures by --input"
UNREADABLE = "the picture cannot be read"
ANOTHER = "the picture is not the one that was read, for its size is another"
NEEDS_PILLOW = "the picture cannot be read without Pillow: pip install 'aliocr[pictures]'"

BEYOND = 1.05
"""Maximum place of a region, in sizes of its picture. A region is a little larger than its text."""


@attrs.frozen
class Original:
    """The picture of a row, as far as it is at hand.

    Args:
        size: Width and height in pixels; None if they are not known.
        path: The file; None if there is none that can be used.
        header: The header of this file.
        missing: Why there is no file: a clause of a message.
    """

    size: tuple[int, int] | None
    path: Path | None = None
    header: Header | None = None
    missing: str = ""


class PictureFiles:
    """Finds the files of pictures.

    Args:
        beside: The folder of the output: a path that leads to no file from the current folder may
            lead to one from there.
        given: A folder that the user names. There a picture is also found by the end of its path,
            and so is the picture of a URL: `shop/a.png` and `a.png` for `https://host/shop/a.png`.
    """

    def __init__(self, beside: Path, given: Path | None = None) -> None:
        self._beside = beside
        self._given = given

    def of(self, row: Read) -> Original:
        """Return the picture of a row. A picture of another size is not the one that was read."""
        recorded, path = size_of(row), self.find(row.source)
        if path is None:
            return Original(recorded, missing=NOT_HERE)
        try:
            from aliocr.pictures.header import read_header  # noqa: PLC0415 - needs the extra

            header = read_header(path)
        except ImportError:
            return Original(recorded, missing=NEEDS_PILLOW)
        except (OSError, PictureError):
            return Original(recorded, missing=UNREADABLE)
        size = header.width, header.height
        if size != (recorded or size) or not _holds(size, row):
            return Original(recorded, missing=ANOTHER)
        return Original(size, path, header)

    def find(self, source: str) -> Path | None:
        """Return the file of a picture; None if it is not on this machine."""
        for path in self._paths(source):
            with suppress(OSError, ValueError):  # for example a name that is too long, or has NUL
                if path.is_file():
                    return path
        return None

    def _paths(self, source: str) -> Iterator[Path]:
        """Yield the paths at which a picture may lie, the most telling first."""
        if is_url(source):
            with suppress(ValueError):  # a malformed URL
                split = urlsplit(source)
                yield from self._ends(split.netloc, *unquote(split.path).split("/"))
            return
        path = Path(source)
        yield path
        yield self._beside / path
        yield from self._ends(*path.parts)

    def _ends(self, *parts: str) -> Iterator[Path]:
        """Yield the ends of a path in the given folder, the longest first; none leads out of it."""
        names = [part for part in parts if Path(part).name]
        if self._given and ".." not in names:
            for start in range(len(names)):
                yield self._given.joinpath(*names[start:])


def _holds(size: tuple[int, int], row: Read) -> bool:
    text = around([*row.regions, *(region for frame in row.frames for region in frame.regions)])
    return text.right <= BEYOND * size[0] + 1 and text.bottom <= BEYOND * size[1] + 1
