"""Read the images of a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from aliocr.job.errors import InputError
from aliocr.job.input.rows import Checkpoint, Reader, Row, RowOrBad

SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".webp"}
"""Suffixes of the picture formats that the service reads. Source: "Limits on images"."""

OTHERS = "folders, broken links, and files without the suffix of a picture"
"""Words for the entries of a folder that are skipped."""


def pictures_in(folder: Path) -> tuple[list[str], int]:
    """Return the sorted names of the pictures in a folder, and the number of its other entries.

    Raises:
        OSError: The folder cannot be read.
    """
    with os.scandir(folder) as inside:
        entries = list(inside)
    pictures = []
    for entry in entries:
        with suppress(OSError):  # raised, for example, if the entry is a link to itself
            if Path(entry.name).suffix.lower() in SUFFIXES and entry.is_file():
                pictures.append(entry.name)
    return sorted(pictures), len(entries) - len(pictures)


class FolderReader(Reader):
    """Reads the pictures of a folder in the order of their names, one row per picture.

    Folders inside the folder are skipped. A picture keeps its row number when other pictures are
    added or removed: pictures of earlier runs come first and have their old numbers; new pictures
    follow. A picture that was removed keeps its row, and fails when the job opens the picture.

    Args:
        known: The `names` of an earlier run, so that its pictures keep their row numbers.

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
            raise InputError(f"{folder} has no pictures; names of pictures end in {suffixes}")

    def keep_numbers(self, known: Sequence[str]) -> None:
        """Give the `known` pictures their old row numbers. Call it before the first row is read."""
        self._known = len(known)
        old = set(known)
        self.names = (*known, *(name for name in self._found if name not in old))

    def __iter__(self) -> Iterator[RowOrBad]:
        """Yield the rows from the current position, in the order of `names`."""
        while self._number < len(self.names):
            name = self.names[self._number]
            self._number += 1
            yield Row(self._number, str(self._folder / name))

    def compare(self, checkpoint: Checkpoint) -> None:
        """Check that the names of all pictures before a checkpoint are known.

        Without these names, pictures could get other row numbers than in the earlier run.
        """
        if checkpoint.number > self._known:
            raise InputError(
                f"{self._folder} was read up to picture {checkpoint.number:,}, but only the names "
                f"of {self._known:,} pictures are known; give another output"
            )

    @property
    def checkpoint(self) -> Checkpoint:
        """The position after the last row that was returned."""
        return Checkpoint(self._number, self._number, 0, "")

    @property
    def share(self) -> float | None:
        """The share of the pictures that were returned as rows, from 0 to 1."""
        return self._number / len(self.names)

    @property
    def description(self) -> str:
        """Text that says what the rows are, and how many entries are skipped."""
        left_out = f"; {self._others:,} skipped: {OTHERS}" if self._others else ""
        return f"the pictures in the folder{left_out}"

    def close(self) -> None:
        """Do nothing, because no file is open."""
