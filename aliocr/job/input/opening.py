"""An input opened as what it is: text, CSV, lines of JSON, Parquet, a folder, standard input."""

from __future__ import annotations

import re
import stat
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Literal, TypeAlias, get_args

from aliocr.job.errors import BY_FORMAT, InputError
from aliocr.job.input.csv import CSVReader
from aliocr.job.input.folder import FolderReader
from aliocr.job.input.jsonl import JSONLinesReader
from aliocr.job.input.lines import Lines
from aliocr.job.input.parquet import ParquetReader
from aliocr.job.input.rows import Checkpoint, Reader
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
"""What is named otherwise is text, unless it is a folder."""


def opened(
    source: str | Path | BinaryIO,
    *,
    input_format: str | None = None,
    column: str | None = None,
    id_column: str | None = None,
    checkpoint: Checkpoint | None = None,
    known: Sequence[str] = (),
) -> Reader:
    """The reader of an input, at its beginning or at a checkpoint.

    Args:
        source: A file, a folder, `"-"` for standard input; or a binary stream, which is read as
            that is, and left open.
        input_format: `"text"`, `"csv"` (TSV, too), `"jsonl"`, `"parquet"` or `"folder"`; None to
            go by the suffix, which standard input has not: it is text then.
        column: The column of the images. None for the only one, or the first of url, image,
            image_url, uri, source, path, link and file that there is, in any case.
        id_column: The column of the ids. None for id or data_id, if there is one.
        checkpoint: A reader's `checkpoint`, to go on after the row it was taken at.
        known: For a folder: the `names` of the reader of an earlier run.

    Raises:
        InputError: It cannot be read as that; it has no such columns; or it is not what it was
            when the checkpoint was taken.
        ImportError: The extra `parquet` is missing.
    """
    place = _place(source)
    format_ = _format_of(place, input_format)
    if format_ in ("text", "folder") and (column is not None or id_column is not None):
        raise InputError(
            f"{_name(place)} is read as {format_} and has no columns; if it has, name its format "
            f"{BY_FORMAT}"
        )
    if not isinstance(place, Path):
        lines = Lines(place, _name(place), owned=False)
        if input_format is None and (checkpoint is None or not checkpoint.number):
            _check_text(lines)
        return _of_lines(lines, format_, column, id_column, checkpoint)
    if format_ == "folder":
        return FolderReader(place, known=known, checkpoint=checkpoint)
    file = _opened(place)
    try:
        if format_ == "parquet":
            return ParquetReader(
                file, place, column=column, id_column=id_column, checkpoint=checkpoint
            )
        return _of_lines(
            Lines(file, _name(place), owned=True), format_, column, id_column, checkpoint
        )
    except BaseException:
        file.close()
        raise


def _check_text(lines: Lines) -> None:
    """What has no name says nothing of its format; that it is no list of URLs can be seen."""
    first = lines.begin()
    if not first.lower().startswith((b"http://", b"https://")) and re.search(rb"[,;\t{]", first):
        raise InputError(
            f"{lines.name} does not begin with a URL: if it is CSV or JSON lines, give the format "
            f"{BY_FORMAT}"
        )


def _of_lines(
    lines: Lines,
    format_: InputFormat,
    column: str | None,
    id_column: str | None,
    checkpoint: Checkpoint | None,
) -> Reader:
    if format_ == "text":
        return TextReader(lines, checkpoint=checkpoint)
    kind = CSVReader if format_ == "csv" else JSONLinesReader
    return kind(lines, column=column, id_column=id_column, checkpoint=checkpoint)


def _format_of(place: Path | BinaryIO, input_format: str | None) -> InputFormat:
    given = next((known for known in FORMATS if known == input_format), None)
    if input_format is not None and given is None:
        raise InputError(f"there is no input format {input_format!r}; it is {', '.join(FORMATS)}")
    if not isinstance(place, Path):
        if given in ("parquet", "folder"):
            raise InputError(f"no {given} is read from standard input; name the file or folder")
        return given or "text"
    is_folder = stat.S_ISDIR(_mode(place))
    if given is not None and is_folder != (given == "folder"):
        kind = "a folder" if is_folder else "no folder"
        raise InputError(f"{place} is {kind} and cannot be read as {given}; name another")
    return given or ("folder" if is_folder else OF_SUFFIX.get(place.suffix.lower(), "text"))


def _place(source: str | Path | BinaryIO) -> Path | BinaryIO:
    if source == "":
        raise InputError("the input has an empty name; name a file, a folder, or - for a list")
    if source != STANDARD_INPUT:
        return Path(source) if isinstance(source, str) else source
    stream: BinaryIO | None = getattr(sys.stdin, "buffer", None)
    if stream is None:
        raise InputError("there is no standard input; name a file")
    # Its buffer has a lock, and Python does not end well while a thread that listens holds it.
    return getattr(stream, "raw", stream)


def _name(place: Path | BinaryIO) -> str:
    return str(place) if isinstance(place, Path) else "standard input"


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"there is no file or folder {path}") from None
    except (OSError, ValueError) as error:
        raise _closed(path, error) from None


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise _closed(path, error) from None


def _closed(path: Path, error: OSError | ValueError) -> InputError:
    if isinstance(error, PermissionError):
        return InputError(f"{path} may not be read by this user; its permissions forbid it")
    reason = getattr(error, "strerror", None) or str(error)
    return InputError(f"{path} cannot be opened: {reason.lower()}")
