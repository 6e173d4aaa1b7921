"""Find out the format of a file, a folder or standard input, and open this input."""

from __future__ import annotations

import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO, Literal, TypeAlias, get_args

import attrs

from aliocr.job.errors import BY_FORMAT, InputError
from aliocr.job.input.columns import EARLIER_RANKS, FORMER_RANKS, RANKS, Choice, described
from aliocr.job.input.compression import UnpackedFile, unpacked_name
from aliocr.job.input.content import check_content, check_parquet
from aliocr.job.input.csv import CSVReader
from aliocr.job.input.folder import FolderReader
from aliocr.job.input.jsonl import JSONLinesReader
from aliocr.job.input.lines import Lines
from aliocr.job.input.parquet import ParquetReader
from aliocr.job.input.rows import Reader
from aliocr.job.input.several import SeveralReader, files_of, lists_in
from aliocr.job.input.text import TextReader

InputFormat: TypeAlias = Literal["text", "csv", "jsonl", "parquet", "folder"]

FORMATS: tuple[InputFormat, ...] = get_args(InputFormat)

STANDARD_INPUT = "-"

OF_SUFFIX: dict[str, InputFormat] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".json": "jsonl",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}
"""The format for each suffix of a file's name. A file with any other suffix is text."""


OF_READER: dict[type, InputFormat] = {
    TextReader: "text",
    CSVReader: "csv",
    JSONLinesReader: "jsonl",
    ParquetReader: "parquet",
    FolderReader: "folder",
}
InputSource: TypeAlias = str | Path | Sequence[str | Path]
"""An input, or several inputs that are read one after the other."""


def opened(
    source: InputSource | BinaryIO,
    *,
    input_format: str | None = None,
    column: str | None = None,
    id_column: str | None = None,
    earlier: bool = False,
    by_ranks: bool = False,
    begun: bool = False,
    known: Sequence[str] = (),
    output: Path | None = None,
) -> Reader:
    """Open an input and read its header; for the arguments see `RunInput` and `FolderReader`.

    A binary stream is treated like standard input, and is not closed.
    """
    open_ = partial(
        _opened_one,
        input_format=input_format,
        choice=Choice(column, id_column, _ranks(earlier=earlier, by_ranks=by_ranks)),
        earlier=earlier,
        begun=begun,
    )
    if isinstance(source, str | Path | Sequence):
        sources = _listed(source)
        format_of = partial(_format_by_name, wanted=input_format)
        files = None if input_format == "folder" else files_of(sources, format_of, output)
        if files is not None:
            return SeveralReader(files, open_)
        (source,) = sources
    return open_(source, known=known)


def _opened_one(
    source: str | Path | BinaryIO,
    *,
    input_format: str | None,
    choice: Choice,
    earlier: bool,
    begun: bool,
    known: Sequence[str] = (),
) -> Reader:
    """Open one file, folder or stream, and read its header."""
    place = _place(source)
    format_ = _format_of(place, input_format)
    name = str(place) if isinstance(place, Path) else "standard input"
    if format_ in ("text", "folder") and (choice.column, choice.id_column) != (None, None):
        raise InputError(
            f"{name} is read as {format_} and has no columns; if it has columns, give its format "
            f"{BY_FORMAT}"
        )
    if isinstance(place, Path):
        if format_ == "folder":
            return FolderReader(place, known)
        with _telling(place):
            file: BinaryIO = place.open("rb")
    else:
        file = place
    if format_ == "parquet":
        return _parquet(file, name, choice)
    lines = Lines(UnpackedFile(file, name, owned=file is not place), name)
    try:
        if input_format is None and not begun:
            check_content(lines, format_)
        if format_ == "text":
            return TextReader(lines, earlier=earlier)
        return (CSVReader if format_ == "csv" else JSONLinesReader)(lines, choice)
    except BaseException:
        lines.close()
        raise


def _parquet(file: BinaryIO, name: str, choice: Choice) -> ParquetReader:
    try:
        check_parquet(file, name)
        return ParquetReader(file, name, choice)
    except BaseException:
        file.close()
        raise


