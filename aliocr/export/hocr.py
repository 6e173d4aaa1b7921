"""Write a folder of hOCR files: a file for each picture that was read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from aliocr.atomic_file import Draft, file_name
from aliocr.export.originals import Originals
from aliocr.export.tally import Tally
from aliocr.job.output.result import Read, Result
from aliocr.text.hocr import to_hocr

MOST_LABEL = 120
"""Maximum size of the label (an id or a picture's name) in a file name, in bytes.

File systems allow 255 bytes for a whole file name.
"""


def write_hocr(rows: Iterable[Result], target: Path, originals: Originals, tally: Tally) -> None:
    """Write the files; see `aliocr.export.formats.Writer`. Each file is replaced in one step."""
    del originals
    for row in rows:
        if not isinstance(row, Read):
            tally.unread += 1
            continue
        with Draft(target / _name(row)) as draft:
            draft.file.write(to_hocr(row).encode())
            draft.place()
        tally.written += 1


def _name(row: Read) -> str:
    """Return a file name. Its row number makes it unique; it never leads to another folder."""
    label = row.id or ""
    if not label:
        with suppress(ValueError):  # a malformed URL
            label = Path(urlsplit(row.source).path if "://" in row.source else row.source).stem
    kept = re.sub(r"[^\w.-]+", "_", label).strip("._-")
    short = kept.encode()[:MOST_LABEL].decode(errors="ignore")
    return file_name(f"{row.row}-{short}.hocr" if short else f"{row.row}.hocr")
