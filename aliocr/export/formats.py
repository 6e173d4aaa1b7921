"""The formats of exports: the suffix of the target chooses one of them.

To add a format, add a row to `FORMATS`, and the module of its writer.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from pkgutil import resolve_name
from typing import Protocol

import attrs

from aliocr.export.originals import PictureFiles
from aliocr.export.tally import ExportTally
from aliocr.job.output.result import Result


class ExportError(Exception):
    """There is nothing to write. The message is one line. The target is as before."""


class Writer(Protocol):
    """Writes an export. The target is replaced in one step, at the end: see `atomic_file`."""

    def __call__(
        self, rows: Iterable[Result], target: Path, originals: PictureFiles, tally: ExportTally
    ) -> None:
        """Write the rows that were read, one after the other; count all of them.

        Raises:
            OSError: The target cannot be written; it is as before.
            ExportError: There is nothing to write.
        """


@attrs.frozen
class Format:
    """A format of an export.

    Args:
        name: What the target is, for messages.
        suffixes: Suffixes of the target, in lower case. Empty for a folder.
        noun: What `ExportTally.written` counts, in the singular.
        path: Module and name of the writer. It is imported late, because some need an extra.
    """

    name: str
    suffixes: tuple[str, ...]
    noun: str
    path: str

    @property
    def writer(self) -> Writer:
        """The writer.

        Raises:
            ImportError: An extra is missing; the message names it.
        """
        writer: Writer = resolve_name(self.path)
        return writer


FOLDER = Format("a folder of hOCR files", (), "file", "aliocr.export.hocr:write_hocr")

SHEET = Format("a CSV sheet", (".csv",), "row", "aliocr.export.sheet:write_sheet")

FORMATS = (
    Format("a searchable PDF", (".pdf",), "page", "aliocr.export.pdf:write_pdf"),
    Format("Markdown", (".md",), "picture", "aliocr.export.text:write_markdown"),
    Format("text", (".txt",), "picture", "aliocr.export.text:write_text"),
    Format(
        "an SQLite database",
        (".db", ".sqlite", ".sqlite3"),
        "row",
        "aliocr.export.database:write_database",
    ),
    SHEET,
)


def format_of(target: str) -> Format:
    """Return the format of a target.

    A target without a suffix, with a slash at its end, or that is a folder already, is a folder.

    Raises:
        ValueError: The suffix is unknown, or the target is no name.
    """
    if target in {"", "-"}:
        raise ValueError("an export is a file or a folder: give its name")
    if target.endswith(("/", "\\")) or Path(target).is_dir():
        return FOLDER
    suffix = Path(target).suffix.lower()
    for each in FORMATS:
        if suffix in each.suffixes:
            return each
    if not suffix:
        return FOLDER
    known = ", ".join(f"{' or '.join(each.suffixes)} for {each.name}" for each in FORMATS)
    raise ValueError(f"the suffix {suffix} is unknown: give {known}, or {FOLDER.name} as NAME/")
