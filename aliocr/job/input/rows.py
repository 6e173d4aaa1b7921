"""The rows of an input, whatever its format: each is one image, or the reason why it is none."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Protocol, TypeAlias

import attrs

from aliocr.errors import without_query
from aliocr.job.errors import InputError

BAD_ROW = "BadRow"
"""What a row that names no image has failed as, where others have the name of their error."""

SOURCE_BYTES = 16
"""Of a source's hash. That two of a billion images are taken for one has a chance of 1 in 10²⁰."""


def _shown(source: str) -> str:
    return repr(without_query(source))


def changed(name: str, how: str) -> InputError:
    """The error for an input that is not the one its checkpoint was made in.

    Args:
        name: What it is called.
        how: What shows that it is another.
    """
    return InputError(
        f"{name} is not what it was when this job began: {how}; put it back, or give another output"
    )


@attrs.frozen
class Row:
    """One image to read.

    Args:
        number: Its place in the input, from 1.
        source: Its URL, or its path, as it stands there. The query of a URL is left out of the
            repr, because that of a signed one is a key.
        id: The caller's name for it, carried through to the output; None if there is none.
        line: The line it begins at, from 1, in inputs that have lines.
    """

    number: int
    source: str = attrs.field(repr=_shown)
    id: str | None = None
    line: int | None = None

    @property
    def digest(self) -> bytes:
        """Stands for its image among all others; worked out anew each time."""
        source = self.source.encode("utf-8", "surrogatepass")
        return hashlib.blake2b(source, digest_size=SOURCE_BYTES).digest()


@attrs.frozen
class BadRow:
    """A row that names no image.

    Args:
        number: Its place in the input, from 1.
        source: What stands there, as far as it can be shown; may be empty. All of it is kept, a
            URL's query too: `aliocr.errors.without_query` before it is shown or written.
        problem: What is wrong with it.
        id: As of `Row`.
        line: As of `Row`.
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
        offset: Where it is, in bytes; in rows for inputs that are not read byte by byte.
        line: Lines before it; 0 for inputs without lines.
        digest: Stands for all that comes before it, so that an input is not taken for another.
    """

    number: int
    offset: int
    line: int
    digest: str


class Reader(Protocol):
    """Reads an input once, from its beginning or from a checkpoint; its owner closes it.

    Raises:
        InputError: While it is opened or read: the input cannot be read, or is not the one that the
            checkpoint was made in.
    """

    def __iter__(self) -> Iterator[RowOrBad]:
        """The rows from here on, in order."""
        ...

    @property
    def checkpoint(self) -> Checkpoint:
        """The place after the last row that was given."""
        ...

    @property
    def share(self) -> float | None:
        """How much of the input is before the checkpoint, from 0 to 1; None if nobody can know."""
        ...

    @property
    def taken(self) -> str:
        """What rows are made of, in words: the columns, or what is left out of a folder."""
        ...

    def close(self) -> None:
        """Let go of the file. May be called twice."""
        ...
