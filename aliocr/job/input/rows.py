"""The rows of an input, its checkpoints, and the base class of its readers, for every format."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TypeAlias

import attrs

from aliocr.job.errors import InputError
from aliocr.job.input.ids import Ids
from aliocr.redaction import without_query

BAD_ROW = "BadRow"
"""The kind of failure for a row that names no image. For any other failure, the kind is the name of
its error."""

SOURCE_BYTES = 16
"""Size of the hash of a source, in bytes. The chance that any two of a billion sources have the
same hash is less than 1 in 10²⁰."""


def _shown(source: str) -> str:
    return repr(without_query(source))


def changed(name: str, how: str) -> InputError:
    """Return the error for an input that differs from the input of the earlier run."""
    return InputError(
        f"{name} has changed since this job began: {how}; restore it, or give another output"
    )


@attrs.frozen
class Row:
    """One row, which names one image to read.

    Args:
        number: Number of the row in the input, from 1.
        source: URL or path of the image, as written in the input. The repr leaves out the query of
            a URL, because the query of a signed URL is a key.
        id: The caller's name for the image, copied to the output; None if there is none.
        line: Number of the line where the row begins, from 1; None if the input has no lines.
    """

    number: int
    source: str = attrs.field(repr=_shown)
    id: str | None = None
    line: int | None = None

    @property
    def digest(self) -> bytes:
        """The hash of the source, to find rows with equal sources. Each call computes it again."""
        source = self.source.encode("utf-8", "surrogatepass")
        return hashlib.blake2b(source, digest_size=SOURCE_BYTES).digest()


@attrs.frozen
class BadRow:
    """A row that names no image. `problem` says why; the other fields are as in `Row`.

    Args:
        source: The beginning of the text in the place of the source; may be empty. The query of a
            URL is not removed: call `aliocr.redaction.without_query` before you show or write the
            text.
        file: Name of the file that has the row; None if the input is one file.
    """

    number: int
    source: str = attrs.field(repr=_shown)
    problem: str
    id: str | None = None
    line: int | None = None
    file: str | None = None


RowOrBad: TypeAlias = Row | BadRow


@attrs.frozen
class Checkpoint:
    """A position between two rows of an input, from which a later run can continue to read.

    Args:
        number: Number of rows before the position.
        offset: Number of bytes before the position. For a Parquet file or a folder, the number of
            rows.
        line: Number of lines before the position; 0 if the input has no lines.
        digest: A hash that shows if the input has changed. For a Parquet file it is the hash of the
            footer, for a folder it is empty, for any other input it is the hash of all bytes before
            the position.
    """

    number: int
    offset: int
    line: int
    digest: str


class Reader(ABC):
    """Base class: reads an input once, from the beginning or from a checkpoint.

    The caller closes the reader.

    Raises:
        InputError: From every method: the input cannot be read, or has changed.
    """

    columns: tuple[str, str | None] | None = None
    """The columns of images and ids, the second None if there are no ids; None if the input has no
    columns, or they are not known yet."""

    ids: Ids = Ids()
    """Makes the ids of rows. This default is for inputs without columns."""

    file: str | None = None
    """Name of the file that has the last row that was returned; None if the input is one file."""

    _number = 0

    @abstractmethod
    def __iter__(self) -> Iterator[RowOrBad]:
        """Yield the rows from the current position, in the order of the input."""

    @abstractmethod
    def compare(self, checkpoint: Checkpoint) -> None:
        """Check that the input before a checkpoint has not changed; do not move the position.

        Call it only for files and folders, because a pipe cannot be read twice.
        """

    def skip_to(self, checkpoint: Checkpoint) -> None:
        """Move from the beginning to a checkpoint of an earlier run."""
        self.compare(checkpoint)
        self._number = checkpoint.number

    @property
    @abstractmethod
    def checkpoint(self) -> Checkpoint:
        """The position after the last row that was returned."""

    def finish(self) -> str:
        """Move to the end of the input, and return a hash of all of it; empty if it has none."""
        return ""

    @property
    def note(self) -> str:
        """Text to append to the names of the columns: which ids are left out; may be empty."""
        return self.ids.note

    @property
    @abstractmethod
    def share(self) -> float | None:
        """The share of the input that was read, from 0 to 1; None if its total size is unknown."""

    @property
    @abstractmethod
    def description(self) -> str:
        """Text that says what the rows are: the columns, each line, or the pictures of a folder."""

    @abstractmethod
    def close(self) -> None:
        """Close the file. May be called more than once."""
