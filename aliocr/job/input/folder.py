"""Images that lie in a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from aliocr.job.errors import InputError
from aliocr.job.input.rows import Checkpoint, Row, RowOrBad

SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".webp"}
"""Of the formats the service reads; what to take from a folder. Source: "Limits on images"."""

OTHERS = "folders, broken links, and files not named as a picture"
"""What is not taken."""


def pictures_in(folder: Path) -> tuple[list[str], int]:
    """The names of the pictures in a folder, in order, and how many other things are there.

    Raises:
        OSError: It cannot be read.
    """
    with os.scandir(folder) as inside:
        entries = list(inside)
    pictures = sorted(
        entry.name
        for entry in entries
        if Path(entry.name).suffix.lower() in SUFFIXES and _is_file(entry)
    )
    return pictures, len(entries) - len(pictures)


def _is_file(entry: os.DirEntry[str]) -> bool:
    """Whether a file is there, or where a link leads; a link to itself is none."""
    try:
        return entry.is_file()
    except OSError:
        return False


class FolderReader:
    """The pictures of a folder, a row each, in the order of their names; not searched in depth.

    A picture keeps its number when others are added or removed: those of earlier runs come first
    and as they were numbered then, the new ones after them. A picture that is gone keeps its row,
    too, and will fail when it is opened.

    Args:
        folder: Where they are.
        known: The names that earlier runs have numbered, in order, as `names` gave them.
        checkpoint: Where to go on; None for the beginning.

    Raises:
        InputError: The folder cannot be read or has no pictures.
    """

    def __init__(
        self, folder: Path, *, known: Sequence[str] = (), checkpoint: Checkpoint | None = None
    ) -> None:
        self._folder = folder
        self._number = 0 if checkpoint is None else checkpoint.number
        if self._number > len(known):
            raise InputError(
                f"{folder} was read up to picture {self._number:,}, of which only {len(known):,} "
                "are known by name; give another output"
            )
        try:
            names, self._others = pictures_in(folder)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise InputError(f"the folder {folder} cannot be read: {reason}") from error
        old = set(known)
        self._names = (*known, *(name for name in names if name not in old))
        if not self._names:
            suffixes = ", ".join(sorted(SUFFIXES))
            raise InputError(f"{folder} has no pictures; they end in {suffixes}")

    @property
    def names(self) -> tuple[str, ...]:
        """All pictures' names in the order of their rows: those known before, then the new."""
        return self._names

    def __iter__(self) -> Iterator[RowOrBad]:
        """The rows from here on, in order."""
        while self._number < len(self._names):
            name = self._names[self._number]
            self._number += 1
            yield Row(self._number, str(self._folder / name))

    @property
    def checkpoint(self) -> Checkpoint:
        """The place after the last row that was given."""
        return Checkpoint(self._number, self._number, 0, "")

    @property
    def share(self) -> float | None:
        """How much of the input is before the checkpoint, from 0 to 1."""
        return self._number / len(self._names)

    @property
    def taken(self) -> str:
        """What rows are made of, and what is left out."""
        left_out = f"; {self._others:,} skipped: {OTHERS}" if self._others else ""
        return f"the pictures in it{left_out}"

    def close(self) -> None:
        """Nothing is held open."""
