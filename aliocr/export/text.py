"""Write one text of all pictures: plain, or in Markdown."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from aliocr.atomic_file import Draft
from aliocr.export.originals import PictureFiles
from aliocr.export.tally import ExportTally
from aliocr.export.wording import label_of, legible, source_of
from aliocr.job.output.result import Read, Result

PAGE_END = "\f"
"""End of each page, as pdftotext writes it: a form feed, at which printers and viewers break."""

MARKUP = re.compile(r"[\\`*_\[\]~|#$]|^[-+=:]|^(\d+)([.)])")
"""What Markdown takes for markup: anywhere, or at the beginning of a line."""


def write_text(
    rows: Iterable[Result], target: Path, originals: PictureFiles, tally: ExportTally
) -> None:
    """Write the pictures one after the other; see `aliocr.export.formats.Writer`."""
    del originals
    _write(rows, target, tally, _plain_page)


def write_markdown(
    rows: Iterable[Result], target: Path, originals: PictureFiles, tally: ExportTally
) -> None:
    """Write a chapter for each picture; see `aliocr.export.formats.Writer`."""
    del originals
    _write(rows, target, tally, _chapter, f"# {escaped(target.stem)}\n\n")


def _write(
    rows: Iterable[Result],
    target: Path,
    tally: ExportTally,
    page_of: Callable[[Read], str],
    beginning: str = "",
) -> None:
    with Draft(target) as draft:
        draft.file.write(beginning.encode())
        for row in rows:
            if not isinstance(row, Read):
                tally.unread += 1
                continue
            draft.file.write(page_of(row).encode())
            tally.written += 1
        draft.place()


def _plain_page(row: Read) -> str:
    head = "\n".join(dict.fromkeys(legible(each) for each in (label_of(row), source_of(row))))
    return "\n".join([head, "", *_lines(row), PAGE_END])


def _chapter(row: Read) -> str:
    label, source = label_of(row), source_of(row)
    said = [f"## {escaped(label)}"]
    if source not in ("", label):
        said.append(escaped(source))
    if lines := [escaped(line) for line in _lines(row)]:
        said.append("  \n".join(lines))  # two blanks at the end of a line keep its end
    return "\n\n".join(said) + "\n\n"


def _lines(row: Read) -> Iterator[str]:
    """Yield the lines in reading order; a text without places has its own ends of lines."""
    for line in row.lines:
        for said in line.text.splitlines():
            if shown := legible(said).strip():
                yield shown


def escaped(text: str) -> str:
    """Return one line as Markdown that shows this text, without markup."""
    said = legible(text).strip().replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return MARKUP.sub(lambda found: f"{found[1] or ''}\\{found[2] or found[0]}", said)