@attrs.define
class RunInput:
    """The input of one run. It is opened only once.

    The job opens a file or a folder before it writes anything; the thread of `prefetch` then uses
    the same reader. Standard input is opened in that thread, because reading its first line may
    take hours.

    Args:
        source: A file, a folder, a pattern such as `"lists/*.csv"`, several of these, or `"-"` for
            standard input.
        input_format: One of `FORMATS`; `"csv"` includes TSV. If None, the suffix of the file's name
            decides; standard input has no suffix and is read as text.
        column: Name of the column of the images. None means the only column, or, if there are
            several columns, the one whose name, in upper or lower case, is the surest of `RANKS`.
        id_column: Name of the column of the ids. None means the first name of `IDS` that the input
            has; if the input has no such column, its rows have no ids.
        earlier: Choose the column and count the rows as an earlier version did, because that
            version began the job.
        by_ranks: That version had ranks of names, too.
        begun: The job has results, so the input is not looked at for what else it may be.
        output: The output of the job, which is never a part of its input.
    """

    source: InputSource
    input_format: str | None = None
    column: str | None = None
    id_column: str | None = None
    earlier: bool = False
    by_ranks: bool = False
    begun: bool = False
    output: Path | None = None
    _reader: Reader | None = attrs.field(default=None, init=False)

    @property
    def name(self) -> str:
        """Name of the input in messages."""
        sources = _listed(self.source)
        return "standard input" if STANDARD_INPUT in sources else ", ".join(map(str, sources))

    @property
    def can_be_read_twice(self) -> bool:
        """True for files and folders; False for standard input and pipes."""
        sources = _listed(self.source)
        if STANDARD_INPUT in sources:
            return False
        path = Path(sources[0]) if len(sources) == 1 else Path()
        return path.is_dir() or path.is_file() or not path.exists()

    def open(self) -> Reader:
        """Return the reader; the first call opens it."""
        if self._reader is None:
            self._reader = opened(
                self.source,
                input_format=self.input_format,
                column=self.column,
                id_column=self.id_column,
                earlier=self.earlier,
                by_ranks=self.by_ranks,
                begun=self.begun,
                output=self.output,
            )
        return self._reader

    @property
    def taken(self) -> str | None:
        """Text that names the columns; None if there are none, or until the input is open."""
        reader = self._reader
        return described(*reader.columns) + reader.note if reader and reader.columns else None

    @property
    def found(self) -> dict[str, str | None]:
        """The format and the columns of the input, as far as they are known by now."""
        reader, found = self._reader, dict[str, str | None]()
        if format_ := self.input_format or OF_READER.get(type(reader)):
            found["format"] = format_
        if columns := reader and reader.columns:
            found |= dict(zip(("column", "id"), columns, strict=True))
        return found

    def close(self) -> None:
        """Close the input, if it is open."""
        if self._reader is not None:
            self._reader.close()


def _ranks(*, earlier: bool, by_ranks: bool) -> tuple[tuple[str, ...], ...]:
    if not earlier:
        return RANKS
    return FORMER_RANKS if by_ranks else EARLIER_RANKS


def _listed(source: InputSource) -> Sequence[str | Path]:
    return [source] if isinstance(source, str | Path) else source


def _place(source: str | Path | BinaryIO) -> Path | BinaryIO:
    if source == "":
        raise InputError(
            "the input has an empty name; give a file, a folder, or - (standard input)"
        )
    if source != STANDARD_INPUT:
        return Path(source) if isinstance(source, str) else source
    stream: BinaryIO | None = getattr(sys.stdin, "buffer", None)
    if stream is None:
        raise InputError("there is no standard input; give a file")
    # Use the stream below the buffer: the buffer has a lock, and while a thread holds this lock,
    # Python cannot exit.
    return getattr(stream, "raw", stream)


def _format_of(place: Path | BinaryIO, input_format: str | None) -> InputFormat:
    given = next((known for known in FORMATS if known == input_format), None)
    if input_format is not None and given is None:
        raise InputError(f"there is no input format {input_format!r}; use {', '.join(FORMATS)}")
    if not isinstance(place, Path):
        if given in ("parquet", "folder"):
            raise InputError(f"{given} cannot be read from standard input; give a file or folder")
        return given or "text"
    with _telling(place):
        is_folder = stat.S_ISDIR(place.stat().st_mode)
    if given is not None and is_folder != (given == "folder"):
        kind = "a folder" if is_folder else "not a folder"
        raise InputError(f"{place} is {kind} and cannot be read as {given}; give another format")
    return given or ("folder" if is_folder else _by_name(place) or "text")


def _by_name(path: Path) -> InputFormat | None:
    """Return the format that the name of a file says; it may be compressed."""
    return OF_SUFFIX.get(unpacked_name(path).suffix.lower())


def _format_by_name(path: Path, wanted: str | None = None) -> str | None:
    """Return the format of a list in a folder; None for other files, and for unwanted formats."""
    found = _by_name(path)
    return found if wanted in (None, found) else None


def has_lists(folder: Path) -> bool:
    """Return True if a folder is read as lists: it has lists, and no pictures."""
    return bool(lists_in(folder, _format_by_name))


@contextmanager
def _telling(path: Path) -> Iterator[None]:
    """Convert an error of the operating system about a path to an `InputError`."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"there is no file or folder {path}") from None
    except PermissionError:
        raise InputError(
            f"{path} may not be read by this user, because its permissions forbid it"
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{path} cannot be opened: {reason.lower()}") from None
