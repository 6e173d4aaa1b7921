"""Images that lie in a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from aliocr.job.errors import InputError
from aliocr.job.input.rows import Checkpoint, Reader, Row, RowOrBad

SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".webp"}
"""Of the formats the service reads. Source: "Limits on images"."""

OTHERS = "folders, broken links, and files not named as a picture"
"""The entries of a folder that are skipped."""


def pictures_in(folder: Path) -> tuple[list[str], int]:
    """Return the names of the pictures in a folder, in order, and the number of other entries.

    Raises:
        OSError: The folder cannot be read.
    """
    with os.scandir(folder) as inside:
        entries = list(inside)
    pictures = []
    for entry in entries:
        with suppress(OSError):  # a link to itself
            if Path(entry.name).suffix.lower() in SUFFIXES and entry.is_file():
                pictures.append(entry.name)
    return sorted(pictures), len(entries) - len(pictures)


class FolderReader(Reader):
    """The pictures of a folder, a row each, in the order of their names; folders in it are skipped.

    A picture keeps its number when others are added or removed: the pictures of earlier runs come
    first, numbered as they were, and the new ones after them. A picture that is gone keeps its row,
    too, and will fail when it is opened.

    Args:
        known: The `names` of an earlier run.

    Attributes:
        names: The names of all pictures, in the order of their rows.
    """

    def __init__(self, folder: Path, known: Sequence[str] = ()) -> None:
        self._folder = folder
        try:
            self._found, self._others = pictures_in(folder)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise InputError(f"the folder {folder} cannot be read: {reason}") from error
        self.keep_numbers(known)
        if not self.names:
            suffixes = ", ".join(sorted(SUFFIXES))
            raise InputError(f"{folder} has no pictures; they end in {suffixes}")

    def keep_numbers(self, known: Sequence[str]) -> None:
        """Give `known` pictures their rows again; before the first row is asked for."""
        self._known = len(known)
        old = set(known)
        self.names = (*known, *(name for name in self._found if name not in old))

    def __iter__(self) -> Iterator[RowOrBad]:
        """Give the rows from here on, in order."""
        while self._number < len(self.names):
            name = self.names[self._number]
            self._number += 1
            yield Row(self._number, str(self._folder / name))

    def compare(self, checkpoint: Checkpoint) -> None:
        """Check that the pictures before a checkpoint are known by name."""
        if checkpoint.number > self._known:
            raise InputError(
                f"{self._folder} was read up to picture {checkpoint.number:,}, of which only "
                f"{self._known:,} are known by name; give another output"
            )

    @property
    def checkpoint(self) -> Checkpoint:
        """The place after the last row that was given."""
        return Checkpoint(self._number, self._number, 0, "")

    @property
    def share(self) -> float | None:
        """The part of the pictures before the checkpoint, from 0 to 1."""
        return self._number / len(self.names)

    @property
    def description(self) -> str:
        """The origin of the rows, and the number of entries that are skipped."""
        left_out = f"; {self._others:,} skipped: {OTHERS}" if self._others else ""
        return f"the pictures in it{left_out}"

    def close(self) -> None:
        """Do nothing: no file is held open."""
