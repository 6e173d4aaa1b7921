"""The rows of an input, whatever its format: each is one image, or the reason why it is none."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TypeAlias

import attrs

from aliocr.errors import without_query
from aliocr.job.errors import InputError

BAD_ROW = "BadRow"
"""The kind of failure of a row that names no image; other failures have the name of their error."""

SOURCE_BYTES = 16
"""Of a source's hash: two of a billion images get the same one with a chance of 1 in 10²⁰."""


def _shown(source: str) -> str:
    return repr(without_query(source))


def changed(name: str, how: str) -> InputError:
    """Return the error for an input that differs from the one of the earlier run."""
    return InputError(
        f"{name} is not what it was when this job began: {how}; put it back, or give another output"
    )


@attrs.frozen
class Row:
    """One image to read.

    Args:
        number: Its place in the input, from 1.
        source: Its URL or path, as it stands in the input. The repr leaves out the query of a URL,
            because the query of a signed URL is a key.
        id: The caller's name for it, carried through to the output; None if there is none.
        line: The line it begins at, from 1, in inputs that have lines.
    """

    number: int
    source: str = attrs.field(repr=_shown)
    id: str | None = None
    line: int | None = None

    @property
    def digest(self) -> bytes:
        """The hash of the source, by which equal images are found; computed at each call."""
        source = self.source.encode("utf-8", "surrogatepass")
        return hashlib.blake2b(source, digest_size=SOURCE_BYTES).digest()


@attrs.frozen
class BadRow:
    """A row that names no image, with the reason as `problem`; otherwise as `Row`.

    Args:
        source: The text in place of a source, as far as it can be shown; may be empty. The query of
            a URL is in it: call `aliocr.errors.without_query` before it is shown or written.
    """

    number: int
    source: str = attrs.field(repr=_shown)
    problem: str
    id: str | None = None
    line: int | None = None


RowOrBad: TypeAlias = Row | BadRow


@attrs.frozen
class Checkpoint:
    """A place between two rows of an input, from which it can be read on.

    Args:
        number: Rows before it.
        offset: Bytes before it; rows for inputs that are not read byte by byte.
        line: Lines before it; 0 for inputs without lines.
        digest: The hash of all that comes before it, by which a changed input is found.
    """

    number: int
    offset: int
    line: int
    digest: str


class Reader(ABC):
    """An input that is read once, from its beginning or from a checkpoint; its owner closes it.

    Raises:
        InputError: At any time: the input cannot be read, or has changed.
    """

    _number = 0

    @abstractmethod
    def __iter__(self) -> Iterator[RowOrBad]:
        """Give the rows from here on, in order."""

    @abstractmethod
    def compare(self, checkpoint: Checkpoint) -> None:
        """Check that the input up to a checkpoint has not changed; stay before the first row.

        Only for files and folders, since a pipe cannot be read twice.
        """

    def skip_to(self, checkpoint: Checkpoint) -> None:
        """Go from the first row to a checkpoint of an earlier run."""
        self.compare(checkpoint)
        self._number = checkpoint.number

    @property
    @abstractmethod
    def checkpoint(self) -> Checkpoint:
        """The place after the last row that was given."""

    @property
    @abstractmethod
    def share(self) -> float | None:
        """The part of the input before the checkpoint, from 0 to 1; None if its size is unknown."""

    @property
    @abstractmethod
    def description(self) -> str:
        """The origin of the rows in words: the columns, or the pictures of a folder."""

    @abstractmethod
    def close(self) -> None:
        """Close the file. May be called twice."""
