"""Read the images of a folder."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import attrs

from aliocr.job.errors import InputError
from aliocr.job.input.rows import Checkpoint, Reader, Row, RowOrBad

SUFFIXES = {
    *(".apng", ".png"),
    *(".jfif", ".jpe", ".jpeg", ".jpg", ".pjp", ".pjpeg"),
    *(".bmp", ".gif", ".webp"),
}
"""Suffixes of the picture formats that the service reads. Source of the formats: "Limits on
images"; of their suffixes: the media types in the IANA registry and the HTML standard."""

DRAWING, DRAWN = ".boxes.png", b"aliocr draw"
"""End of the name that `aliocr draw` gives a drawing beside its picture; and the mark in the file.
The text of a drawing is that of its picture, so it is not read again."""

HEAD = 4096
"""Number of bytes at the beginning of a file in which the mark is."""

DRAWINGS = "drawings of `aliocr draw`"
OTHERS = "hidden entries, links to folders, broken links, and files without the suffix of a picture"
"""Words for the entries of a folder that are skipped."""


@attrs.define
class Skipped:
    """The number of entries of a folder, and of the folders in it, that are skipped, by kind."""

    drawings: int = 0
    others: int = 0

    def __bool__(self) -> bool:
        return bool(self.drawings or self.others)

    def __str__(self) -> str:
        kinds = ((self.drawings, DRAWINGS), (self.others, OTHERS))
        return "; ".join(f"{number:,} skipped: {words}" for number, words in kinds if number)


def pictures_in(folder: Path) -> tuple[list[str], Skipped]:
    """Return the sorted names of the pictures in a folder, and how many entries are skipped.

    The name of a picture in a folder inside the folder has the names of the folders, with slashes.
    Hidden folders and links to folders are not searched, so that a link to itself has no end.

    Raises:
        OSError: The folder, or a folder in it, cannot be read.
    """
    pictures: list[str] = []
    skipped = Skipped()
    folders = [""]
    while folders:
        inside = folders.pop()
        with os.scandir(folder / inside) as found:
            entries = list(found)
        shown = [entry for entry in entries if not entry.name.startswith(".")]
        inner = [f"{inside}{entry.name}/" for entry in shown if entry.is_dir(follow_symlinks=False)]
        files = {entry.name for entry in shown if _is_picture(entry)}
        drawings = {name for name in files if name.endswith(DRAWING)}
        drawings = {name for name in drawings if _is_drawing(folder / inside / name, files)}
        folders += inner
        pictures += (inside + name for name in files - drawings)
        skipped.drawings += len(drawings)
        skipped.others += len(entries) - len(inner) - len(files)
    return sorted(pictures), skipped


def _is_picture(entry: os.DirEntry[str]) -> bool:
    with suppress(OSError):  # raised, for example, if the entry is a link to itself
        return Path(entry.name).suffix.lower() in SUFFIXES and entry.is_file()
    return False


def _is_drawing(path: Path, files: Collection[str]) -> bool:
    """Return whether a file with the name of a drawing is one.

    Its picture is beside it, or it has the mark of a drawing.
    """
    stem = path.name.removesuffix(DRAWING)
    if any(Path(name).stem == stem for name in files):
        return True
    with suppress(OSError), path.open("rb") as file:
        return DRAWN in file.read(HEAD)
    return False


class FolderReader(Reader):
    """Reads the pictures of a folder in the order of their names, one row per picture.

    Folders inside the folder are searched, too. A picture keeps its row number when other pictures
    are added or removed: pictures of earlier runs come first and have their old numbers; new
    pictures follow. A picture that was removed keeps its row, and fails when the job opens it.

    Args:
        known: The `names` of an earlier run, so that its pictures keep their row numbers.

    Attributes:
        names: The names of all pictures, in the order of their rows.
    """

    def __init__(self, folder: Path, known: Sequence[str] = ()) -> None:
        self._folder = folder
        try:
            self._found, self._skipped = pictures_in(folder)
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
        left_out = f"; {self._skipped}" if self._skipped else ""
        return f"the pictures in the folder{left_out}"

    def close(self) -> None:
        """Do nothing, because no file is open."""
