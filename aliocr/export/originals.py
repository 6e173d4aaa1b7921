"""Find the pictures of rows on this machine. Nothing is downloaded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

from aliocr.checks import is_url


class Originals:
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
