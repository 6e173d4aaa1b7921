"""Read several files as one input: files that are named, match a pattern, or lie in a folder."""

from __future__ import annotations

import glob
import hashlib
import os
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias

from aliocr.job.errors import BY_FORMAT, InputError
from aliocr.job.input.columns import described
from aliocr.job.input.folder import pictures_in
from aliocr.job.input.ids import Ids
from aliocr.job.input.lines import DIGEST_BYTES, shown
from aliocr.job.input.rows import BadRow, Checkpoint, Reader, Row, RowOrBad, changed

HIDDEN = (".", "_")
"""Beginnings of names that are skipped in a folder: Spark writes `_SUCCESS` and `_temporary`."""


FormatOf: TypeAlias = Callable[[Path], str | None]
"""Returns the format of a list by its name; None for a file that is no list."""


def files_of(
    sources: Sequence[str | Path], format_of: FormatOf, output: Path | None
) -> list[Path] | None:
    """Return the files that several inputs, patterns and folders of lists name, in their order.

    Return None if the input is a single file, a folder without lists, or standard input.

    Args:
        sources: The inputs. A path that exists is never a pattern.
        format_of: Names the lists of a folder.
        output: The output of the job. A pattern or a folder may have it and its journal, too, and
            they are skipped.

    Raises:
        InputError: An input cannot be one of several, or names no file.
    """
    own = set() if output is None else {output, output.with_name(f"{output.name}.journal")}
    expanded = [_expanded(source, format_of, own) for source in sources]
    if len(sources) == 1 and expanded[0] is None:
        return None
    files: list[Path] = []
    for source, found in zip(sources, expanded, strict=True):
        path = Path(source)
        if source in ("-", "") or (found is None and path.exists() and not path.is_file()):
            raise InputError(
                f"{str(source) or 'an empty name'} cannot be one of several inputs, because it is "
                "no regular file and no folder of lists; give it alone"
            )
        files += [path] if found is None else found
    kept = [file for file in files if file.resolve() not in own]
    if not kept:
        raise InputError(f"there is no list in {', '.join(map(str, sources))}")
    return kept


def _expanded(source: str | Path, format_of: FormatOf, own: Container[Path]) -> list[Path] | None:
    """Return the files of a folder of lists or of a pattern; None if the source is neither."""
    if os.path.isdir(source) and source != "":  # noqa: PTH112 - takes any text
        return _of_one_format(Path(source), format_of, own) or None
    if os.path.exists(source) or not glob.has_magic(str(source)):  # noqa: PTH110
        return None
    matches = map(Path, sorted(glob.glob(str(source), recursive=True)))  # noqa: PTH207
    found = [
        file
        for match in matches
        for file in (_of_one_format(match, format_of, own) if match.is_dir() else [match])
    ]
    if not found:
        raise InputError(f"there is no file or folder {source}, and no file matches it")
    return found


def lists_in(folder: Path, format_of: FormatOf) -> list[Path]:
    """Return the lists of a folder, and of the folders in it; none if the folder has pictures."""
    found: list[Path] = []
    try:
        if pictures_in(folder)[0]:
            return []
    except OSError:  # the reader of folders raises it again
        return []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(HIDDEN))
        paths = (Path(place, name) for name in sorted(names) if not name.startswith(HIDDEN))
        found += filter(format_of, paths)
    return found


def _of_one_format(folder: Path, format_of: FormatOf, own: Container[Path]) -> list[Path]:
    """Return the lists of a folder but the job's own files; refuse lists of several formats.

    Data sets have a description beside their tables, and it is no list.
    """
    found = [file for file in lists_in(folder, format_of) if file.resolve() not in own]
    formats = sorted({str(format_of(file)) for file in found})
    if len(formats) > 1:
        raise InputError(
            f"{folder} has lists of several formats, {', '.join(formats)}; give one {BY_FORMAT}, "
            f"or files by a pattern, such as '{folder}/**/*{found[0].suffix}'"
        )
    return found


