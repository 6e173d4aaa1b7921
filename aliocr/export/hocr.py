"""Write a folder of hOCR files: a file for each picture that was read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path, PurePath

from aliocr.atomic_file import Draft, file_name
from aliocr.export.originals import PictureFiles
from aliocr.export.tally import ExportTally
from aliocr.export.wording import name_of
from aliocr.job.output.result import Read, Result
from aliocr.text.hocr import to_hocr

MOST_LABEL = 120
"""Maximum size of the label (an id or a picture's name) in a file name, in bytes.

File systems allow 255 bytes for a whole file name.
"""


def write_hocr(
    rows: Iterable[Result], target: Path, originals: PictureFiles, tally: ExportTally
) -> None:
    """Write the files; see `aliocr.export.formats.Writer`. Each file is replaced in one step."""
    for row in rows:
        if not isinstance(row, Read):
            tally.unread += 1
            continue
        original = originals.of(row)
        with Draft(target / _name(row)) as draft:
            draft.file.write(to_hocr(row, size=original.size).encode())
            draft.place()
        tally.written += 1
        if original.size is None:
            tally.remarks[f"with pages that end at the text; {original.missing}"] += 1


def _name(row: Read) -> str:
    """Return a file name. Its row number makes it unique; it never leads to another folder."""
    label = row.id or PurePath(name_of(row)).stem
    kept = re.sub(r"[^\w.-]+", "_", label).strip("._-")
    short = kept.encode()[:MOST_LABEL].decode(errors="ignore")
    return file_name(f"{row.row}-{short}.hocr" if short else f"{row.row}.hocr")