class SeveralReader(Reader):
    """Reads files one after the other, and numbers their rows through.

    A row has the line of its own file. A checkpoint in the first file is that of this file alone,
    so that files can be added to an input of one file. The digest of a later checkpoint has four
    parts: the index of its file, the number of rows before this file, a hash of the names and
    contents before it, and the digest of its own reader.

    Args:
        files: Regular files; at least one.
        open_: Opens a file and reads its header.

    Raises:
        InputError: A file cannot be read, or its images are in another column.
    """

    def __init__(self, files: Sequence[Path], open_: Callable[[Path], Reader]) -> None:
        self._files = files
        self._open = open_
        self.ids = Ids()
        chosen: dict[str, Path] = {}
        # Read every header now, so that no file is refused after images were sent.
        for file in files:
            with closing(open_(file)) as reader:
                if reader.columns is not None:
                    self.columns = self.columns or reader.columns
                    chosen.setdefault(reader.columns[0], file)
        if len(chosen) > 1:
            said = " and ".join(f"{shown(name)} in {file}" for name, file in chosen.items())
            raise InputError(f"the images are in {said}; rename a column, or run a job for each")
        self._sizes = [max(1, file.stat().st_size) for file in files]
        self._begin(0, 0, hashlib.blake2b(digest_size=DIGEST_BYTES), open_(files[0]))

    def _begin(self, at: int, before: int, chain: Any, reader: Reader) -> None:
        self._at, self._before, self._chain, self._reader = at, before, chain, reader
        self._number = before

    def __iter__(self) -> Iterator[RowOrBad]:
        """Yield the rows from the current position, file by file."""
        while True:
            before, self.file = self._before, str(self._files[self._at])
            for row in self._reader:
                self._number = before + row.number
                if isinstance(row, Row):
                    yield Row(self._number, row.source, row.id, row.line)
                else:
                    yield BadRow(self._number, row.source, row.problem, row.id, row.line, self.file)
            if self._at + 1 == len(self._files):
                return
            self._add_to(self._chain, self._at, self._reader)
            self._reader.close()
            self.ids.left_out += self._reader.ids.left_out
            at = self._at + 1
            self._begin(at, self._number, self._chain, self._open(self._files[at]))

    def _add_to(self, chain: Any, at: int, reader: Reader) -> None:
        chain.update(
            f"{self._files[at].name}\0{reader.finish()}\0".encode(errors="surrogateescape")
        )

    def compare(self, checkpoint: Checkpoint) -> None:
        """Check that the files before a checkpoint, and their order, have not changed."""
        at, _, _, own = self._place(checkpoint)
        with closing(self._open(self._files[at])) as reader:
            reader.compare(own)

    def skip_to(self, checkpoint: Checkpoint) -> None:
        """Move from the beginning to a checkpoint of an earlier run."""
        at, before, chain, own = self._place(checkpoint)
        self._reader.close()
        self._begin(at, before, chain, self._open(self._files[at]))
        self._reader.skip_to(own)
        self._number = checkpoint.number

    def _place(self, checkpoint: Checkpoint) -> tuple[int, int, Any, Checkpoint]:
        """Return the index of a checkpoint's file, the rows and hash before it, and its own place.

        Raises:
            InputError: The files before it have changed.
        """
        chain = hashlib.blake2b(digest_size=DIGEST_BYTES)
        match checkpoint.digest.split(" "):
            case [index, rows, known, digest]:
                at, before = int(index), int(rows)
            case _:
                return 0, 0, chain, checkpoint
        for place in range(min(at, len(self._files))):
            with closing(self._open(self._files[place])) as reader:
                self._add_to(chain, place, reader)
        if at >= len(self._files) or chain.hexdigest() != known:
            raise changed("the input", f"one of its first {at:,} files, or their order, differs")
        own = Checkpoint(checkpoint.number - before, checkpoint.offset, checkpoint.line, digest)
        return at, before, chain, own

    @property
    def checkpoint(self) -> Checkpoint:
        """The position after the last row that was returned."""
        own = self._reader.checkpoint
        if self._at == 0:
            return own
        digest = f"{self._at} {self._before} {self._chain.hexdigest()} {own.digest}"
        return Checkpoint(self._before + own.number, own.offset, own.line, digest)

    @property
    def share(self) -> float | None:
        """The share of the bytes of all files that were read, from 0 to 1."""
        read = sum(self._sizes[: self._at]) + self._sizes[self._at] * (self._reader.share or 0.0)
        return read / sum(self._sizes)

    @property
    def description(self) -> str:
        """Text that names the columns of images and ids, and the number of files."""
        return (described(*self.columns) if self.columns else "each line") + self.note

    @property
    def note(self) -> str:
        """Text to append to the names of the columns."""
        return f", in {len(self._files):,} files{super().note}"

    def close(self) -> None:
        """Close the file that is open. May be called more than once."""
        self._reader.close()
